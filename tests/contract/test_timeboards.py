"""Scripts for timeboards and screenboards run unchanged, with the clients for which they were written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import datadog
import pytest
from datadog.api.exceptions import ApiError
from released import released

# Requirements of these clients that the tests' environment lacks.
OLDER = {
    "0.30.0": ("datadog-0.30.0-py2.py3-none-any.whl", "decorator-5.1.1-py3-none-any.whl"),
    "0.44.0": ("datadog-0.44.0-py2.py3-none-any.whl",),
    "0.56.0": (),
}
SCRIPT = textwrap.dedent("""
    import json, sys
    from datadog import api, initialize

    initialize(api_key=sys.argv[2], app_key=sys.argv[3], api_host=sys.argv[1])
    graphs = [
        {"definition": {"events": [], "requests": [{"q": "avg:my_metric{host:web-1}"}], "viz": "timeseries"},
         "title": "my_metric on a host"},
        {"definition": {"requests": [{"q": "anomalies(avg:mysql.performance.cpu_time{*}, 'basic', 2)"}]},
         "viz": "timeseries", "title": "anomalies"},
        {"definition": {"requests": [{"q": "avg:my_metric{$host}.rollup(sum, 3600)", "aggregator": "sum"}],
                        "viz": "query_value", "precision": "0"}, "title": "the last hour"},
    ]
    made = api.Timeboard.create(title="My Timeboard", description="An informative timeboard.", graphs=graphs,
                                template_variables=[{"name": "host", "prefix": "host", "default": "host:web-1"}],
                                read_only=True)
    board = made["dash"]
    assert board["graphs"] == graphs and board["read_only"] is True
    assert board["template_variables"] == [{"name": "host", "prefix": "host", "default": "host:web-1"}]
    assert api.Timeboard.get(board["id"])["dash"] == board
    changed = api.Timeboard.update(board["id"], title="Renamed", description="", graphs=graphs[:1])
    assert [one["id"] for one in api.Timeboard.get_all()["dashes"]] == [str(board["id"])]
    widgets = [
        {"type": "note", "html": "Hi", "x": 1, "y": 1, "width": 20, "height": 10},
        {"type": "timeseries", "title": True, "title_text": "CPU", "timeframe": "4h", "x": 1, "y": 12, "width": 47,
         "height": 15, "tile_def": {"viz": "timeseries", "requests": [{"q": "avg:system.cpu.user{*}"}]}},
    ]
    screen = api.Screenboard.create(board_title="My Screenboard", width=1024, height=768, widgets=widgets)
    assert api.Screenboard.get(screen["id"])["widgets"] == widgets
    assert api.Screenboard.share(screen["id"])["public_url"].startswith("https://p.datadoghq.com/sb/")
    api.Screenboard.revoke(screen["id"])
    print(json.dumps({"timeboard": changed["dash"], "made": made, "screenboard": screen}))
""")


@pytest.fixture
def client(standin, account):
    """The newest client, initialised for an empty account; its state is global."""
    keys = {"api_key": standin.api_key, "app_key": standin.app_key}
    datadog.initialize(**keys, api_host=standin.url, mute=False, hostname_from_config=False)
    yield
    datadog.api._api_key = datadog.api._application_key = datadog.api._api_host = None


def run(standin, version, tmp_path):
    """Run the script with a version of the client, and return its output."""
    path = os.pathsep.join(str(released(name)) for name in OLDER[version])
    script = tmp_path / "timeboard.py"
    script.write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), standin.url, standin.api_key, standin.app_key],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("version", OLDER)
def test_script_runs_unchanged(standin, client, tmp_path, version):
    made = run(standin, version, tmp_path)
    assert made["made"]["url"].startswith(f"/dash/{made['timeboard']['id']}/my-timeboard")
    found = [datadog.api.Dashboard.get(board["id"]) for board in datadog.api.Dashboard.get_all()["dashboards"]]
    boards = {board["title"]: board for board in found}
    assert set(boards) == {"Renamed", "My Screenboard"}
    assert boards["Renamed"]["id"] == made["timeboard"]["new_id"]
    (widget,) = boards["Renamed"]["widgets"]
    assert widget["definition"]["type"] == "timeseries" and widget["definition"]["title"] == "my_metric on a host"
    note, graph = boards["My Screenboard"]["widgets"]
    assert note["definition"] == {"type": "note", "content": "Hi"}
    assert graph["layout"] == {"x": 1, "y": 12, "width": 47, "height": 15}
    assert graph["definition"]["time"] == {"live_span": "4h"} and graph["definition"]["title"] == "CPU"


def test_dashboard_and_timeboard_are_the_same_object(client):
    definition = {
        "type": "timeseries",
        "title": "Load",
        "requests": [{"q": "avg:system.load.1{*}", "display_type": "area", "style": {"line_width": "thin"}}],
    }
    board = datadog.api.Dashboard.create(title="T", layout_type="ordered", widgets=[{"definition": definition}])
    (listed,) = datadog.api.Timeboard.get_all()["dashes"]
    assert (listed["new_id"], listed["title"]) == (board["id"], "T")
    old = datadog.api.Timeboard.get(listed["id"])["dash"]
    request = {"q": "avg:system.load.1{*}", "type": "area", "style": {"width": "thin"}}
    assert old["graphs"] == [{"title": "Load", "definition": {"viz": "timeseries", "requests": [request]}}]
    datadog.api.Timeboard.update(**{**old, "title": "U"})
    changed = datadog.api.Dashboard.get(board["id"])
    assert (changed["title"], changed["created_at"]) == ("U", board["created_at"])
    assert changed["widgets"][0]["definition"] == definition
    # The original timeboard is dropped when the dashboard changes.
    datadog.api.Dashboard.update(board["id"], title="V", layout_type="ordered", widgets=[])
    assert datadog.api.Timeboard.get(listed["id"])["dash"]["graphs"] == []
    assert datadog.api.Screenboard.get_all() == {"screenboards": []}
    with pytest.raises(ApiError, match="Unable to find Screenboard"):
        datadog.api.Screenboard.get(listed["id"])
    assert datadog.api.Timeboard.delete(listed["id"]) is None
    with pytest.raises(ApiError, match="No dashboard matches that dash_id"):
        datadog.api.Timeboard.get(listed["id"])


BAD = {"title": "bad", "definition": {"requests": [{"q": "anomalies(avg:my_metric{host:web-1}, 'basic'"}]}}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: datadog.api.Timeboard.create(title="T", graphs="x"), "'graphs' parameter is required to be a list"),
        (lambda: datadog.api.Timeboard.create(graphs=[]), "'title' parameter is required"),
        (lambda: datadog.api.Timeboard.create(title="T", graphs=[{"title": "no"}]), "a graph has no definition"),
        (lambda: datadog.api.Timeboard.create(title="T", graphs=[BAD]), r"Error\(s\) found in query:\\nError parsing"),
        (lambda: datadog.api.Screenboard.create(board_title="T"), "'widgets' parameter is required"),
        (lambda: datadog.api.Timeboard.create(title="T", graphs=[{"definition": {}}]), "'requests' is a required"),
        (lambda: datadog.api.Timeboard.get(10**16), "No dashboard matches"),
    ],
)
def test_invalid_board_is_refused(client, call, message):
    with pytest.raises(ApiError, match=message):
        call()


def test_boards_are_returned_as_terraform_recorded_them(client):
    """The limits of an axis as strings, a service without details, and empty defaults."""
    graph = {"title": "g", "definition": {"viz": "timeseries", "requests": [{"q": "avg:x{*}"}], "yaxis": {"max": 50}}}
    variable = {"name": "host", "prefix": "host", "default": ""}
    board = datadog.api.Timeboard.create(title="T", graphs=[graph], template_variables=[variable])["dash"]
    assert board["graphs"][0]["definition"]["yaxis"] == {"max": "50"} and board["template_variables"] == [variable]
    widget = {"type": "trace_service", "env": "prod", "serviceService": "", "x": 1, "y": 1, "width": 9, "height": 9}
    board = datadog.api.Screenboard.create(board_title="T", widgets=[widget])
    assert datadog.api.Screenboard.get(board["id"])["widgets"] == [widget]


def test_command_can_push_what_it_has_pulled(standin, account, tmp_path):
    command = Path(sys.executable).with_name("dog")
    keys = ["--api-key", standin.api_key, "--application-key", standin.app_key, "--api_host", standin.url]

    def dog(*arguments: str) -> str:
        return subprocess.run(
            [command, *keys, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    graph = {"title": "Load", "definition": {"viz": "timeseries", "requests": [{"q": "avg:system.load.1{*}"}]}}
    for kind in ("timeboard", "screenboard"):
        dog(kind, "new_file", f"{kind}.json", json.dumps(graph))
        board = json.loads((tmp_path / f"{kind}.json").read_text(encoding="utf-8"))
        assert json.loads(dog(kind, "show", str(board["id"])))
        before = account.there("dashboard")
        assert json.loads(dog(kind, "push", f"{kind}.json"))
        assert [one["id"] for one in account.there("dashboard")] == [one["id"] for one in before]
        dog(kind, "delete", str(board["id"]))
    assert account.there("dashboard") == []
