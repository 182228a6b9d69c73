"""The pages without a browser: their database queries and their content."""

from __future__ import annotations

import gzip
import html
import re
from pathlib import Path
from typing import Any

import apm_payloads as apm
import pytest
import yaml
from standin_client import Client, bodies

NOW = 1_780_000_000


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("time.time", lambda: float(NOW))
    return Client(tmp_path)


def report(client: Client, *names: str, metrics: int = 3, value: float = 1.0) -> None:
    """Store a report from hosts that send this many metrics."""
    for name in names:
        keys = [bodies.Key(f"m{number}", name, ()) for number in range(metrics)]
        client.store.add_samples([bodies.Sample(key, "gauge", 15, {NOW - 10: value}) for key in keys], NOW)
        client.store.add_host(bodies.HostReport(name, {"system": [f"role:{name[0]}"]}, [], {}), NOW)


def get(client: Client, path: str, **query: Any) -> str:
    status, headers, body = client.call("GET", path, query, headers=[])
    assert status == 200
    assert "script-src 'self';" in headers["content-security-policy"]
    return body.decode()


def reads(client: Client, monkeypatch: pytest.MonkeyPatch, path: str) -> int:
    """Return the number of statements that a page runs."""
    statements: list[str] = []
    read = client.store.read
    monkeypatch.setattr(client.store, "read", lambda text, *values: statements.append(text) or read(text, *values))
    get(client, path)
    return len(statements)


@pytest.mark.parametrize(("path", "most"), [("/", 10), ("/metrics", 5), ("/metrics/m0", 12), ("/hosts/a1", 22)])
def test_number_of_statements_does_not_depend_on_hosts_and_metrics(
    client: Client, monkeypatch: pytest.MonkeyPatch, path: str, most: int
) -> None:
    report(client, "a1")
    before = reads(client, monkeypatch, path)
    report(client, *(f"b{number}" for number in range(30)), metrics=20)
    assert reads(client, monkeypatch, path) == before <= most


def test_static_files_are_compressed_and_cached(client: Client) -> None:
    text = get(client, "/metrics")
    report(client, "a1")
    found = set(re.findall(r'"(/static/[^"]+)"', text + get(client, "/metrics/m0")))
    names = {path.rsplit("/", 1)[1] for path in found}
    assert names == {"site.css", "site.js", "icon.svg", "charts.js", "uPlot.iife.min.js", "uPlot.min.css"}
    for path in found:
        status, headers, body = client.call("GET", path, headers=[(b"accept-encoding", b"br, gzip")])
        assert (status, headers["content-encoding"]) == (200, "gzip")
        assert "immutable" in headers["cache-control"]
        assert gzip.decompress(body) == client.call("GET", path, headers=[])[2]
        # Other content has another address; an outdated address is not found.
        assert client.call("GET", re.sub(r"/static/.", "/static/_", path), headers=[])[0] == 404


def test_pages_are_compressed_if_the_client_accepts_it(client: Client) -> None:
    _status, headers, body = client.call("GET", "/", headers=[(b"accept-encoding", b"gzip")])
    assert headers["vary"] == "Accept-Encoding" and b"<h1>Hosts</h1>" in gzip.decompress(body)
    assert "content-encoding" not in client.call("GET", "/", headers=[])[1]


def test_explorers_widget_fits_into_a_dashboard(client: Client) -> None:
    report(client, "a1")
    text = get(client, "/explore", metric="m0", by="host", query2="top(avg:m1{*} by {host}, 5, 'mean', 'desc')")
    found = re.search(r'aria-label="The widget as YAML">(.*?)</pre>', text, re.DOTALL)
    assert found
    widgets = yaml.safe_load(html.unescape(found[1]))
    requests = widgets[0]["definition"]["requests"]
    assert requests[0]["queries"][0]["query"] == "avg:m0{*} by {host}"
    assert requests[1]["q"] == "top(avg:m1{*} by {host}, 5, 'mean', 'desc')"
    board = client.json("POST", "/api/v1/dashboard", body={"title": "b", "layout_type": "ordered", "widgets": widgets})
    assert "Not drawn" not in get(client, board["url"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("avg:m0{*", "expected &#39;,&#39;, AND, OR or &#39;}&#39;, at column 9"),
        ("avg:m0{*}, avg:m1{*}", "one query at a time"),
        ("p95:m0{*}", "percentiles exist for distributions only"),
        ("<b>", "at column 1"),
    ],
)
def test_explorer_shows_the_error_and_its_column(client: Client, query: str, said: str) -> None:
    report(client, "a1")
    text = get(client, "/explore", query=query)
    assert "This query cannot be answered" in text and said in text and "<b>" not in text.replace("<b></b>", "")


def test_host_map_metric_is_in_the_address(client: Client) -> None:
    report(client, "a1", value=1.0)
    report(client, "b1", "b2", value=9.0)
    text = get(client, "/", filter="role:b", group="role", metric="m1")
    assert re.findall(r'class="tile (\w+) [^"]*" href="/hosts/(\w+)"', text) == [("fresh", "b1"), ("fresh", "b2")]
    assert "role:b <small>2</small>" in text
    assert "No host fits this filter." in get(client, "/", filter="role:none")


@pytest.mark.parametrize("path", ["/", "/hosts/<b>h</b>"])
def test_host_names_are_escaped(client: Client, path: str) -> None:
    client.store.add_host(bodies.HostReport("<b>h</b>", {"system": ["<q>"]}, ["<u>"], {"os": "<s>"}), NOW)
    text = get(client, path)
    assert "&lt;b&gt;h" in text and "&lt;q&gt;" in text
    assert not re.search("<[bqus]>h|<[qus]>", text)


def test_titles_and_queries_of_dashboards_are_escaped(client: Client) -> None:
    query = {"requests": [{"queries": [{"query": "avg:<i>{*}"}], "formulas": [{"formula": "a"}]}], "type": "timeseries"}
    group = {
        "type": "group",
        "layout_type": "ordered",
        "title": "<b>all</b>",
        "widgets": [{"definition": {"title": "inner", **query}}],
    }
    body = {"title": "Mine & yours", "layout_type": "ordered", "widgets": [{"definition": group}]}
    text = get(client, client.json("POST", "/api/v1/dashboard", body=body)["url"])
    for wanted in ("<h1>Mine &amp; yours</h1>", "&lt;b&gt;all", "inner", "<code>avg:&lt;i&gt;{*}</code>"):
        assert wanted in text
    assert client.call("GET", "/dashboard/other", headers=[])[0] == 404


def test_history_includes_changes_without_notification(client: Client) -> None:
    body = {"name": "m", "type": "metric alert", "query": "avg(last_5m):avg:m0{*} > 5", "message": "quiet"}
    monitor = client.json("POST", "/api/v1/monitor", body=body)["id"]
    for value in (1.0, 9.0, 9.0, 2.0):
        report(client, "a1", value=value)
        client.call("POST", "/lab/evaluate")
    changes = re.findall(r"<th scope=\"row\">\*</th><td>(.*)</td></tr>", get(client, f"/monitors/{monitor}"))
    shown = [re.findall(r'class="state [\w-]+">([^<]+)<', change) for change in changes if "state" in change]
    # The current states, then the history, newest first.
    assert shown[-3:] == [["Alert", "OK"], ["OK", "Alert"], ["OK"]]
    assert "Nothing has been sent." in get(client, f"/monitors/{monitor}")


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "timeseries", "requests": []},
        {"type": "timeseries", "requests": [{"q": "avg:m0{"}]},
        {"type": "timeseries", "requests": [{"q": "avg:m0{*}"}], "time": {"type": "fixed", "from": "x"}},
        {"type": "timeseries", "requests": [{"q": "avg:m0{$nowhere}"}]},
        {"type": "timeseries", "requests": [{"q": "avg:m0{*}"}], "markers": [{}]},
        {"type": "query_value", "requests": [{"q": "avg:m0{*}", "aggregator": "median"}]},
        {"type": "query_value", "requests": []},
        {"type": "toplist", "requests": [{"log_query": {"index": "*"}}]},
        {"type": "hologram"},
        {"type": "slo_list", "requests": [{"q": "avg:m0{*}"}]},
    ],
)
def test_widget_that_cannot_be_drawn_says_why(client: Client, definition: dict[str, Any]) -> None:
    report(client, "a1")
    good = {"definition": {"type": "note", "content": "beside it"}}
    body = {"title": "b", "layout_type": "ordered", "widgets": [{"definition": definition}, good]}
    made = client.json("POST", "/api/v1/dashboard", body=body)
    text = get(client, f"/dashboard/{made['id']}")
    assert text.count("Not drawn: ") == 1 and "beside it" in text


@pytest.mark.parametrize(
    ("kind", "query", "reason"),
    [
        ("query alert", "max(next_1w):forecast(avg:m0{*}, 'linear', 1) > 5", "the window next_1w"),
        ("log alert", 'formula("a / b").last("15m") > 5', "the type log alert"),
    ],
)
def test_monitor_error_shows_on_its_page_and_in_the_api(client: Client, kind: str, query: str, reason: str) -> None:
    made = client.json("POST", "/api/v1/monitor", body={"name": "m", "type": kind, "query": query})
    client.call("POST", "/lab/evaluate")
    wanted = f"cannot be evaluated here: {reason}"
    for path in (f"/monitors/{made['id']}", "/monitors"):
        text = get(client, path)
        assert wanted in text and ">Skipped</span>" in text
    shown = client.json("GET", f"/api/v1/monitor/{made['id']}", group_states="all")
    assert shown["overall_state"] == "Skipped" and shown["state"] == {"groups": {}, "reason": wanted}
    assert "problem" not in shown


@pytest.mark.parametrize("host", ["web-01", "UP.Case", "h<b>", "X,Y", "a b{c}", "it's"])
def test_pages_of_hosts_and_services_accept_any_name(client: Client, host: str) -> None:
    for name in (host, "other"):
        sent = apm.client_stats(NOW // 60 * 60 - 120, apm.group([0.2] * 3, [], Resource="GET /"), Hostname=name)
        assert client.call("POST", "/api/v0.2/stats", None, apm.agent_stats(sent))[0] == 202
    report(client, host)
    get(client, f"/hosts/{host}")
    for asked, requests in (({"host": host}, 3), ({}, 6), ({"host": "none"}, 0)):
        text = get(client, "/services/shop", **asked)
        assert f"<strong>{requests}</strong> requests" in text if requests else "Nothing in this span." in text
        # Its charts are of that host too.
        assert "No data in this span." not in text
