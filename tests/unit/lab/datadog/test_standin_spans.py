"""The stand-in Datadog finds, lists and shows spans."""

from __future__ import annotations

import importlib
import json

import apm_payloads as apm
import pytest
from apm_payloads import CHILD, LAST, NOW, ROOT, STATS, TRACES, send
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin_client import Client

spans = importlib.import_module("standin.query.spans")


@pytest.fixture
def client(tmp_path):
    return Client(tmp_path)


@pytest.fixture
def traced(client):
    """A client with a trace of two spans and, before it, ten traces of one span."""
    assert send(client, TRACES, apm.trace(CHILD, ROOT)) == (202, {})
    for i in range(10):
        send(client, TRACES, apm.trace(apm.span(start=NOW - 100 + i, traceID=100 + i, spanID=100 + i, service="old")))
    return client


def search(client, query, **options):
    asked = {"filter[query]": query, "filter[from]": "now-1h", "page[limit]": 1000, **options}
    return [found["attributes"] for found in client.json("GET", "/api/v2/spans/events", **asked)["data"]]


def test_span_has_datadogs_form(traced):
    child, root = search(traced, "service:(shop OR mysql)")
    assert root["custom"] == {
        "http": {"status_code": "500"},
        "duration": 250_000_000,
    }
    assert child["custom"] == {"db": {"rowcount": 3}, "duration": 125_000_000}
    # As recorded from Datadog for this resource.
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
        ("@http.status_code:*", 1),
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


@pytest.mark.parametrize("query", ["(", "service:(a", "@x:[1 TO 2]", "@x:>4", ")", "a OR", '"', "service:" + "(" * 200])
def test_refuses_an_invalid_query(traced, query):
    status, _, body = traced.call("GET", "/api/v2/spans/events", {"filter[query]": query})
    assert status == 400
    assert "filter.query" in json.loads(body)["errors"][0]["detail"]


def test_pages_and_sorts(traced):
    def page(sort, after=None):
        asked = {
            "filter": {"query": "service:old", "from": "now-1h"},
            "sort": sort,
            "page": {"limit": 4, "cursor": after},
        }
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
def test_refuses_an_invalid_search(traced, query, status):
    answered, _, body = traced.call("GET", "/api/v2/spans/events", query)
    assert answered == status and json.loads(body)["errors"]


def test_trace_has_all_spans(traced):
    for id_ in ("7", "00000000000000ab0000000000000007"):
        data = traced.json("GET", f"/api/v2/trace/{id_}")["data"]
        assert data["id"] == "00000000000000ab0000000000000007"
        assert [one["spanID"] for one in data["attributes"]["spans"]] == [1, 2]
    assert traced.call("GET", "/api/v2/trace/8")[0] == traced.call("GET", "/api/v2/trace/x")[0] == 404
    rows = spans.waterfall(traced.store.trace("7"))
    assert [(depth, span.start - rows[0][1].start, span.name) for depth, span in rows] == [
        (0, 0, "flask.request"),
        (1, 100_000_000, "pymysql.query"),
    ]


def test_waterfall_shows_every_span_once(client):
    """Spans 2 and 3 call each other, 4 calls itself, and the parent of 5 was not sent."""
    parents = {1: 0, 2: 3, 3: 2, 4: 4, 5: 99, 6: 5}
    send(
        client,
        TRACES,
        apm.trace(*(apm.span(start=NOW - 9 + id_ / 10, spanID=id_, parentID=p) for id_, p in parents.items())),
    )
    rows = spans.waterfall(client.store.trace("7"))
    assert [(span.span, depth) for depth, span in rows] == [(1, 0), (4, 0), (5, 0), (6, 1), (2, 0), (3, 1)]


def test_lists_services_resources_and_traces(traced):
    send(
        traced,
        STATS,
        apm.agent_stats(
            apm.client_stats(NOW - 20, apm.group([0.1] * 3, [0.2]), apm.group([0.1], Resource="GET /x")),
            apm.client_stats(NOW - 20, apm.group([0.1], Service="other"), Env="prod"),
        ),
    )
    services = spans.services(traced.store, NOW - 3600, NOW)
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
    (found,) = spans.traces(traced.store, "service:mysql", NOW - 3600, NOW)
    assert (found["spans"], found["errors"], found["services"]) == (2, 1, ["mysql", "shop"])
    assert (found["resource"], found["duration"]) == ("GET /", 250_000_000)


def test_spans_expire_after_an_hour_and_are_stored_once(client):
    for _ in range(2):
        send(client, TRACES, apm.trace(ROOT, apm.span(start=NOW - 4000, spanID=9)))
    assert len(search(client, "*", **{"filter[from]": "now-2h"})) == 1
    client.store.prune(NOW + 3600)
    assert search(client, "*", **{"filter[from]": "now-2h"}) == []


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(query=st.text(st.sampled_from('ab*? :@()[]{}<>=-"\\0159TOANDR'), max_size=30))
def test_any_search_is_answered_or_refused(traced, query):
    assert traced.call("GET", "/api/v2/spans/events", {"filter[query]": query})[0] in (200, 400)
