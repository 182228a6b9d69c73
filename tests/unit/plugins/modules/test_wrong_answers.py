# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Successful responses with malformed JSON, for any call of any module, cause one clear error and no traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._api import client as api
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
    datadog_objects,
    datadog_snapshot,
    datadog_verify,
)
from fake_datadog import FakeApi

Run = Callable[..., dict[str, Any]]
QUERY = "avg(last_5m):avg:a{*} > 5"
MONITOR = {"key": "load", "name": "Load", "type": "query alert", "query": QUERY}
BOARD = {"key": "board", "title": "Board", "layout_type": "ordered", "widgets": []}
DOWNTIME = {"key": "night", "scope": "*", "monitor_identifier": {"monitor_tags": ["a:b"]}}
OURS = ["managed_by:kennel", "kennel_fleet:lab", "kennel_key:load"]
LINE = "managed_by:kennel kennel_fleet:lab kennel_key:board"
HOST = {"name": "web1", "agent_host": "web1", "tags": ["env:lab"], "present": ["a.b"], "service_checks": ["a.up"],
        "services": [{"name": "shop", "operation": "flask.request"}]}  # fmt: skip
VERIFY = {"hosts": [HOST], "fleet": "lab", "timeout": 0, "poll": 1,
          "objects": {"monitors": ["load"], "dashboards": ["board"], "downtimes": ["board"]}}  # fmt: skip
ALL = {"monitors": [MONITOR], "dashboards": [BOARD], "downtimes": [DOWNTIME]}
RIGHT = {
    "GET /api/v1/validate": {"valid": True},
    "GET /api/v1/hosts": {"host_list": [{"name": "web1", "tags_by_source": {"x": ["env:lab"]}}], "total_matching": 1},
    "GET /api/v1/query": {"series": [{"scope": "host:web1", "pointlist": [[1000.0, 5.0]]}]},
    "GET /api/v1/dashboard": {"dashboards": [{"id": "d", "title": "Board", "description": LINE}]},
    "GET /api/v1/dashboard/d": {"id": "d", "title": "Board", "description": LINE, "widgets": []},
    "GET /api/v1/monitor": [{"id": 5, "name": "Load", "tags": OURS, "query": QUERY, "type": "query alert"}],
    "GET /api/v1/monitor/5": {"id": 5, "name": "Load", "tags": OURS},
    "GET /api/v2/downtime": {"data": [{"id": "x", "attributes": {"status": "active", "message": LINE}}]},
    "GET /api/v1/downtime": [],
    "GET /api/v1/events": {"events": [{"id": 5, "title": "x", "date_happened": 5}]},
    "GET /api/v1/graph/snapshot": {"snapshot_url": "http://127.0.0.1:1/x.png"},
    "GET /api/v2/spans/events": {"data": [{"attributes": {"trace_id": "5"}}]},
}
WRITES = {
    "POST /api/v1/events": {"event": {"id": 5, "date_happened": 5}},
    "POST /api/v1/monitor": {"id": 6},
    "POST /api/v1/monitor/validate": {},
    "POST /api/v1/dashboard": {"id": "e"},
    "POST /api/v2/downtime": {"data": {"id": "y", "attributes": {}}},
}
EVENT = {"title": "x", "text": "y", "aggregation_key": "z", "unless_within": 60}
CALLS: list[tuple[ModuleType, dict[str, Any], list[str]]] = [
    (datadog_account_info, {}, ["validate", "hosts", "query", "dashboard", "monitor"]),
    (datadog_dashboards_info, {"full": True}, ["dashboard", "dashboard/d"]),
    (datadog_dashboards_info, {"fleet": "lab"}, ["dashboard"]),
    (datadog_downtimes_info, {"fleet": "lab"}, ["v2/downtime"]),
    (datadog_monitors_info, {"fleet": "lab"}, ["monitor"]),
    (datadog_monitors_info, {"ids": [5]}, ["monitor/5"]),
    (datadog_hosts_info, {}, ["hosts"]),
    (datadog_metrics_info, {"query": "avg:a{*}", "span": "5m"}, ["query"]),
    (datadog_snapshot, {"metric_query": "avg:a{*}", "span": "5m", "wait_timeout": 0}, ["graph/snapshot"]),
    (datadog_event, EVENT, ["events"]),
    (datadog_event, {"title": "other", "text": "y"}, ["POST events"]),
    (datadog_verify, VERIFY, ["hosts", "query", "monitor", "dashboard", "v2/downtime", "v2/spans/events"]),
    (datadog_dashboards, {"fleet": "lab", "dashboards": [BOARD]}, ["dashboard", "dashboard/d"]),
    (datadog_dashboards, {"fleet": "new", "dashboards": [BOARD]}, ["POST dashboard"]),
    (datadog_monitors, {"fleet": "lab", "monitors": [MONITOR]}, ["monitor"]),
    (datadog_monitors, {"fleet": "new", "monitors": [MONITOR]}, ["POST monitor", "POST monitor/validate"]),
    (datadog_downtimes, {"fleet": "lab", "downtimes": [DOWNTIME]}, ["v2/downtime"]),
    (datadog_downtimes, {"fleet": "new", "downtimes": [DOWNTIME]}, ["POST v2/downtime"]),
    (datadog_objects, {"fleet": "lab", **ALL}, ["dashboard", "dashboard/d", "monitor", "v2/downtime"]),
]  # fmt: skip
WHOLE = {
    "list": "[]",
    "dictionary": "{}",
    "errors": '{"errors": ["no"]}',
    "list-of-errors": '[{"errors": ["no"]}]',
    "null": "null",
    "text": '"x"',
    "number": "5",
    "nan": "NaN",
    "switch": "true",
    "empty": "",
    "lists": "[[[]]]",
    "texts": '["x"]',
    "nulls": "[null]",
    "deep-list": "[" * 10_000 + "]" * 10_000,
    "deep-dictionary": '{"data":' * 10_000 + "1" + "}" * 10_000,
    "half-deep": "[" * 500 + "]" * 500,
}
STRANGE = [
    None,
    True,
    -1,
    1e300,
    float("nan"),
    "x",
    "",
    [],
    [None],
    ["x"],
    [[]],
    {},
    {"x": None},
    {"id": []},
    [{"id": {}}],
]


@pytest.fixture
def ask(run_module: Run, fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(api.time, "sleep", lambda _seconds: None)
    fake_api.routes = {name.removeprefix("GET "): (lambda _q, a=answer: (200, a)) for name, answer in RIGHT.items()}
    fake_api.routes |= {name: (lambda _q, a=answer: (200, a)) for name, answer in WRITES.items()}
    keys = {"api_key": fake_api.api_key, "app_key": fake_api.app_key, "api_url": fake_api.url}
    return lambda module, **arguments: run_module(module, **keys, **arguments)


def route(call: str) -> str:
    """Return the fake's route for ``monitor``, ``v2/downtime`` or ``POST monitor``."""
    method, _space, path = call.rpartition(" ")
    return f"{method} /api/{path if path.startswith('v2/') else f'v1/{path}'}".strip()


def judge(result: dict[str, Any], call: str) -> None:
    """Whatever the result, there is no traceback, and a failure names the call in one sentence."""
    message = " ".join([str(result.get("msg", "")), *map(str, result.get("problems", []))])
    assert "Traceback" not in message and "exception" not in result
    if result["failed"] and "the answer" in message:
        assert call.rpartition(" ")[2].removeprefix("v2/") in message and "Check that datadog_api_url" in message


PATHS = [(module, arguments, call) for module, arguments, calls in CALLS for call in calls]
NAMES = [f"{module.__name__.rpartition('.')[2]}-{number}-{call}" for number, (module, _a, call) in enumerate(PATHS)]


def test_modules_accept_valid_responses(ask: Run) -> None:
    for module, arguments, _calls in CALLS:
        result = ask(module, **arguments)
        assert "the answer" not in str(result.get("msg", "")) + str(result.get("problems", "")), result


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize(("module", "arguments", "call"), PATHS, ids=NAMES)
def test_malformed_response(
    ask: Run, fake_api: FakeApi, module: ModuleType, arguments: dict[str, Any], call: str, text: str
) -> None:
    fake_api.routes[route(call)] = lambda _query: (200, text)
    result = ask(module, **arguments)
    judge(result, call)
    # Responses that only prove a permission may be any JSON that is not too deep.
    if call not in ("POST monitor/validate", "validate") and "{" not in text:
        assert result["failed"] or result.get("problems") or call == "monitor", result


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(each for key, item in inner for each in places(item, (*place, key)))]


@pytest.mark.parametrize(("module", "arguments", "call"), PATHS, ids=NAMES)
def test_malformed_part_of_a_response(
    ask: Run, fake_api: FakeApi, module: ModuleType, arguments: dict[str, Any], call: str
) -> None:
    right = WRITES.get(route(call)) or RIGHT.get(f"GET {route(call)}", {})
    for *parents, last in filter(None, places(right)):
        for strange in STRANGE:
            answer = json.loads(json.dumps(right))
            node = answer
            for part in parents:
                node = node[part]
            node[last] = strange
            fake_api.routes[route(call)] = lambda _query, answer=answer: (200, answer)
            judge(ask(module, **arguments), call)
