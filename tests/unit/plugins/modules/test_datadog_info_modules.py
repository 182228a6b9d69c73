# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules that list an account's contents, with a small API."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._api import module as datadog_module
from ansible_collections.kennel.fleet.plugins.modules import (
    datadog_dashboards_info,
    datadog_downtimes_info,
    datadog_hosts_info,
    datadog_metrics_info,
    datadog_monitors_info,
)
from fake_datadog import FakeApi

Run = Callable[..., dict[str, Any]]


WIDGETS = [{"id": 1, "definition": {"type": "note"}}]


@pytest.fixture
def info(fake_api: FakeApi, run_module: Run) -> Run:
    def run(module: ModuleType, **arguments: Any) -> dict[str, Any]:
        keys = {"api_key": fake_api.api_key, "app_key": fake_api.app_key, "api_url": fake_api.url}
        result = run_module(module, **{**keys, **arguments})
        assert not result.get("changed") and not fake_api.writes
        assert fake_api.api_key not in str(result) and fake_api.app_key not in str(result)
        return result

    return run


def ids(result: dict[str, Any], kind: str) -> list[Any]:
    assert not result["failed"], result
    return [item["id"] for item in result[kind]]


def line(fleet: str, key: str) -> str:
    return f"managed_by:kennel kennel_fleet:{fleet} kennel_key:{key}"


# ------------------------------------------------------------------------------------------------------- dashboards
@pytest.fixture
def dashboards(fake_api: FakeApi) -> list[dict[str, Any]]:
    """150 dashboards in the account, more than one page."""
    listed = [{"id": f"d-{n}", "title": f"Title {n % 100}", "description": None} for n in range(150)]
    listed[120]["description"] = f"Ours.\n\n{line('lab', 'timeboard')}"
    listed[121]["description"] = line("production", "timeboard")
    listed[122]["description"] = line("lab", "apm")

    def page(query: dict[str, str]) -> tuple[int, Any]:
        start = int(query["start"])
        return 200, {"dashboards": listed[start : start + int(query["count"])]}

    fake_api.routes["/api/v1/dashboard"] = page
    for item in listed:
        fake_api.routes[f"/api/v1/dashboard/{item['id']}"] = lambda query, item=item: (
            200,
            {**item, "widgets": WIDGETS},
        )
    return listed


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        ({"title": "Title 7"}, [7, 107]),
        ({"title": "Title"}, []),
        ({"id": "d-3"}, [3]),
        ({"id": "d-999"}, []),
        ({"fleet": "lab"}, [120, 122]),
        ({"fleet": "lab", "key": "timeboard"}, [120]),
        ({"fleet": "lab", "key": "timeboard", "title": "Title 1"}, []),
        ({"fleet": "la"}, []),
    ],
)
def test_selects_dashboards(
    info: Run, dashboards: list[dict[str, Any]], arguments: dict[str, Any], numbers: list[int]
) -> None:
    assert ids(info(datadog_dashboards_info, **arguments), "dashboards") == [f"d-{n}" for n in numbers]


@pytest.mark.parametrize("check", [False, True])
def test_all_dashboards_without_widgets(info: Run, dashboards: list[dict[str, Any]], check: bool) -> None:
    result = info(datadog_dashboards_info, check=check)
    assert len(result["dashboards"]) == 150 and not any("widgets" in item for item in result["dashboards"])


def test_complete_dashboards_except_for_one_deleted_meanwhile(
    info: Run, dashboards: list[dict[str, Any]], fake_api: FakeApi
) -> None:
    del fake_api.routes["/api/v1/dashboard/d-122"]
    (found,) = info(datadog_dashboards_info, fleet="lab", full=True)["dashboards"]
    assert found == {**dashboards[120], "widgets": WIDGETS}


# --------------------------------------------------------------------------------------------------------- monitors
@pytest.fixture
def monitors(fake_api: FakeApi) -> list[dict[str, str]]:
    """1,200 monitors in the account, more than one page, and the queries of the list."""
    listed = [{"id": n, "name": f"M{n}", "tags": ["env:lab"]} for n in range(1200)]
    listed[1100]["tags"] = line("lab", "high").split()
    listed[1101]["tags"] = line("lab", "low").split()
    # A manual tag of this form is not a mark.
    listed[1102]["tags"] = ["kennel_fleet:lab"]
    asked: list[dict[str, str]] = []

    def page(query: dict[str, str]) -> tuple[int, Any]:
        asked.append(query)
        start, size = int(query["page"]) * int(query["page_size"]), int(query["page_size"])
        tags = set(filter(None, query.get("monitor_tags", "").split(",")))
        return 200, [item for item in listed[start : start + size] if tags <= set(item["tags"])]

    fake_api.routes["/api/v1/monitor"] = page
    fake_api.routes["/api/v1/monitor/7"] = lambda query: (200, {**listed[7], "asked": query})
    return asked


def test_all_monitors(info: Run, monitors: list[dict[str, str]]) -> None:
    assert ids(info(datadog_monitors_info), "monitors") == list(range(1200))


def test_datadog_searches_monitors(info: Run, monitors: list[dict[str, str]]) -> None:
    arguments = {
        "name": "M1",
        "tags": ["host:a", "b:c"],
        "monitor_tags": ["env:lab"],
        "group_states": ["alert", "no data"],
    }
    info(datadog_monitors_info, **arguments)
    sent = {name: value for name, value in monitors[0].items() if "page" not in name}
    assert sent == {"name": "M1", "tags": "host:a,b:c", "monitor_tags": "env:lab", "group_states": "alert,no data"}


@pytest.mark.parametrize(("key", "found"), [({}, {1100, 1101}), ({"key": "low"}, {1101}), ({"key": "other"}, set())])
def test_monitors_of_a_fleet(
    info: Run, fake_api: FakeApi, monitors: list[dict[str, str]], key: dict[str, str], found: set[int]
) -> None:
    # The API returns pages of results.
    whole = [
        item
        for page in ("0", "1")
        for item in fake_api.routes["/api/v1/monitor"]({"page": page, "page_size": "1000"})[1]
    ]
    fake_api.routes["/api/v1/monitor"] = lambda query: (200, [m for m in whole if query["monitor_tags"] in m["tags"]])
    assert set(ids(info(datadog_monitors_info, fleet="lab", **key), "monitors")) == found


def test_monitors_by_id(info: Run, monitors: list[dict[str, str]], fake_api: FakeApi) -> None:
    result = info(datadog_monitors_info, ids=[7, 999, 7], group_states=["all"])
    assert [item["asked"] for item in result["monitors"]] == [{"group_states": "all"}]
    assert info(datadog_monitors_info, ids=[])["monitors"] == [] and not monitors


# -------------------------------------------------------------------------------------------------------- downtimes
def test_downtimes(info: Run, fake_api: FakeApi) -> None:
    listed = [
        {"id": str(n), "type": "downtime", "attributes": {"message": message, "scope": "env:lab"}}
        for n, message in enumerate([None, *["Night"] * 130, f"Night @ops\n\n{line('lab', 'nights')}"])
    ]
    asked: list[dict[str, str]] = []

    def page(query: dict[str, str]) -> tuple[int, Any]:
        asked.append(query)
        start = int(query["page[offset]"])
        return 200, {"data": listed[start : start + int(query["page[limit]"])]}

    fake_api.routes["/api/v2/downtime"] = page
    assert len(ids(info(datadog_downtimes_info), "downtimes")) == 132
    (found,) = info(datadog_downtimes_info, fleet="lab", key="nights", active=True)["downtimes"]
    assert (found["id"], found["scope"]) == ("131", "env:lab")
    assert ["current_only" in query for query in asked] == [False, False, True, True]


@pytest.mark.parametrize("module", [datadog_dashboards_info, datadog_monitors_info, datadog_downtimes_info])
def test_key_needs_a_fleet(info: Run, fake_api: FakeApi, module: ModuleType) -> None:
    result = info(module, key="timeboard")
    assert result["failed"] and "fleet" in result["msg"] and not fake_api.calls


# ------------------------------------------------------------------------------------------------------------ hosts
def test_more_than_a_thousand_hosts(info: Run, fake_api: FakeApi) -> None:
    listed = [{"name": f"h{n}"} for n in range(2300)]
    asked: list[dict[str, str]] = []

    def page(query: dict[str, str]) -> tuple[int, Any]:
        asked.append(query)
        start = int(query["start"])
        shown = listed[start : start + min(1000, int(query["count"]))]
        return 200, {"host_list": shown, "total_matching": len(listed), "total_returned": len(shown)}

    fake_api.routes["/api/v1/hosts"] = page
    assert info(datadog_hosts_info, filter="env:lab", since=1764000000)["hosts"] == listed
    chosen = {name: asked[0][name] for name in ("filter", "from", "include_hosts_metadata")}
    assert chosen == {"filter": "env:lab", "from": "1764000000", "include_hosts_metadata": "false"}


# ---------------------------------------------------------------------------------------------------------- metrics
QUERY = "avg:my_metric{*} by {host}"


def test_series_with_points(info: Run, fake_api: FakeApi) -> None:
    answer = {
        "metric": "my_metric",
        "expression": "avg:my_metric{host:web1}",
        "scope": "host:web1",
        "tag_set": ["host:web1"],
        "interval": 20,
        "unit": [{"name": "byte"}, {"name": "second"}],
        "query_index": 0,
        "pointlist": [[1764000000000.0, 517.0], [1764000020000.0, None], [1764000040000.0, 3.5]],
        "aggr": "avg",
    }
    fake_api.routes["/api/v1/query"] = lambda query: (
        200,
        {"status": "ok", "series": [answer, {**answer, "unit": None}]},
    )
    result = info(datadog_metrics_info, query=QUERY, **{"from": 1764000000, "to": 1764000300})
    assert fake_api.calls[0][1] == {"query": QUERY, "from": "1764000000", "to": "1764000300"}
    first, second = result["series"]
    assert first["points"] == [[1764000000, 517.0], [1764000040, 3.5]]
    assert (first["tags"], first["unit"], second["unit"]) == (["host:web1"], "byte per second", None)


def test_error_in_a_successful_response(info: Run, fake_api: FakeApi) -> None:
    fake_api.routes["/api/v1/query"] = lambda query: (
        200,
        {"status": "error", "error": "too many series", "series": []},
    )
    result = info(datadog_metrics_info, query=QUERY, span="5m")
    assert result["failed"] and "too many series" in result["msg"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"query": "avg:my_metric", "span": "5m"}, "query: expected a scope"),
        ({"query": QUERY}, "from, span"),
        ({"query": QUERY, "span": "0m"}, "span '0m' is not a length"),
        ({"query": QUERY, "from": 9, "to": 3}, "from (9) is not before to (3)"),
    ],
)
def test_invalid_query_is_not_sent(info: Run, fake_api: FakeApi, arguments: dict[str, Any], words: str) -> None:
    result = info(datadog_metrics_info, **arguments)
    assert result["failed"] and words in result["msg"] and not fake_api.calls


# ------------------------------------------------------------------------------------------------------------- spans
@pytest.mark.parametrize(("text", "number"), [("90s", 90), ("5m", 300), ("4h", 14400), ("1d", 86400), ("2w", 1209600)])
def test_spans(text: str, number: int) -> None:
    assert datadog_module.seconds(text) == number
