"""Graph snapshots, and query routes, through the stand-in's application."""

from __future__ import annotations

import importlib
import io
import json
from urllib.parse import urlsplit

import pytest
import standin_client
from PIL import Image

bodies = importlib.import_module("standin.wire.bodies")

NOW = 1_800_000_000
HOUR = {"start": NOW - 3600, "end": NOW}
# Colours in pictures: the first line, the band of anomalies, and values outside it.
BLUE, GREY, RED = (31, 119, 180), (217, 217, 217), (214, 39, 40)


def picture(client, **query):
    """Return the picture that a call creates, fetched without a key."""
    url = client.json("GET", "/api/v1/graph/snapshot", **HOUR, **query)["snapshot_url"]
    status, head, body = client.call("GET", urlsplit(url).path, headers=[])
    assert (status, head["content-type"]) == (200, "image/png")
    return Image.open(io.BytesIO(body)).convert("RGB")


def send(client, metric, points):
    client.store.add_samples([bodies.Sample(bodies.Key(metric, "web-1", ()), "gauge", 0, points)], NOW)


@pytest.fixture
def client(tmp_path):
    found = standin_client.Client(tmp_path)
    send(found, "my_metric", {NOW - 15 * step: float(step % 40) for step in range(240)})
    spikes = {NOW - 60 * minute: 10.0 + minute % 5 for minute in range(240)} | {NOW - 1200: 90.0}
    send(found, "mysql.performance.user_time", spikes)
    return found


def colours(picture):
    """Count a picture's pixels by colour."""
    return {colour: count for count, colour in picture.getcolors(picture.width * picture.height)}


def test_draws_the_queried_data(client):
    seen = picture(client, metric_query="avg:my_metric{*} by {host}", title="my_metric")
    assert seen.size == (800, 300)
    assert colours(seen)[BLUE] > 500
    empty = picture(client, metric_query="avg:none{*}", title="my_metric")
    assert BLUE not in colours(empty)


def test_picture_has_the_requested_size(client):
    assert picture(client, metric_query="avg:my_metric{*}", width=600, height=200).size == (600, 200)


def test_draws_anomalies_and_their_band(client):
    seen = colours(picture(client, metric_query="anomalies(avg:mysql.performance.user_time{*}, 'basic', 2)"))
    assert seen[GREY] > 5000 and seen[BLUE] > 200 and seen[RED] > 5
    assert colours(picture(client, metric_query="avg:mysql.performance.user_time{*}")).get(GREY, 0) < 200


BARS = {"display_type": "bars", "formulas": [{"formula": "a * 2", "alias": "$x_1$"}]}
QUERIES = [{"name": "a", "data_source": "metrics", "aggregator": "sum", "query": "sum:my_metric{*}.rollup(sum, 600)"}]


@pytest.mark.parametrize(
    "definition",
    [
        {"viz": "timeseries", "requests": [{"q": "sum:my_metric{*}.rollup(sum, 600)", "type": "bars"}]},
        {"type": "timeseries", "title": "100 % _of $it$", "requests": [{**BARS, "queries": QUERIES}]},
    ],
)
def test_draws_graph_definitions(client, definition):
    assert colours(picture(client, graph_def=json.dumps(definition)))[BLUE] > 20000


def test_draws_a_single_number(client):
    definition = {"type": "query_value", "precision": 0, "requests": [{"queries": QUERIES}]}
    seen = picture(client, graph_def=json.dumps(definition))
    assert 500 < colours(seen)[(0, 0, 0)] < 20000 and BLUE not in colours(seen)


@pytest.mark.parametrize("visual", ["toplist", "heatmap", "distribution", "change"])
def test_draws_timeboard_graphs(client, visual):
    """As in old documentation and datadogpy's test, with a style and formats that the current form lacks."""
    request = {
        "q": "avg:my_metric{*} by {host}",
        "conditional_formats": [{"comparator": ">", "palette": "red", "value": None}],
        "style": {"palette": "dog_classic", "type": "solid", "width": "normal"},
    }
    definition = {"viz": visual, "requests": [request], "events": [], "yaxis": {"units": True}}
    assert len(colours(picture(client, graph_def=json.dumps(definition)))) > 20


def test_draws_markers(client):
    request = {"q": "avg:my_metric{*}"}
    marked = {
        "viz": "timeseries",
        "requests": [request],
        "markers": [{"value": "y = 20", "display_type": "error dashed"}],
    }
    assert colours(picture(client, graph_def=json.dumps(marked)))[RED] > 200


def test_response_has_the_request_and_the_address(client):
    status, _, body = client.call("GET", "/api/v1/graph/snapshot", {**HOUR, "metric_query": "avg:m{*}", "title": "t"})
    answer = json.loads(body)
    assert status == 200
    assert answer.pop("snapshot_url").startswith("http://lab.example:8080/snapshot/view/dd-snapshots-")
    assert json.loads(answer.pop("graph_def")) == {"requests": [{"q": "avg:m{*}"}]}
    assert answer == {"metric_query": "avg:m{*}", "title": "t"}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "metric_query"),
        ({"metric_query": "avg:m{*}", "end": NOW - 3600}, "before 'end'"),
        ({"metric_query": "avg:m{*}", "start": "x"}, "'start' is invalid"),
        ({"metric_query": "avg:m{*}", "width": 5}, "'width' is invalid"),
        ({"metric_query": "avg:m{"}, "Error parsing query"),
        ({"metric_query": "forecast(avg:m{*}, 'linear', 1)"}, "forecast is not evaluated here"),
        ({"graph_def": "{"}, "not in the expected format"),
        ({"graph_def": "[]"}, "not the definition of a graph"),
        ({"graph_def": '{"requests": 5}'}, "not the definition of a graph"),
        (
            {"graph_def": '{"viz": "toplist", "requests": [{"conditional_formats": [5]}]}'},
            "not the definition of a graph",
        ),
        ({"graph_def": '{"viz": "toplist", "requests": []}'}, "asks for nothing"),
        ({"graph_def": '{"type": "slo"}'}, "the lab does not draw the type slo"),
        ({"graph_def": '{"type": "note", "content": "x"}'}, "there is no picture of a note"),
        ({"graph_def": '{"type": "query_value", "requests": [{"q": "avg:m{*}", "aggregator": "p99"}]}'}, "p99"),
    ],
)
def test_refuses_what_it_cannot_draw(client, query, message):
    status, _, body = client.call("GET", "/api/v1/graph/snapshot", {**HOUR, **query})
    assert status == 400 and message in json.loads(body)["errors"][0]


def test_snapshot_needs_a_key_and_picture_only_its_address(client):
    assert client.call("GET", "/api/v1/graph/snapshot", {**HOUR, "metric_query": "avg:m{*}"}, headers=[])[0] == 403
    for name in ("0" * 40, "..%2fdatadog.sqlite", "x"):
        assert client.call("GET", f"/snapshot/view/b/org_1/2026-01-01/{name}.png", headers=[])[0] == 404


# ---------------------------------------------------------------------------------------------- other routes of a lab
def test_bounds_are_separate_series(client):
    query = {"from": NOW - 600, "to": NOW, "query": "anomalies(avg:mysql.performance.user_time{*}, 'basic', 2)"}
    status, _, body = client.call("GET", "/api/v1/query", query)
    series = json.loads(body)["series"]
    assert status == 200
    assert [one["attributes"] for one in series] == [{}, {"bound": "lower"}, {"bound": "upper"}]
    assert [one["length"] for one in series] == [10, 10, 10]
    assert series[1]["pointlist"][0][1] < series[0]["pointlist"][0][1] < series[2]["pointlist"][0][1]
