"""The stand-in Datadog takes stats, spans, sketches and protobuf series, and answers for them."""

from __future__ import annotations

import gzip
import json
import time

import apm_payloads as apm
import msgpack
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin_client import KEYS, Client

NOW = int(time.time())
THEN = NOW // 60 * 60 - 120
STATS, TRACES, SKETCHES, SERIES = "/api/v0.2/stats", "/api/v0.2/traces", "/api/beta/sketches", "/api/v2/series"
PROTOBUF = [(b"content-type", b"application/x-protobuf")]
LAST = {"from": "now-1h"}


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path)


def send(client, path, body, headers=()):
    """(status, decoded body) of what an Agent sends."""
    status, _, answer = client.call("POST", path, body=body, headers=[*KEYS[:1], *headers])
    return status, json.loads(answer)


def ask(client, query, start=THEN - 60, end=THEN + 120):
    """{tags of the group: the one value} of a query."""
    series = client.json("GET", "/api/v1/query", **{"from": start, "to": end, "query": query})["series"]
    return {",".join(one["tag_set"]): one["pointlist"][0][1] for one in series if len(one["pointlist"]) == 1}


# ------------------------------------------------------------------------------------------------------------- stats
def test_stats_become_metrics(client):
    ok = apm.group([0.1] * 18 + [0.7, 3.0])
    bad = apm.group([], [0.2] * 5, HTTPStatusCode=500)
    body = apm.agent_stats(apm.client_stats(THEN, ok, bad))
    assert send(client, STATS, gzip.compress(body), [(b"content-encoding", b"gzip")]) == (202, {})
    name = "trace.flask.request"
    status = "http.status_code"
    assert ask(
        client, f"sum:{name}.hits{{env:lab,service:shop,version:1.2,host:web-1}} by {{{status}}}.as_count()"
    ) == {
        f"{status}:200": 20,
        f"{status}:500": 5,
    }
    assert ask(client, f"sum:{name}.errors{{resource_name:get_/}}.as_count()") == {"": 5}
    assert ask(client, f"sum:{name}.hits.by_http_status{{http.status_class:5xx}}.as_count()") == {"": 5}
    assert ask(client, f"sum:{name}.duration{{*}}") == {"": pytest.approx(6.5)}
    assert ask(client, f"avg:{name}{{{status}:200}}") == {"": pytest.approx(5.5 / 20)}
    # 18 are satisfied, one is tolerated, one is not, and 5 are errors.
    assert ask(client, f"avg:{name}.apdex{{*}}") == {"": pytest.approx(18.5 / 25)}
    percentiles = {how: ask(client, f"{how}:{name}{{{status}:200}}")[""] for how in ("p50", "p90", "p95", "p99", "max")}
    assert percentiles == pytest.approx({"p50": 0.1, "p90": 0.1, "p95": 0.7, "p99": 0.7, "max": 3.0}, rel=0.03)


def test_percentiles_are_of_all_values_at_once(client):
    """Of 90 quick requests on one host and 10 slow ones on another the median is quick, not in the middle."""
    quick = apm.client_stats(THEN, apm.group([0.01] * 90))
    slow = apm.client_stats(THEN + 10, apm.group([2.0] * 10), Hostname="web-2")
    send(client, STATS, apm.agent_stats(quick, slow))
    assert ask(client, "p50:trace.flask.request{*}.rollup(60)")[""] == pytest.approx(0.01, rel=0.03)
    assert ask(client, "p95:trace.flask.request{*}.rollup(max, 60)")[""] == pytest.approx(2.0, rel=0.03)
    assert ask(client, "count:trace.flask.request{*} by {host}.as_count()") == {"host:web-1": 90, "host:web-2": 10}
    assert ask(client, "count:trace.flask.request{host:web-1}.as_rate()") == {"": 90 / 20}


def test_stats_of_the_same_seconds_add_up(client):
    for _ in range(3):
        send(client, STATS, apm.agent_stats(apm.client_stats(THEN, apm.group([0.1], SpanKind="server"))))
    assert ask(client, "sum:trace.flask.request.hits{*}.as_count()") == {"": 3}
    assert ask(client, "count:trace.flask.request{*}.as_count()") == {"": 3}


def test_takes_what_a_tracer_itself_says(client):
    body = msgpack.packb(apm.client_stats(THEN, apm.group([0.1], Service=""), Service="own", Env=""))
    assert send(client, STATS, body)[0] == 202
    assert ask(client, "sum:trace.flask.request.hits{*} by {service,env}.as_count()") == {"service:own,env:none": 1}


def test_takes_a_sparse_sketch(client):
    """Both ways to write the bins count, and the zeros: https://github.com/DataDog/sketches-go."""
    from ddsketch.pb.ddsketch_pb2 import DDSketch

    summary = DDSketch.FromString(apm.sketch(1.0))
    (index,) = [
        summary.positiveValues.contiguousBinIndexOffset + i
        for i, n in enumerate(summary.positiveValues.contiguousBinCounts)
        if n
    ]
    summary.positiveValues.binCounts[index] = 2
    summary.zeroCount = 4
    send(
        client,
        STATS,
        apm.agent_stats(apm.client_stats(THEN, apm.group([], OkSummary=summary.SerializeToString(), Hits=7))),
    )
    assert ask(client, "count:trace.flask.request{*}.as_count()") == {"": 7}
    assert ask(client, "p50:trace.flask.request{*}") == {"": 0.0}
    assert ask(client, "p75:trace.flask.request{*}")[""] == pytest.approx(1.0, rel=0.03)


def test_a_percentile_of_what_is_no_distribution_is_refused(client):
    send(client, STATS, apm.agent_stats(apm.client_stats(THEN, apm.group([0.1]))))
    query = {"from": THEN, "to": NOW}
    assert ask(client, "p95:trace.flask.request{service:other}") == ask(client, "p95:nothing{*}") == {}
    for text, why in (
        ("p95:trace.flask.request.duration{*}", b"percentiles exist for distributions only"),
        ("stddev:trace.flask.request{*}", b"stddev of a distribution is not evaluated"),
    ):
        status, _, body = client.call("GET", "/api/v1/query", {**query, "query": text})
        assert status == 400 and why in body


# ------------------------------------------------------------------------------------------- sketches and v2 series
def test_takes_dogstatsd_distributions(client):
    bins = {"k": [-1338, 0, 1338, 1338], "n": [1, 1, 65535, 2]}
    sent = {"ts": THEN, "cnt": 65539, "min": -1.0, "max": 1.0, "sum": 65536.0, **bins}
    item = {"metric": "my.dist", "host": "web-1", "tags": ["a:b"], "dogsketches": [sent]}
    assert send(client, SKETCHES, apm.message("SketchPayload", sketches=[item]), PROTOBUF) == (202, {})
    values = {how: ask(client, f"{how}:my.dist{{a:b,host:web-1}}")[""] for how in ("count", "sum", "min", "max", "p50")}
    assert values == {"count": 65539, "sum": 65536, "min": -1, "max": 1, "p50": 1}
    assert client.json("GET", "/api/v1/metrics/my.dist") == {"type": "distribution", "statsd_interval": 10}


def test_takes_protobuf_series_as_the_agent_sends_them(client):
    item = {
        "metric": "my.count",
        "type": 1,
        "interval": 10,
        "tags": ["a:b"],
        "resources": [{"type": "host", "name": "web-1"}],
        "points": [{"timestamp": THEN, "value": 3.0}],
    }
    body = zstandard.compress(apm.message("MetricPayload", series=[item]))
    assert send(client, SERIES, body, [*PROTOBUF, (b"content-encoding", b"zstd")]) == (202, {"errors": []})
    assert ask(client, "sum:my.count{a:b,host:web-1}.as_count()") == {"": 3}


# ------------------------------------------------------------------------------------------------------------- spans
ROOT = apm.span(start=NOW - 5, meta={"http.status_code": "500", "_dd.p.tid": "00000000000000ab"}, error=1)
CHILD = apm.span(
    start=NOW - 4.9,
    spanID=2,
    parentID=1,
    service="mysql",
    name="pymysql.query",
    type="sql",
    resource="SELECT ?",
    duration=0.125,
    metrics={"db.rowcount": 3.0, "_top_level": 1.0, "bad": float("nan")},
)


@pytest.fixture
def traced(client):
    """A client with one trace of two spans and, before it, ten of one span each."""
    assert send(client, TRACES, apm.trace(CHILD, ROOT)) == (202, {})
    for i in range(10):
        send(client, TRACES, apm.trace(apm.span(start=NOW - 100 + i, traceID=100 + i, spanID=100 + i, service="old")))
    return client


def search(client, query, **options):
    answer = client.json("GET", "/api/v2/spans/events", **{"filter[query]": query, "page[limit]": 1000, **options})
    return [found["attributes"] for found in answer["data"]]


def test_a_span_is_shown_as_datadog_shows_it(traced):
    child, root = search(traced, "service:(shop OR mysql)")
    assert root["custom"] == {
        "http": {"status_code": "500"},
        "duration": 250_000_000,
    }
    assert child["custom"] == {"db": {"rowcount": 3}, "duration": 125_000_000}
    # As recorded at Datadog for this resource.
    assert root["resource_hash"] == "2c8cc8275262b3cd"
    assert (root["trace_id"], root["span_id"], root["parent_id"]) == ("7", "1", "0")
    assert (child["trace_id"], child["span_id"], child["parent_id"]) == ("7", "2", "1")
    assert {"env:lab", "host:web-1", "service:shop", "version:1.2"} <= set(root["tags"])
    assert root["start_timestamp"].endswith("Z") and root["start_timestamp"] < root["end_timestamp"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 12),
        ("*", 12),
        ("service:shop", 1),
        ("service:SHOP env:lab", 1),
        ("service:s* AND operation_name:flask.request", 1),
        ("service:(shop OR mysql)", 2),
        ("service:shop OR service:mysql", 2),
        ("-service:old", 2),
        ("NOT service:old AND NOT type:sql", 1),
        ("(service:old OR service:shop) status:error", 1),
        ("status:ok", 11),
        ('resource_name:"GET /"', 11),
        ("resource_name:GET\\ \\/", 11),
        ("resource_name:SELECT*", 1),
        ('"SELECT ?"', 1),
        ("select", 1),
        ("@http.status_code:500", 1),
        ("@http.status_code:[500 TO 599]", 1),
        ("@http.status_code:{500 TO 599}", 0),
        ("@http.status_code:>=400", 1),
        ("@http.status_code:*", 1),
        ("@db.rowcount:[* TO 3]", 1),
        ("@duration:>200ms service:(shop OR mysql)", 1),
        ("@duration:<=125000000", 1),
        ("trace_id:7", 2),
        ("trace_id:00000000000000ab0000000000000007", 2),
        ("span_id:2", 1),
        ("host:web-1 version:1.2", 12),
        ("role:web", 12),
        ("role:db", 0),
        ("@nothing:1", 0),
    ],
)
def test_searches_spans(traced, query, found):
    traced.store.change_tags("web-1", "users", ["role:web"], replace=True)
    assert len(search(traced, query)) == found


@pytest.mark.parametrize("query", ["(", "service:(a", "@x:[1 2]", "@x:>b", ")", "a OR", '"', "service:" + "(" * 200])
def test_refuses_a_query_that_is_none(traced, query):
    status, _, body = traced.call("GET", "/api/v2/spans/events", {"filter[query]": query})
    assert status == 400
    assert "filter.query" in json.loads(body)["errors"][0]["detail"]


def test_pages_and_sorts(traced):
    def page(sort, after=None):
        asked = {"filter": {"query": "service:old"}, "sort": sort, "page": {"limit": 4, "cursor": after}}
        return traced.json("POST", "/api/v2/spans/events/search", {"data": {"attributes": asked}})

    for sort, wanted in (
        ("timestamp", range(100, 110)),
        ("-timestamp", range(109, 99, -1)),
        (None, range(109, 99, -1)),
    ):
        seen, after = [], None
        while (answer := page(sort, after))["data"]:
            assert answer["meta"]["status"] == "done" and answer["links"]["next"]
            seen += [int(one["attributes"]["span_id"]) for one in answer["data"]]
            after = answer["meta"]["page"]["after"]
        assert seen == list(wanted)
        assert answer == {"data": []}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"filter[from]": "now", "filter[to]": "now-1m"}, 422),
        ({"filter[from]": "9" * 400}, 400),
        ({"filter[from]": "soon"}, 400),
        ({"sort": "name"}, 400),
        ({"page[limit]": "1001"}, 400),
        ({"page[limit]": "x"}, 400),
        ({"page[cursor]": "x"}, 400),
        ({"page[cursor]": "eyJhZnRlciI6IFsxZTk5OSwgMF19"}, 400),
    ],
)
def test_refuses_a_search_that_is_none(traced, query, status):
    answered, _, body = traced.call("GET", "/api/v2/spans/events", query)
    assert answered == status and json.loads(body)["errors"]


def test_a_trace_is_read_whole(traced):
    for id_ in ("7", "00000000000000ab0000000000000007"):
        data = traced.json("GET", f"/api/v2/trace/{id_}")["data"]
        assert data["id"] == "00000000000000ab0000000000000007"
        assert [one["spanID"] for one in data["attributes"]["spans"]] == [1, 2]
    assert traced.call("GET", "/api/v2/trace/8")[0] == traced.call("GET", "/api/v2/trace/x")[0] == 404
    rows = traced.json("GET", "/lab/apm/traces/7")
    assert [(row["depth"], row["offset"], row["name"]) for row in rows] == [
        (0, 0, "flask.request"),
        (1, 100_000_000, "pymysql.query"),
    ]


def test_a_waterfall_shows_every_span_once_whatever_calls_what(client):
    """Spans 2 and 3 call each other, 4 calls itself, and the parent of 5 was not sent."""
    parents = {1: 0, 2: 3, 3: 2, 4: 4, 5: 99, 6: 5}
    send(
        client,
        TRACES,
        apm.trace(*(apm.span(start=NOW - 9 + id_ / 10, spanID=id_, parentID=p) for id_, p in parents.items())),
    )
    rows = client.json("GET", "/lab/apm/traces/7")
    assert [(row["spanID"], row["depth"]) for row in rows] == [(1, 0), (4, 0), (5, 0), (6, 1), (2, 0), (3, 1)]


def test_lists_services_resources_and_traces(traced):
    send(
        traced,
        STATS,
        apm.agent_stats(
            apm.client_stats(NOW - 20, apm.group([0.1] * 3, [0.2]), apm.group([0.1], Resource="GET /x")),
            apm.client_stats(NOW - 20, apm.group([0.1], Service="other"), Env="prod"),
        ),
    )
    services = traced.json("GET", "/lab/apm/services", **LAST)
    assert [(one["service"], one["env"], one["operation"], one["hits"], one["errors"]) for one in services] == [
        ("shop", "lab", "flask.request", 5, 1),
        ("other", "prod", "flask.request", 1, 0),
    ]
    assert services[0]["p50"] == pytest.approx(0.1, rel=0.03)
    resources = traced.json("GET", "/lab/apm/resources", service="shop", **LAST)
    assert [(one["resource_name"], one["hits"]) for one in resources] == [("get_/", 4), ("get_/x", 1)]
    assert traced.json("GET", "/api/v2/apm/services", **{"filter[env]": "lab"})["data"]["attributes"]["services"] == [
        "shop"
    ]
    assert traced.call("GET", "/api/v2/apm/services")[0] == 400
    (found,) = traced.json("GET", "/lab/apm/traces", query="service:mysql", **LAST)
    assert (found["spans"], found["errors"], found["services"]) == (2, 1, ["mysql", "shop"])
    assert (found["resource"], found["duration"]) == ("GET /", 250_000_000)


def test_spans_go_after_an_hour_and_come_again_once(client):
    for _ in range(2):
        send(client, TRACES, apm.trace(ROOT, apm.span(start=NOW - 4000, spanID=9)))
    assert len(search(client, "*", **{"filter[from]": "now-2h"})) == 1
    client.store.prune(NOW + 3600)
    assert search(client, "*", **{"filter[from]": "now-2h"}) == []


def test_what_is_told_of_latencies_goes_with_the_points(client):
    send(client, STATS, apm.agent_stats(apm.client_stats(THEN, apm.group([0.1]))))
    client.store.prune(NOW + 86400)
    assert [client.store.read(f"SELECT count(*) FROM {table}") for table in ("series", "sketch")] == [[(0,)]] * 2


# ------------------------------------------------------------------------------------------------------------- bodies
@pytest.mark.parametrize("path", [STATS, TRACES, SKETCHES])
def test_needs_the_key(client, path):
    assert client.call("POST", path, body=b"", headers=[(b"dd-api-key", b"other")])[0] == 403


def test_refuses_a_sketch_of_another_kind(client):
    from ddsketch.pb.ddsketch_pb2 import DDSketch, IndexMapping, Store

    values = Store(contiguousBinCounts=[1.0], contiguousBinIndexOffset=2**30)
    for mapping in (
        IndexMapping(gamma=1.01, interpolation=IndexMapping.LINEAR),
        IndexMapping(gamma=0.5),
        IndexMapping(gamma=1.01, indexOffset=float("nan")),
        IndexMapping(gamma=1.01),
    ):
        body = DDSketch(mapping=mapping, positiveValues=values).SerializeToString()
        assert send(client, STATS, apm.agent_stats(apm.client_stats(THEN, apm.group([], OkSummary=body))))[0] == 400


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["Stats", "Start", "Hits", "Name"]), inner)
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=200) | ANYTHING.map(msgpack.packb)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from([STATS, TRACES, SKETCHES, SERIES]), body=BODIES)
def test_no_body_is_too_strange(client, path, body):
    assert send(client, path, body, PROTOBUF if path == SERIES else ())[0] in (202, 400)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 10_000), new=st.binary(min_size=1, max_size=8), kind=st.sampled_from(["trace", "stats", "sketch"])
)
def test_a_body_that_arrives_damaged_is_taken_or_refused_and_harms_no_answer(client, at, new, kind):
    point = {"ts": NOW - 9, "cnt": 1, "min": 1.0, "max": 1.0, "sum": 1.0, "k": [1338], "n": [1]}
    path, body = {
        "trace": (TRACES, apm.trace(ROOT, CHILD)),
        "stats": (STATS, apm.agent_stats(apm.client_stats(NOW - 9, apm.group([0.1])))),
        "sketch": (SKETCHES, apm.message("SketchPayload", sketches=[{"metric": "d", "dogsketches": [point]}])),
    }[kind]
    at %= len(body)
    assert send(client, path, body[:at] + new + body[at + len(new) :])[0] in (202, 400)
    search(client, "service:* OR @x:>1", **{"filter[from]": "now-2h"})
    client.json("GET", "/lab/apm/services", **LAST)
    client.json("GET", "/lab/apm/traces", **LAST)
    for query in ("p95:trace.flask.request{*} by {env}", "sum:trace.flask.request.hits{*}.as_count()", "sum:d{*}"):
        status, _, answer = client.call("GET", "/api/v1/query", {"from": THEN, "to": NOW, "query": query})
        assert status == 200, answer


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.sampled_from('ab*? :@()[]{}<>=-"\\0159TOANDR'), max_size=30))
def test_no_search_is_too_strange(traced, query):
    assert traced.call("GET", "/api/v2/spans/events", {"filter[query]": query})[0] in (200, 400)
