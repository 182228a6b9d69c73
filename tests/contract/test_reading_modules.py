"""The modules that read an account, post events and take snapshots, with the stand-in Datadog."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import (
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

Run = Callable[..., dict[str, Any]]
Call = Callable[..., Any]


@pytest.fixture
def call(standin: Any) -> Call:
    """Make a call with both keys; return the decoded response."""
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}

    def make(method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        status, answer = standin.request(method, path, data, content_type="application/json", **keys)
        assert status < 300, answer
        return json.loads(answer or "null")

    return make


@pytest.fixture
def run(standin: Any, run_module: Run) -> Run:
    """Run a module with the stand-in's keys."""

    def start(module: ModuleType, **arguments: Any) -> dict[str, Any]:
        keys = {"api_key": standin.api_key, "app_key": standin.app_key, "api_url": standin.url}
        result = run_module(module, **keys, **arguments)
        assert not result["failed"], result
        assert standin.api_key not in str(result) and standin.app_key not in str(result)
        return result

    return start


def send(call: Call, metric: str, hosts: list[str], tags: list[str] | None = None) -> int:
    """Send a point from each host; return its time."""
    now = int(time.time()) - 30
    series = [
        {"metric": metric, "points": [[now, 7.0]], "host": host, "tags": tags or [], "type": "gauge"} for host in hosts
    ]
    call("POST", "/api/v1/series", {"series": series})
    return now


# --------------------------------------------------------------------------------------------------- hosts, metrics
def test_more_than_a_thousand_hosts(run: Run, call: Call, name: str) -> None:
    send(call, name, [f"{name}-{number}" for number in range(1100)])
    found = run(datadog_hosts_info, filter=name)["hosts"]
    assert {host["name"] for host in found} == {f"{name}-{number}" for number in range(1100)}
    assert "meta" not in found[0] and found[0]["up"]


def test_hosts_by_tag_and_time(run: Run, call: Call, name: str) -> None:
    send(call, name, [name], [f"role:{name}"])
    call("PUT", f"/api/v1/tags/hosts/{name}", {"tags": [f"team:{name}"]})
    (host,) = run(datadog_hosts_info, filter=f"team:{name}", metadata=True)["hosts"]
    assert host["name"] == name and "meta" in host
    assert run(datadog_hosts_info, filter=name, since=int(time.time()) + 60)["hosts"] == []


@pytest.mark.parametrize("check", [False, True])
def test_metrics(run: Run, call: Call, name: str, check: bool) -> None:
    at = send(call, name, ["a", "b"])
    query = f"avg:{name}{{*}} by {{host}}.rollup(avg, 1), sum:{name}{{host:a}}"
    result = run(datadog_metrics_info, query=query, span="5m", check=check)
    first, second, third = result["series"]
    assert (first["points"], first["tags"], first["scope"]) == ([[at, 7.0]], ["host:a"], "host:a")
    assert (second["tags"], second["query_index"], third["query_index"]) == (["host:b"], 0, 1)
    assert result["to"] - result["from"] == 300


# ----------------------------------------------------------------------------------------------------------- events
def _open(url: str) -> str:
    # The stand-in is on loopback, so proxies do not apply.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
        return answer.read().decode()


def test_events_with_a_key_are_posted_once(run: Run, call: Call, name: str) -> None:
    event = {"title": f"Deployed {name}", "text": "1.4", "aggregation_key": name, "tags": ["env:lab"]}
    planned = run(datadog_event, **event, unless_within=600, check=True)
    first = run(datadog_event, **event, unless_within=600)
    again = run(datadog_event, **event, unless_within=600)
    assert [result["changed"] for result in (planned, first, again)] == [True, True, False]
    assert (again["id"], again["url"]) == (first["id"], first["url"])
    # The returned address is a page that only shows this event.
    page = _open(first["url"])
    assert event["title"] in page and "<strong>1</strong> event" in page
    forced = run(datadog_event, **event)
    assert forced["changed"] and forced["id"] != first["id"]
    stored = call("GET", f"/api/v1/events/{first['id']}")["event"]
    assert (stored["title"], stored["text"], stored.get("host")) == (event["title"], "1.4", None)
    assert "env:lab" in stored["tags"]


@pytest.mark.parametrize("kind", ["429", "500", "cut", "html"])
def test_event_with_a_lost_response_is_not_posted_twice(run: Run, call: Call, name: str, kind: str) -> None:
    call("POST", "/lab/faults", {"count": 1, "kind": kind, "when": "after", "method": "POST", "path": "/api/v1/events"})
    result = run(datadog_event, title=name, text="x", tags=[f"t:{name}"])
    now = int(time.time())
    stored = call("GET", f"/api/v1/events?start={now - 60}&end={now + 60}&tags=t:{name}&unaggregated=true")["events"]
    assert [event["id_str"] for event in stored] == [result["id"]]


# --------------------------------------------------------------------------------------------------------- snapshots
def test_snapshots_of_a_query_and_a_definition(run: Run, call: Call, standin: Any, name: str) -> None:
    send(call, name, ["a", "b"])
    first = run(datadog_snapshot, metric_query=f"avg:{name}{{*}} by {{host}}", span="5m", title="A")
    graph = {"viz": "timeseries", "requests": [{"q": f"avg:{name}{{*}}", "type": "line"}]}
    second = run(datadog_snapshot, graph_def=graph, span="1h")
    assert first["changed"] and second["changed"] and first["snapshot_url"] != second["snapshot_url"]
    status, picture = standin.get(first["snapshot_url"].removeprefix(standin.url))
    assert status == 200 and picture.startswith(b"\x89PNG")
    assert run(datadog_snapshot, metric_query="avg:x{*}", span="5m", check=True)["snapshot_url"] is None


# ----------------------------------------------------------------------------------------------------------- objects
def test_objects_of_two_fleets_are_listed_separately(run: Run, call: Call, name: str) -> None:
    other = f"{name}-b"
    board = {"key": "board", "title": name, "layout_type": "ordered", "widgets": []}
    monitor = {"key": "high", "name": name, "type": "metric alert", "query": f"avg(last_5m):avg:{name}{{*}} > 5"}
    downtime = {"key": "nights", "scope": f"env:{name}", "monitor_key": "high"}
    made: dict[str, list[Any]] = {}
    for fleet in (name, other):
        made[fleet] = [
            run(datadog_dashboards, fleet=fleet, dashboards=[board])["dashboards"][0]["id"],
            run(datadog_monitors, fleet=fleet, monitors=[monitor])["monitors"][0]["id"],
            run(datadog_downtimes, fleet=fleet, downtimes=[downtime])["downtimes"][0]["id"],
        ]
    for fleet in (name, other):
        found = [
            *run(datadog_dashboards_info, fleet=fleet, key="board", full=True)["dashboards"],
            *run(datadog_monitors_info, fleet=fleet, key="high", group_states=["all"])["monitors"],
            *run(datadog_downtimes_info, fleet=fleet, key="nights", active=True)["downtimes"],
        ]
        assert [item["id"] for item in found] == made[fleet]
        assert found[0]["widgets"] == [] and "overall_state" in found[1] and found[2]["scope"] == f"env:{name}"
    assert len(run(datadog_dashboards_info, title=name)["dashboards"]) == 2
    assert run(datadog_dashboards_info, id=made[name][0])["dashboards"][0]["title"] == name
    assert len(run(datadog_monitors_info, name=name)["monitors"]) == 2
    assert [item["id"] for item in run(datadog_monitors_info, ids=[made[name][1], 1])["monitors"]] == [made[name][1]]
    assert run(datadog_monitors_info, fleet=name, monitor_tags=["env:none"])["monitors"] == []
