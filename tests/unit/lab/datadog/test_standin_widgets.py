"""The graph model of each type of widget. Any definition is drawn, or shows why it cannot be."""

from __future__ import annotations

import copy
import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import standin_client
from anything import ANYTHING
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from standin_client import Client, bodies

model, shapes, widgets = (importlib.import_module(f"standin.graph.{name}") for name in ("model", "shapes", "widgets"))
sketches = importlib.import_module("standin.wire.sketches")

NOW = 1_780_000_000
# Host a sends 1, 2, ... 10, a minute apart, and b ten times as much; c only has data from the hour before.
FACTORS = {"a": 1.0, "b": 10.0}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    found = Client(tmp_path_factory.mktemp("standin"))
    for host, factor in FACTORS.items():
        points = {NOW - 60 * (10 - step): factor * (step + 1) for step in range(10)}
        past = {NOW - 3600 - 60 * (10 - step): factor * (step + 1) / 2 for step in range(10)}
        key = bodies.Key("m", host, ("country:DE",))
        found.store.add_samples([bodies.Sample(key, "gauge", 0, points | past)], NOW)
        report = bodies.HostReport(host, {"system": [f"zone:{host}1"]}, [], {})
        found.store.add_host(report, NOW)
    key = bodies.Key("half", "a", ())
    found.store.add_samples([bodies.Sample(key, "gauge", 0, {NOW - 60: 3.0})], NOW)
    # Host b has stopped reporting another port, after two reports within a minute.
    for host, tags, status, when in (
        *(("a", (), 0, NOW - 5), ("b", (), 2, NOW - 5)),
        *(("b", ("port:3307",), 0, NOW - 1800 + 60 * number) for number in range(2)),
    ):
        found.store.add_check_runs([bodies.CheckRun("mysql.can_connect", host, tags, status, when, "")], NOW)
    documents = standin_client.documents.Documents(found.store)
    for number, source in enumerate(("nginx", "nginx", "docker")):
        event = {"id": number, "title": f"e{number}", "text": "x", "tags": ["team:x"], "source_type_name": source}
        documents.put("event", number, {**event, "date_happened": NOW - 600 * number - 30})
    for id_, name, state in ((7, "late", "OK"), (8, "early", "Alert")):
        monitor = {"id": id_, "name": name, "type": "query alert", "query": "avg(last_5m):avg:m{*} > 5", "tags": []}
        more = {"message": "", "options": {"thresholds": {"critical": 5.0}}, "org_id": 1, "priority": None}
        documents.put("monitor", id_, {**monitor, **more})
        shown = {"id": id_, "overall_state": state, "overall_state_modified": None, "groups": {}}
        documents.put("monitor_state", id_, shown)
    return found


def drawn(client: Client, **definition: Any) -> dict[str, Any]:
    view = model.View(client.store, NOW, {"zone": "zone:a1", "dotted.name": "host:b"})
    found = widgets.widget(definition, view)
    assert "problem" not in found, found["problem"]
    return found


def cells(found: dict[str, Any]) -> list[list[Any]]:
    return [[one.get("number", one["text"]) for one in row] for row in found["rows"]]


def query(text: str, name: str = "a", **more: Any) -> dict[str, Any]:
    return {"data_source": "metrics", "name": name, "query": text, **more}


EVENTS = {"data_source": "events", "name": "e", "search": {"query": "team:x"}, "compute": {"aggregation": "count"}}
BY_HOST = {"queries": [query("avg:m{*} by {host}")], "formulas": [{"formula": "a"}]}


def test_top_lists_are_sorted_and_limited(client: Client) -> None:
    found = drawn(client, type="toplist", requests=[{"q": "top(max:m{*} by {host}, 5, 'max', 'desc')"}])
    assert cells(found) == [["host:b", 55.0], ["host:a", 5.5]]
    assert [row[1]["share"] for row in found["rows"]] == [1.0, 0.1]
    one = {**BY_HOST, "sort": {"count": 1, "order_by": [{"type": "formula", "index": 0, "order": "asc"}]}}
    assert cells(drawn(client, type="toplist", requests=[one])) == [["host:a", 5.5]]
    limited = {**BY_HOST, "formulas": [{"formula": "a", "limit": {"count": 1, "order": "desc"}}]}
    assert cells(drawn(client, type="toplist", requests=[limited])) == [["host:b", 55.0]]


def test_tables_have_a_column_per_formula_and_empty_cells(client: Client) -> None:
    queries = [query("max:m{*} by {host}", aggregator="last"), query("sum:half{*} by {host}", "b", aggregator="max")]
    formulas = [{"formula": "a", "alias": "last"}, {"formula": "b"}]
    found = drawn(client, type="query_table", requests=[{"queries": queries, "formulas": formulas}])
    assert found["columns"] == ["Group", "last", "half"]
    assert cells(found) == [["host:b", 100.0, None], ["host:a", 10.0, 3.0]]
    old = [{"q": "max:m{*} by {host}", "aggregator": "max", "alias": "most"}, {"q": "sum:half{*} by {host}"}]
    assert cells(drawn(client, type="query_table", requests=old)) == cells(found)


def test_changes_compare_with_the_past(client: Client) -> None:
    asked = {"q": "avg:m{*} by {host}", "compare_to": "hour_before", "order_by": "name", "order_dir": "asc"}
    found = drawn(client, type="change", requests=[asked])
    assert cells(found) == [["host:a", 2.75, 5.5, 2.75, 100.0], ["host:b", 27.5, 55.0, 27.5, 100.0]]
    formulas = [{"formula": "hour_before(a)"}, {"formula": "a"}]
    two = {**BY_HOST, "formulas": formulas, "order_by": "present", "order_dir": "desc"}
    assert cells(drawn(client, type="change", requests=[two])) == cells(found)[::-1]
    other_way = {**two, "formulas": formulas[::-1]}
    assert cells(drawn(client, type="change", requests=[other_way])) == cells(found)[::-1]
    by_day = {**asked, "compare_to": "day_before"}
    assert cells(drawn(client, type="change", requests=[by_day]))[0] == ["host:a", None, 5.5, None, None]


@pytest.mark.parametrize("kind", ["treemap", "sunburst"])
def test_parts_of_a_whole(client: Client, kind: str) -> None:
    found = drawn(client, type=kind, requests=[BY_HOST])
    assert cells(found) == [["host:b", 55.0], ["host:a", 5.5]] and found["total"] == "60.5"
    assert [row[1]["share"] for row in found["rows"]] == pytest.approx([10 / 11, 1 / 11])
    assert [one["name"] for one in found["shapes"]] == ["host:b", "host:a"]


def test_treemap_boxes_are_proportional_and_fill_the_area(client: Client) -> None:
    parts = [0.4, 0.3, 0.15, 0.1, 0.05]
    found = shapes.boxes(parts)
    whole = shapes.WIDTH * shapes.HEIGHT
    assert [width * height / whole for _x, _y, width, height in found] == pytest.approx(parts)
    assert all(x >= 0 and x + width <= 600.001 and y >= 0 and y + height <= 240.001 for x, y, width, height in found)
    assert shapes.boxes([]) == [] and shapes.boxes([1.0]) == [(0.0, 0.0, shapes.WIDTH, shapes.HEIGHT)]


def test_sunbursts_have_a_ring_per_tag(client: Client) -> None:
    requests = [{"queries": [query("avg:m{*} by {country,host}")], "formulas": [{"formula": "a"}]}]
    found = drawn(client, type="sunburst", requests=requests)["shapes"]
    assert [one["name"] for one in found] == ["country:DE", "country:DE, host:b", "country:DE, host:a"]
    assert [one["share"] for one in found] == pytest.approx([1.0, 10 / 11, 1 / 11])
    assert all(re.fullmatch(r"(M|A|L|Z|[\d. -])+", one["path"]) for one in found)
    requests = [{"queries": [query("avg:m{*} by {host,country}")], "formulas": [{"formula": "a"}]}]
    found = drawn(client, type="sunburst", requests=requests)["shapes"]
    assert [one["name"] for one in found if not one["level"]] == ["host:b", "host:a"]


def test_geomaps_and_scatter_plots_are_tables(client: Client) -> None:
    requests = [{"queries": [query("sum:m{*} by {country}")], "formulas": [{"formula": "a"}]}]
    assert cells(drawn(client, type="geomap", requests=requests)) == [["country:DE", 60.5]]
    axes = {"x": {"q": "avg:m{*} by {host}", "aggregator": "max"}, "y": {"q": "avg:half{*} by {host}"}}
    found = drawn(client, type="scatterplot", requests=axes)
    assert found["columns"] == ["Group", "x", "y"] and cells(found) == [["host:a", 10.0, 3.0], ["host:b", 100.0, None]]
    formulas = [{"formula": "a", "dimension": "x"}, {"formula": "a * 2", "dimension": "y", "alias": "twice"}]
    found = drawn(client, type="scatterplot", requests={"table": {**BY_HOST, "formulas": formulas}})
    assert [(dot["x"], dot["y"]) for dot in found["dots"]] == [(0.0, 0.0), (1.0, 1.0)]
    assert found["ends"] == {"x": ["5.5", "55"], "y": ["11", "110"]}
    assert cells(found)[0] == ["host:a", 5.5, 11.0]


def test_values_have_the_units_of_their_metrics(client: Client) -> None:
    key = bodies.Key("system.mem.used", "a", ())
    client.store.add_samples([bodies.Sample(key, "gauge", 0, {NOW - 60: 2048.0})], NOW)
    asked = [{"q": "avg:system.mem.used{*} by {host}"}]
    assert drawn(client, type="toplist", requests=asked)["rows"][0][1]["text"] == "2 GiB"
    assert drawn(client, type="distribution", requests=asked)["bins"][0]["from"] == "2 GiB"
    assert drawn(client, type="hostmap", requests={"fill": asked[0]})["low"] == "2 GiB"


def test_host_maps_have_groups_and_shades(client: Client) -> None:
    found = drawn(client, type="hostmap", group=["zone"], requests={"fill": {"q": "avg:m{*} by {host}"}})
    assert [(one["name"], one["tiles"][0]["name"]) for one in found["groups"]] == [("zone:a1", "a"), ("zone:b1", "b")]
    assert [one["tiles"][0]["shade"] for one in found["groups"]] == [0, 5]
    assert found["groups"][0]["tiles"][0]["address"] == "/hosts/a"


def test_distributions_and_heat_maps_count(client: Client) -> None:
    found = drawn(client, type="distribution", requests=[{"q": "avg:m{*} by {host}"}])
    assert [one["count"] for one in found["bins"]] == [1.0, *[0.0] * 10, 1.0]
    heat = drawn(client, type="heatmap", requests=[{"q": "avg:m{*} by {host}"}], time={"live_span": "1h"})
    assert sum(one["count"] for row in heat["cells"] for one in row if one) == 20
    assert heat["bins"][0]["low"] == 1.0 and heat["bins"][-1]["high"] == 100.0


def test_distributions_of_sketches_include_all_values(client: Client) -> None:
    near, far = sketches.key_of(1.0), sketches.key_of(4.0)
    values = sketches.Sketch(3.0, 6.0, 1.0, 4.0, {near: 2.0, far: 1.0})
    client.store.add_samples([sketches.distribution(bodies.Key("d", "a", ()), 10, {NOW - 60: values})], NOW)
    asked = {"request_type": "histogram", "query": query("histogram:d{*}")}
    counts = [one["count"] for one in drawn(client, type="distribution", requests=[asked])["bins"]]
    assert counts[0] == 2.0 and counts[-1] == 1.0 and sum(counts) == 3.0
    heat = drawn(client, type="heatmap", requests=[asked])
    assert sum(one["count"] for row in heat["cells"] for one in row if one) == 3.0


def test_events_are_listed_and_counted(client: Client) -> None:
    stream = {"data_source": "event_stream", "query_string": "source:nginx", "indexes": []}
    for definition in (
        {"type": "event_stream", "query": "sources:nginx priority:all"},
        {"type": "list_stream", "requests": [{"query": stream, "columns": [], "response_format": "event_list"}]},
    ):
        found = drawn(client, **definition)
        assert [event["title"] for event in found["events"]] == ["e0", "e1"] and found["total"] == 2
    bars = drawn(client, type="event_timeline", query="team:x")["chart"]["lines"][0]
    assert bars["style"] == "bars" and sum(bars["y"]) == 3
    grouped = {"queries": [{**EVENTS, "group_by": [{"facet": "source"}]}], "formulas": [{"formula": "e * 2"}]}
    assert cells(drawn(client, type="toplist", requests=[grouped])) == [["source:nginx", 4.0], ["source:docker", 2.0]]
    distinct = {**EVENTS, "compute": {"aggregation": "cardinality", "metric": "@source"}}
    found = drawn(client, type="query_value", requests=[{"queries": [distinct]}], time={"live_span": "5m"})
    assert found["value"] == "1"
    mixed = {"queries": [EVENTS, query("max:m{*}")], "formulas": [{"formula": "e + a * 0"}]}
    assert drawn(client, type="timeseries", requests=[mixed])["rows"]


def test_monitors_and_checks_show_their_states(client: Client) -> None:
    found = drawn(client, type="manage_status", query="")
    assert cells(found) == [["early", "Alert"], ["late", "OK"]] and found["note"] == "1 Alert, 1 OK"
    assert cells(drawn(client, type="manage_status", query="status:ok")) == [["late", "OK"]]
    assert drawn(client, type="alert_value", alert_id="8")["value"] == "Alert"
    chart = drawn(client, type="alert_graph", alert_id=8, viz_type="timeseries")["chart"]
    assert chart["limits"] == [(5.0, "error")] and len(chart["lines"]) == 1


def test_check_summary_counts_groups_and_marks_stale_ones(client: Client) -> None:
    check = {"type": "check_status", "check": "mysql.can_connect", "tags": ["*"]}
    everything = drawn(client, **check, grouping="cluster", group_by=[])
    assert cells(everything) == [["*", "Alert", 2.0, 3.0, 1.0]] and everything["note"] == "1 Alert, 2 OK"
    by_host = drawn(client, **check, grouping="cluster", group_by=["host"])
    assert cells(by_host) == [["host:a", "OK", 1.0, 1.0, 0.0], ["host:b", "Alert", 1.0, 2.0, 1.0]]
    # The number of groups, not of checks.
    assert by_host["note"] == "1 Alert, 1 OK"
    by_port = drawn(client, **check, grouping="cluster", group_by=["port"])
    assert [(row[0]["text"], row[1]["stale"]) for row in by_port["rows"]] == [("port:3307", True), ("port:N/A", False)]
    one = {**check, "grouping": "check", "group": "$zone", "tags": []}
    assert cells(drawn(client, **one)) == [["*", "OK", 1.0, 1.0, 0.0]]


def test_only_checks_that_reported_in_the_current_span_count(client: Client) -> None:
    check = {"type": "check_status", "check": "mysql.can_connect", "grouping": "cluster", "group_by": []}
    assert cells(drawn(client, **check, time={"live_span": "15m"})) == [["*", "Alert", 1.0, 2.0, 0.0]]
    past = drawn(client, **check, time={"type": "fixed", "from": NOW - 3600, "to": NOW - 60})
    assert not past["rows"] and "choose a span that ends now" in past["note"]


def test_service_widgets_list_resources(client: Client) -> None:
    for resource, count in (("GET /", 3.0), ("GET /api", 1.0)):
        key = bodies.Key("trace.flask.request", "", bodies.tags(["service:shop", "env:x", f"resource_name:{resource}"]))
        values = sketches.Sketch(count, 0.25 * count, 0.25, 0.25, {sketches.key_of(0.25): count})
        client.store.add_samples([sketches.distribution(key, 10, {NOW - 60: values})], NOW)
    asked = {"type": "trace_service", "env": "x", "service": "shop", "span_name": "flask.request"}
    rows = drawn(client, **asked)["rows"]
    assert [[one["text"] for one in row[:4]] for row in rows] == [
        ["get_/", "3", "0", "250 ms"],
        ["get_/api", "1", "0", "250 ms"],
    ]
    assert not drawn(client, **{**asked, "service": "other"})["rows"]


def test_images_show_their_address_and_variables_may_have_dots(client: Client) -> None:
    assert drawn(client, type="image", url="https://x.example/a.png")["address"] == "https://x.example/a.png"
    found = drawn(client, type="timeseries", requests=[{"q": "avg:m{$dotted.name} by {host}"}])
    assert [row["name"] for row in found["rows"]] == ["host:b"]


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        ({"type": "slo"}, "the lab does not draw the type slo"),
        ({"type": "timeseries", "requests": [{"log_query": {}}]}, "the data source log is not evaluated here"),
        (
            {"type": "timeseries", "requests": [{"queries": [{"data_source": "rum"}]}]},
            "data source rum is not evaluated",
        ),
        ({"type": "list_stream", "requests": [{"query": {"data_source": "logs_stream"}}]}, "logs_stream is not eval"),
        ({"type": "alert_graph", "alert_id": 1}, "there is no monitor 1"),
        ({"type": "toplist", "requests": []}, "asks for nothing"),
        ({"type": "hostmap", "requests": {}}, "asks for nothing"),
        ({"type": "heatmap", "requests": [{"q": "histogram:m{*}"}]}, "only distributions"),
        (
            {"type": "query_value", "requests": [{"queries": [{**EVENTS, "compute": {"aggregation": "avg"}}]}]},
            "avg of ev",
        ),
        ({"type": "event_stream", "query": "a", "time": {"type": "fixed", "from": 0, "to": 1e15}}, "too long"),
        (
            {"type": "timeseries", "requests": [{"q": "forecast(avg:m{*}, 'linear', 1)"}]},
            "forecast is not evaluated here",
        ),
    ],
)
def test_widget_says_why_it_cannot_be_drawn(client: Client, definition: dict[str, Any], problem: str) -> None:
    found = widgets.widget(definition, model.View(client.store, NOW, {}))
    assert found["kind"] == "none" and problem in found["problem"]


# ------------------------------------------------------------------------------------------------------ any definition
TYPES = [*widgets._DRAWN, "group", "note", "free_text", "image", "iframe", "slo", "hologram"]
TEXTS = st.sampled_from(
    [
        *(
            "avg:m{*}",
            "avg:m{*} by {host}",
            "histogram:m{*}",
            "avg:m{$zone,$x}",
            "a",
            "a / b",
            "top(a, 5, 'mean')",
            "(",
            "",
        ),
        *("default_zero(a)", "calendar_shift(a, '-1d')", "hour_before(a)", "avg:m{*}.rollup(sum, monthly)", "team:x"),
        *("forecast(avg:m{*}, 'linear', 1)", "source:(", "status:alert", "1", "events", "metrics", "event_stream", "8"),
        *("last", "desc", "present", "y = 1e999", "1h", "9mo", "fixed", "count", "cardinality", "mysql.can_connect"),
    ]
)
NAMES = (
    *(
        "q",
        "query",
        "queries",
        "formulas",
        "formula",
        "name",
        "data_source",
        "search",
        "compute",
        "aggregation",
        "facet",
    ),
    *("group_by", "aggregator", "alias", "limit", "count", "order", "sort", "order_by", "compare_to", "change_type"),
    *("fill", "size", "x", "y", "table", "event_query", "display_type", "index", "query_string", "columns", "metric"),
)
FIELDS = (
    *("title", "requests", "time", "query", "url", "text", "content", "alert_id", "check", "grouping", "group", "tags"),
    *("group_by", "markers", "yaxis", "precision", "autoscale", "custom_unit", "widgets", "count", "definition"),
)
VALUES = TEXTS | ANYTHING
PARTS = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
)
REQUESTS = st.dictionaries(st.sampled_from(NAMES), PARTS, max_size=5)
QUERIES = st.fixed_dictionaries(
    {"name": st.just("a"), "query": TEXTS}, optional={"data_source": TEXTS, "compute": PARTS}
)
USUAL = st.fixed_dictionaries(
    {}, optional={"q": TEXTS, "queries": st.lists(QUERIES, max_size=2), "formulas": PARTS, "aggregator": TEXTS}
)
TIMES = st.fixed_dictionaries(
    {}, optional={"type": TEXTS, "live_span": TEXTS, "from": VALUES, "to": VALUES, "value": VALUES, "unit": TEXTS}
)
DEFINITIONS = st.builds(
    lambda kind, requests, more: {**more, "type": kind, "requests": requests},
    st.sampled_from(TYPES),
    st.lists(REQUESTS | USUAL, max_size=3) | REQUESTS | st.dictionaries(st.sampled_from(("x", "fill")), USUAL) | PARTS,
    st.dictionaries(st.sampled_from(FIELDS), PARTS, max_size=4) | st.fixed_dictionaries({"time": TIMES}),
)
ARTICLE = re.compile(r"<article class=\"card (\w+)\".*?</article>", re.DOTALL)


def page_of(client: Client, definition: Any) -> str:
    """Return the page of a dashboard with this widget, which is stored without validation."""
    documents = standin_client.documents.Documents(client.store)
    known = documents.all("dashboard")
    note = {"definition": {"type": "note", "content": "x"}}
    body = {"title": "t", "layout_type": "ordered", "widgets": [note]}
    board = known[0] if known else client.json("POST", "/api/v1/dashboard", body=body)
    documents.put("dashboard", board["id"], {**board, "widgets": [{"definition": definition}]})
    status, _, page = client.call("GET", f"/dashboard/{board['id']}", {"span": "4h"}, headers=[])
    assert status == 200
    return page.decode()


def holds(client: Client, definition: Any) -> None:
    for part in ARTICLE.finditer(page_of(client, copy.deepcopy(definition))):
        assert part[1] != "none" or re.search(r"Not drawn: \S", part[0])


RANDOM = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])


@settings(RANDOM, max_examples=60)
@given(definition=DEFINITIONS)
@example({"type": "timeseries", "requests": [{"q": "avg:m{*}"}], "time": {"type": "fixed", "from": 0, "to": 1e30}})
@example({"type": "query_value", "requests": [{"q": "avg:m{*}"}], "precision": 10**9})
@example({"type": "group", "widgets": [{"definition": {"type": "group", "widgets": 5}}]})
@example({"type": "timeseries", "requests": [{"q": "avg:m{*}"}], "markers": [{"value": "9" * 400}]})
@example({"type": "query_value", "requests": {"queries": []}})
def test_any_widget_is_drawn_or_says_why_not(client: Client, definition: Any) -> None:
    holds(client, definition)


@pytest.mark.long
@settings(RANDOM, max_examples=5000)
@given(definition=DEFINITIONS)
def test_any_json_as_widget_is_drawn_or_says_why_not(client: Client, definition: Any) -> None:
    holds(client, definition)


def test_depth_of_nested_groups_is_limited(client: Client) -> None:
    inner: dict[str, Any] = {"type": "note", "content": "deep"}
    for _level in range(60):
        inner = {"type": "group", "layout_type": "ordered", "widgets": [{"definition": inner}]}
    assert "in too many groups" in page_of(client, inner)


VARIABLES = st.dictionaries(st.sampled_from(("name", "prefix", "default", "defaults", "available_values")), ANYTHING)


@settings(RANDOM, max_examples=60)
@given(variables=st.none() | st.lists(VARIABLES, max_size=2), description=ANYTHING)
def test_any_dashboard_that_the_api_accepts_has_a_page(client: Client, variables: Any, description: Any) -> None:
    note = {"definition": {"type": "note", "content": "x"}}
    body = {"title": "t", "layout_type": "ordered", "widgets": [note], "template_variables": variables}
    try:
        sent = json.dumps({**body, "description": description}).encode()
        status, _, answer = client.call("POST", "/api/v1/dashboard", None, sent)
    # Text that cannot be encoded.
    except UnicodeEncodeError:
        return
    if status == 200:
        assert client.call("GET", json.loads(answer)["url"], headers=[])[0] == 200
        assert client.call("GET", "/dashboards", headers=[])[0] == 200


def test_all_widgets_with_values_have_pictures(client: Client, tmp_path: Path) -> None:
    for definition in (
        {"viz": "toplist", "requests": [{"q": "avg:m{*} by {host}"}]},
        {"viz": "heatmap", "requests": [{"q": "avg:m{*} by {host}"}]},
        {"viz": "heatmap", "requests": [{"q": "avg:none{*} by {host}"}]},
        {"type": "distribution", "requests": [{"q": "avg:m{*} by {host}"}]},
        {"type": "distribution", "requests": [{"q": "avg:none{*} by {host}"}]},
        {"type": "sunburst", "requests": [BY_HOST]},
        {"type": "manage_status", "query": ""},
        {"viz": "hostmap", "requests": {"fill": {"q": "avg:m{*} by {host}"}}},
    ):
        asked = {"graph_def": json.dumps(definition), "start": NOW - 3600, "end": NOW}
        status, _, body = client.call("GET", "/api/v1/graph/snapshot", asked)
        assert status == 200, body
        address = json.loads(body)["snapshot_url"].removeprefix("http://lab.example:8080")
        assert client.call("GET", address, headers=[])[2].startswith(b"\x89PNG")
