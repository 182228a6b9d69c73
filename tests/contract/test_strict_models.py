"""Every request of the modules is valid according to the models of Datadog's own client."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from ansible_collections.kennel.fleet.plugins.modules import (
    datadog_account_info,
    datadog_dashboards,
    datadog_dashboards_info,
    datadog_downtimes,
    datadog_downtimes_info,
    datadog_event,
    datadog_hosts_info,
    datadog_metrics_info,
    datadog_monitors,
    datadog_monitors_info,
    datadog_snapshot,
)
from strict_models import request_problems

Run = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[2]
KEYS = ("dd-api-key", "dd-application-key")


class Recorder:
    """A proxy between the modules and the stand-in Datadog that records requests: method, path with query, and body."""

    def __init__(self, standin: Any) -> None:
        self.sent: list[tuple[str, str, Any]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                recorder.sent.append((self.command, self.path, json.loads(body) if body else None))
                headers = {name: self.headers[name] for name in (*KEYS, "content-type") if name in self.headers}
                status, answer = standin.request(self.command, self.path, body, **headers)
                self.send_response(status)
                if status != 204:
                    self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def problems(self) -> list[str]:
        """Return the problems of the recorded requests."""
        return [
            f"{method} {path}: {problem}"
            for method, path, body in self.sent
            for problem in request_problems(method, path, body)
        ]

    def methods(self, path: str) -> set[str]:
        """Return the distinct methods of writes to addresses that start with a path."""
        return {method for method, target, _body in self.sent if target.startswith(path) and method != "GET"}


@pytest.fixture
def recorder(standin: Any) -> Iterator[Recorder]:
    made = Recorder(standin)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def run(recorder: Recorder, standin: Any, run_module: Run) -> Run:
    """Run a module through the recorder; it must succeed, unless `fails`."""

    def call(module: ModuleType, **arguments: Any) -> dict[str, Any]:
        keys = {"api_key": standin.api_key, "app_key": standin.app_key, "api_url": recorder.url}
        result = run_module(module, **keys, **arguments)
        assert not result["failed"], result
        return result

    return call


def widget(definition: dict[str, Any], **layout: int) -> dict[str, Any]:
    return {"definition": definition, **({"layout": layout} if layout else {})}


def series(query: str, **more: Any) -> dict[str, Any]:
    """Return a graph request in the current form."""
    asked = [{"name": "a", "data_source": "metrics", "query": query}]
    return {"response_format": "timeseries", "formulas": [{"formula": "a"}], "queries": asked, **more}


def dashboard(**changes: Any) -> dict[str, Any]:
    number = {**series("sum:my_metric{$host}.rollup(sum, 3600)"), "response_format": "scalar"}
    number["queries"] = [{**number["queries"][0], "aggregator": "last"}]
    anomalies = series("anomalies(avg:mysql.performance.user_time{*}, 'basic', 2)", display_type="line")
    widgets = [
        widget({"type": "timeseries", "title": "One", "requests": [series("avg:my_metric{$host} by {host}")]}),
        widget({"type": "timeseries", "title": "Old", "requests": [{"q": "avg:my_metric{*}", "display_type": "bars"}]}),
        widget({"type": "query_value", "requests": [number], "precision": 2, "autoscale": True}),
        widget({"type": "note", "content": "Read **me**"}),
        widget(
            {
                "type": "group",
                "layout_type": "ordered",
                "title": "G",
                "widgets": [
                    widget(
                        {
                            "type": "timeseries",
                            "requests": [anomalies],
                            "markers": [{"value": "y > 9", "display_type": "error dashed"}],
                        }
                    )
                ],
            }
        ),
    ]
    variables = [{"name": "host", "prefix": "host", "defaults": ["*"], "available_values": []}]
    return {
        "key": "board",
        "title": "Board",
        "layout_type": "ordered",
        "reflow_type": "auto",
        "description": "Shows.",
        "template_variables": variables,
        "notify_list": [],
        "widgets": widgets,
        **changes,
    }


def monitor(**changes: Any) -> dict[str, Any]:
    options = {
        "thresholds": {"critical": 800, "warning": "500", "critical_recovery": 700.5},
        "notify_no_data": True,
        # Templated values may be text.
        "no_data_timeframe": "10",
        "renotify_interval": 60,
        "escalation_message": "Still\n",
    }
    query = "avg(last_5m):avg:my_metric{*} by {host} > 800"
    return {
        "key": "high",
        "name": "High",
        "type": "metric alert",
        "query": query,
        "message": "{{#is_alert}}{{value}}{{/is_alert}} @a@example.com\n",
        "tags": ["service:web"],
        "priority": "3",
        "options": options,
        **changes,
    }


ANOMALY = {
    "key": "odd",
    "name": "Odd",
    "type": "query alert",
    "query": "avg(last_4h):anomalies(avg:mysql.performance.user_time{*}, 'basic', 2, direction='both',"
    " alert_window='last_15m', interval=60, count_default_zero='true') >= 1",
    "message": "Odd",
    "options": {
        "thresholds": {"critical": 1.0, "critical_recovery": 0.0},
        "threshold_windows": {"trigger_window": "last_15m", "recovery_window": "last_15m"},
    },
}
CHECK = {
    "key": "connect",
    "name": "Connect",
    "type": "service check",
    "query": '"mysql.can_connect".over("*").by("host").last(4).count_by_status()',
    "options": {"thresholds": {"critical": 3, "warning": 1, "ok": 1}},
}
NIGHTS = {
    "key": "nights",
    "scope": "*",
    "monitor_key": "high",
    "message": "Nights @a@example.com",
    "display_timezone": "America/Los_Angeles",
    "notify_end_types": ["expired", "canceled"],
    "schedule": {
        "timezone": "America/Los_Angeles",
        "recurrences": [
            {"start": "2026-11-02T19:00:00", "duration": "14h", "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"}
        ],
    },
}
ONCE = {
    "key": "once",
    "scope": "env:lab",
    "monitor_identifier": {"monitor_tags": ["service:web"]},
    "schedule": {"start": "2099-01-01T00:00:00+00:00", "end": "2099-01-02T00:00:00+00:00"},
    "notify_end_states": ["no data"],
    "mute_first_recovery_notification": True,
}


@pytest.mark.parametrize(
    ("module", "plural", "path", "versions"),
    [
        (
            datadog_dashboards,
            "dashboards",
            "/api/v1/dashboard",
            [[dashboard()], [dashboard(title="New", description=None, template_variables=None)], []],
        ),
        (
            datadog_monitors,
            "monitors",
            "/api/v1/monitor",
            [
                [monitor(), ANOMALY, CHECK],
                [
                    monitor(name="New", type="query alert", priority=None, options={}),
                    {**ANOMALY, "tags": ["a:b"]},
                    {**CHECK, "message": "New"},
                ],
                [],
            ],
        ),
        (
            datadog_downtimes,
            "downtimes",
            "/api/v2/downtime",
            [
                [NIGHTS, ONCE],
                [
                    {**NIGHTS, "schedule": {**NIGHTS["schedule"], "timezone": "Europe/Paris"}},
                    {**ONCE, "message": "New", "schedule": {"end": "2099-01-03T00:00:00Z"}},
                ],
                [],
            ],
        ),
    ],
)
def test_lists(
    run: Run, recorder: Recorder, name: str, module: ModuleType, plural: str, path: str, versions: list[Any]
) -> None:
    for items, action in zip(versions, ("created", "updated", "deleted"), strict=True):
        done = run(module, fleet=name, prune=True, **{plural: items})[plural]
        assert [item["action"] for item in done] == [action] * len(versions[0])
        again = run(module, fleet=name, prune=True, **{plural: items})
        assert not again["changed"], again["diff"]
    assert recorder.methods(path) >= {"POST", "DELETE"} and recorder.methods(path) & {"PUT", "PATCH"}
    assert recorder.problems() == []


def test_check_mode_only_sends_validations(run: Run, recorder: Recorder, name: str) -> None:
    run(datadog_dashboards, fleet=name, dashboards=[dashboard()], check=True)
    run(datadog_monitors, fleet=name, monitors=[monitor()], check=True)
    run(datadog_downtimes, fleet=name, downtimes=[ONCE], check=True)
    questions = {"/api/v1/monitor/validate", "/api/v1/dashboard/widgets/validate"}
    assert {target for method, target, _body in recorder.sent if method != "GET"} == questions
    assert recorder.problems() == []


def test_events(run: Run, recorder: Recorder, name: str) -> None:
    first = run(datadog_event, title="T", text="X")
    run(
        datadog_event,
        title="T",
        text="%%%\nX\n%%%",
        tags=["a:b"],
        alert_type="user_update",
        priority="low",
        aggregation_key=name,
        unless_within=60,
        source_type_name="ansible",
        host=name,
        related_event_id=first["id"],
    )
    assert len([body for _method, _target, body in recorder.sent if body]) == 2
    assert recorder.problems() == []


def test_snapshots(run: Run, recorder: Recorder) -> None:
    run(datadog_snapshot, metric_query="avg:my_metric{*}", span="5m", title="T", width=600, height=200, wait_timeout=0)
    graph = {"viz": "timeseries", "requests": [{"q": "avg:my_metric{*}"}]}
    run(datadog_snapshot, graph_def=graph, span="1h", event_query="*", wait_timeout=0)
    assert len(recorder.sent) == 2 and recorder.problems() == []


def test_readers(run: Run, recorder: Recorder) -> None:
    run(datadog_account_info)
    run(datadog_dashboards_info, full=True)
    run(datadog_monitors_info, name="a", tags=["a:b"], monitor_tags=["c:d"], group_states=["alert", "no data"])
    run(datadog_monitors_info, ids=[1], group_states=["all"])
    run(datadog_downtimes_info, active=True)
    run(datadog_hosts_info, filter="a", since=1764000000, metadata=True)
    run(datadog_metrics_info, query="avg:my_metric{*}", span="5m")
    assert len(recorder.sent) >= 8 and recorder.problems() == []


PLAY = """
- hosts: localhost
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  module_defaults:
    group/kennel.fleet.datadog: {api_url: "{{ url }}"}
  tasks:
    - ansible.builtin.include_role:
        name: kennel.fleet.datadog_objects
      vars:
        datadog_objects_fleet: "{{ fleet }}"
        datadog_objects_notify: "@ops@example.com"
        datadog_objects_timezone: America/Los_Angeles
        datadog_objects_hosts: [web1, db1]
"""


def apply_role(recorder: Recorder, standin: Any, folder: Path, **variables: Any) -> subprocess.CompletedProcess[str]:
    book = folder / "play.yml"
    book.write_text(PLAY, encoding="utf-8")
    env = {**os.environ, "DD_API_KEY": standin.api_key, "DD_APP_KEY": standin.app_key, "ANSIBLE_CONFIG": "ansible.cfg"}
    program = str(Path(sys.executable).parent / "ansible-playbook")
    command = [program, "-i", "localhost,", "-c", "local", book, "-e", json.dumps({"url": recorder.url, **variables})]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_objects_of_the_role(recorder: Recorder, standin: Any, name: str, tmp_path: Path) -> None:
    done = apply_role(recorder, standin, tmp_path, fleet=name)
    assert done.returncode == 0, done.stdout + done.stderr
    writes = {urlsplit(target).path for method, target, _body in recorder.sent if method == "POST"}
    assert writes >= {"/api/v1/dashboard", "/api/v1/monitor", "/api/v2/downtime"}
    assert recorder.problems() == []


def test_role_reports_all_problems_and_sends_nothing(recorder: Recorder, standin: Any, tmp_path: Path) -> None:
    bad = {"datadog_objects_tags": [], "datadog_objects_warning": 900, "datadog_objects_folder": str(tmp_path)}
    done = apply_role(recorder, standin, tmp_path, fleet="My fleet", **bad)
    said = re.findall("^ *(datadog_objects_[a-z]+)", done.stdout, re.MULTILINE)
    assert done.returncode and {"datadog_objects_fleet", *bad} <= set(said) and not recorder.sent, done.stdout


# --------------------------------------------------------------------------------------------- the strict validation
@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"nam": "x"}, "body.nam: unknown to Monitor"),
        ({"type": "metrics alert"}, "body.type: 'metrics alert' is none of"),
        ({"tags": "a:b"}, "body: Invalid type"),
        ({"options": {"notify_nodata": True}}, "body.options.notify_nodata: unknown"),
        ({"options": {"thresholds": {"critical": "5"}}}, "body: Invalid type"),
        ({"options": {"on_missing_data": "page"}}, "body.options.on_missing_data: 'page' is none of"),
        ({"id": 5}, "body.id: only the server writes it"),
        ({"query": None}, "body.query: it cannot be null"),
    ],
)
def test_invalid_body_is_found(change: dict[str, Any], place: str) -> None:
    body = {"type": "metric alert", "query": "avg(last_5m):avg:x{*} > 1", **change}
    (problem,) = request_problems("POST", "/api/v1/monitor", body)
    assert problem.startswith(place)


@pytest.mark.parametrize(
    ("target", "problem"),
    [
        ("/api/v1/graph/snapshot?start=1&end=x", "query: end: Invalid type"),
        ("/api/v1/graph/snapshot?start=1", "query: end is missing"),
        ("/api/v1/graph/snapshot?start=1&end=2&query=x", "query: query is unknown"),
        ("/api/v1/graph/snapshots", "there is no GET"),
    ],
)
def test_invalid_parameters_are_found(target: str, problem: str) -> None:
    (found,) = request_problems("GET", target)
    assert found.startswith(problem)


def test_invalid_nested_widget_is_found() -> None:
    body = dashboard()
    del body["key"]
    inner = body["widgets"][4]["definition"]["widgets"][0]["definition"]
    assert request_problems("POST", "/api/v1/dashboard", body) == []
    inner["requests"][0]["queries"][0]["data_source"] = "metric"
    assert request_problems("POST", "/api/v1/dashboard", body)
    inner["requests"][0]["queries"][0]["data_source"] = "metrics"
    inner["titel"] = "x"
    assert request_problems("POST", "/api/v1/dashboard", body)
