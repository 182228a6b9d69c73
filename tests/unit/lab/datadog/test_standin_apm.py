"""The stand-in Datadog accepts stats, spans, sketches and protobuf series, and serves what they contain."""

from __future__ import annotations

import gzip

import apm_payloads as apm
import msgpack
import pytest
import zstandard
from apm_payloads import CHILD, LAST, NOW, PROTOBUF, ROOT, SERIES, SKETCHES, STATS, THEN, TRACES, send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin_client import Client


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path)


def ask(client, query, start=THEN - 60, end=THEN + 120):
    """Map the tags of a query's groups to their one value."""
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


@pytest.mark.parametrize("fields", [{"Name": ""}, {"Name": "{}"}, {"Service": ""}, {"Resource": ""}, {"Type": ""}])
def test_incomplete_stats_do_not_break_the_page_of_the_service(client, fields):
    stats = apm.client_stats(NOW - 9, apm.group([0.1], **fields), Service="shop")
    assert send(client, STATS, apm.agent_stats(stats)) == (202, {})
    assert client.call("GET", "/services/shop", headers=[])[0] == 200


def test_percentiles_are_computed_over_all_values(client):
    """With 90 quick requests on one host and 10 slow ones on another, the median is quick, not in between."""
    quick = apm.client_stats(THEN, apm.group([0.01] * 90))
    slow = apm.client_stats(THEN + 10, apm.group([2.0] * 10), Hostname="web-2")
    send(client, STATS, apm.agent_stats(quick, slow))
    assert ask(client, "p50:trace.flask.request{*}.rollup(60)")[""] == pytest.approx(0.01, rel=0.03)
    assert ask(client, "p95:trace.flask.request{*}.rollup(max, 60)")[""] == pytest.approx(2.0, rel=0.03)
    assert ask(client, "count:trace.flask.request{*} by {host}.as_count()") == {"host:web-1": 90, "host:web-2": 10}
    assert ask(client, "count:trace.flask.request{host:web-1}.as_rate()") == {"": 90 / 20}


def test_stats_of_the_same_bucket_add_up(client):
    for _ in range(3):
        send(client, STATS, apm.agent_stats(apm.client_stats(THEN, apm.group([0.1], SpanKind="server"))))
    assert ask(client, "sum:trace.flask.request.hits{*}.as_count()") == {"": 3}
    assert ask(client, "count:trace.flask.request{*}.as_count()") == {"": 3}


def test_accepts_stats_from_a_tracer(client):
    body = msgpack.packb(apm.client_stats(THEN, apm.group([0.1], Service=""), Service="own", Env=""))
    assert send(client, STATS, body)[0] == 202
    assert ask(client, "sum:trace.flask.request.hits{*} by {service,env}.as_count()") == {"service:own,env:none": 1}


def test_accepts_sparse_sketches(client):
    """Both encodings of bins count, and so do zeros: https://github.com/DataDog/sketches-go."""
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


def test_percentile_needs_a_distribution(client):
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
def test_accepts_dogstatsd_distributions(client):
    bins = {"k": [-1338, 0, 1338, 1338], "n": [1, 1, 65535, 2]}
    sent = {"ts": THEN, "cnt": 65539, "min": -1.0, "max": 1.0, "sum": 65536.0, **bins}
    item = {"metric": "my.dist", "host": "web-1", "tags": ["a:b"], "dogsketches": [sent]}
    assert send(client, SKETCHES, apm.message("SketchPayload", sketches=[item]), PROTOBUF) == (202, {})
    values = {how: ask(client, f"{how}:my.dist{{a:b,host:web-1}}")[""] for how in ("count", "sum", "min", "max", "p50")}
    assert values == {"count": 65539, "sum": 65536, "min": -1, "max": 1, "p50": 1}
    known = client.json("GET", "/api/v1/metrics/my.dist")
    assert (known["type"], known["statsd_interval"]) == ("distribution", 10)


def test_accepts_the_agents_protobuf_series(client):
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


def test_sketches_are_pruned_with_the_points(client):
    send(client, STATS, apm.agent_stats(apm.client_stats(THEN, apm.group([0.1]))))
    client.store.prune(NOW + 86400)
    assert [client.store.read(f"SELECT count(*) FROM {table}") for table in ("series", "sketch")] == [[(0,)]] * 2


# ------------------------------------------------------------------------------------------------------------- bodies
@pytest.mark.parametrize("path", [STATS, TRACES, SKETCHES])
def test_needs_the_key(client, path):
    assert client.call("POST", path, body=b"", headers=[(b"dd-api-key", b"other")])[0] == 403


def test_refuses_other_kinds_of_sketches(client):
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


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from([STATS, TRACES, SKETCHES, SERIES]), body=BODIES)
def test_any_body_is_accepted_or_refused(client, path, body):
    assert send(client, path, body, PROTOBUF if path == SERIES else ())[0] in (202, 400)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, 10_000), new=st.binary(min_size=1, max_size=8), kind=st.sampled_from(["trace", "stats", "sketch"])
)
def test_damaged_body_does_not_break_later_responses(client, at, new, kind):
    point = {"ts": NOW - 9, "cnt": 1, "min": 1.0, "max": 1.0, "sum": 1.0, "k": [1338], "n": [1]}
    path, body = {
        "trace": (TRACES, apm.trace(ROOT, CHILD)),
        "stats": (STATS, apm.agent_stats(apm.client_stats(NOW - 9, apm.group([0.1])))),
        "sketch": (SKETCHES, apm.message("SketchPayload", sketches=[{"metric": "d", "dogsketches": [point]}])),
    }[kind]
    at %= len(body)
    assert send(client, path, body[:at] + new + body[at + len(new) :])[0] in (202, 400)
    client.json("GET", "/api/v2/spans/events", **{"filter[query]": "service:* OR @x:1", "filter[from]": "now-2h"})
    client.json("GET", "/lab/apm/resources", service="shop", **LAST)
    assert client.call("GET", "/services/shop", headers=[])[0] in (200, 404)
    for query in ("p95:trace.flask.request{*} by {env}", "sum:trace.flask.request.hits{*}.as_count()", "sum:d{*}"):
        status, _, answer = client.call("GET", "/api/v1/query", {"from": THEN, "to": NOW, "query": query})
        assert status == 200, answer
