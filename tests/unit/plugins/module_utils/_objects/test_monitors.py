# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Monitors as written, compared with monitors as Datadog returns them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._objects.export import export
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import Mark
from ansible_collections.kennel.fleet.plugins.module_utils._objects.monitors import OPTIONS, Monitors
from hypothesis import given
from hypothesis import strategies as st

SCHEMA, MARK = Monitors(), Mark("lab", "load")
QUERY = "avg(last_5m):avg:system.load.1{*} by {host} > 8"
MONITOR: dict[str, Any] = {"name": "Load", "type": "query alert", "query": QUERY}
# Thresholds on the correct side of the 8 in the query.
BELOW = st.one_of(st.integers(-99, 7), st.floats(-99, 7), st.integers(0, 7).map(str), st.none())
ENDS = st.sampled_from(["", "\n", "\n\n"])
ITEMS = st.fixed_dictionaries(
    {
        "name": st.just("Load"),
        "type": st.sampled_from(["query alert", "metric alert"]),
        "query": ENDS.map(lambda end: QUERY + end),
    },
    optional={
        "message": st.builds(str.__add__, st.sampled_from(["", "a @b\nc", "{{value}}"]), ENDS),
        "tags": st.none() | st.lists(st.sampled_from(["team:a", "env:b", "c"])),
        "priority": st.sampled_from([None, 0, 1, 5, "5", "0"]),
        "restricted_roles": st.none() | st.lists(st.sampled_from(["x", "y"]), unique=True),
        "options": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "thresholds": st.dictionaries(st.sampled_from(["warning", "critical_recovery"]), BELOW),
                "notify_audit": st.booleans() | st.none(),
                "include_tags": st.booleans(),
                "new_host_delay": st.sampled_from([None, 0, 300, 600]),
                "notify_no_data": st.booleans(),
                "no_data_timeframe": st.sampled_from([None, 10]),
                "renotify_interval": st.sampled_from([None, 0, 60]),
                "renotify_statuses": st.lists(st.sampled_from(["alert", "warn"]), unique=True),
                "require_full_window": st.booleans(),
                "escalation_message": ENDS.map(lambda end: "more" + end),
                "silenced": st.sampled_from([{}, {"*": None}]),
                "on_missing_data": st.sampled_from(["default", "resolve"]),
            },
        ),
    },
)
DEFAULTS = {"notify_audit": False, "include_tags": True, "new_host_delay": 300, "notify_no_data": False}


def answer(body: dict[str, Any], number: int = 7) -> dict[str, Any]:
    """Return a monitor as Datadog returns it, according to recorded traffic."""
    found = copy.deepcopy(body)
    options = {**DEFAULTS, **{name: value for name, value in found.get("options", {}).items() if value is not None}}
    options |= {"silenced": {"host:a": None}, "avalanche_window": 10, "groupby_simple_monitor": False, "locked": False}
    if isinstance(options.get("escalation_message"), str):
        options["escalation_message"] = options["escalation_message"].rstrip("\n")
    given_thresholds = (options.pop("thresholds", None) or {}).items()
    thresholds = {name: float(value) for name, value in given_thresholds if value is not None}
    if thresholds:
        options["thresholds"] = thresholds
    if options.get("on_missing_data") == "default":
        del options["on_missing_data"]
    if "on_missing_data" in options and not options["notify_no_data"]:
        del options["notify_no_data"]
    added = {"id": number, "org_id": 2, "created": "2026-01-01T00:00:00+00:00", "created_at": 1, "multi": True}
    added |= {"deleted": None, "modified": "2026-01-01T00:00:00+00:00", "overall_state": "No Data", "creator": {}}
    return {
        "restricted_roles": None,
        **found,
        **added,
        "options": options,
        "type": {"metric alert": "query alert", "query alert": "metric alert"}.get(body["type"], body["type"]),
        "query": body["query"].rstrip("\n"),
        "message": body["message"].rstrip("\n"),
        "priority": int(body["priority"] or 0) or None,
        "draft_status": "published",
        "assets": [],
        "matching_downtimes": [],
    }


def differs(item: dict[str, Any], found: dict[str, Any]) -> bool:
    wanted = SCHEMA.comparable(SCHEMA.body(item, MARK))
    return SCHEMA.aligned(SCHEMA.comparable(found), wanted) != wanted


@given(ITEMS)
def test_fields_that_datadog_adds_are_not_a_difference(item: dict[str, Any]) -> None:
    assert SCHEMA.problems(item) == []
    body = SCHEMA.body(item, MARK)
    found = answer(body)
    assert SCHEMA.mark(found) == MARK and not differs(item, found)
    assert "silenced" not in body["options"]


def test_request_has_numbers_and_options() -> None:
    item = {"name": "A", "type": "metric alert", "query": "avg(last_5m):avg:a{*} > 8"}
    options = {"no_data_timeframe": "10", "thresholds": {"critical": "8", "warning": 5}}
    sent = SCHEMA.body({**item, "options": options}, MARK)["options"]
    assert sent == {"no_data_timeframe": 10, "thresholds": {"critical": 8.0, "warning": 5}}
    # To remove all options, some must be sent.
    body = SCHEMA.body(item, MARK)
    assert body["options"] and not SCHEMA.comparable(body)["options"]


@given(ITEMS)
def test_exported_monitor_can_be_applied(item: dict[str, Any]) -> None:
    found = answer(SCHEMA.body(item, MARK))
    exported = export(SCHEMA, found)
    assert exported.pop("key") == "load" and SCHEMA.problems(exported) == []
    assert not differs(exported, found)
    assert not set(exported) & set(SCHEMA.read_only) and "silenced" not in exported.get("options", {})


def test_critical_threshold_comes_from_the_query() -> None:
    found = answer(SCHEMA.body(MONITOR, MARK))
    found["options"]["thresholds"] = {"critical": 8.0}
    assert not differs(MONITOR, found)
    assert export(SCHEMA, found)["options"] == {"thresholds": {"critical": 8.0}}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Other"},
        {"query": QUERY.replace("8", "9")},
        {"message": "new"},
        {"tags": ["team:b"]},
        {"priority": 1},
        {"type": "service check"},
        {"options": {"thresholds": {"warning": 4}}},
        {"options": {"require_full_window": False}},
        {"options": {"new_host_delay": 0}},
        {"options": {"include_tags": False}},
        {"options": {"unheard_of": 1}},
        {"restricted_roles": ["x"]},
    ],
)
def test_changes_are_seen(change: dict[str, Any]) -> None:
    assert differs({**MONITOR, **change}, answer(SCHEMA.body(MONITOR, MARK)))


@pytest.mark.parametrize("name", sorted(OPTIONS))
def test_manual_additions_are_detected(name: str) -> None:
    found = answer(SCHEMA.body(MONITOR, MARK))
    found["options"][name] = {"warning": 9.0} if name == "thresholds" else ["other"]
    if name == "escalation_message":
        found["options"][name] = "other"
    assert differs(MONITOR, found)


@pytest.mark.parametrize("field", ["restricted_roles", "draft_status"])
def test_temporary_fields_are_only_compared_if_set(field: str) -> None:
    found = answer(SCHEMA.body(MONITOR, MARK)) | {field: ["x"]}
    assert not differs(MONITOR, found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "name is missing"),
        ({"query": None}, "query is missing"),
        ({"type": "query"}, "type is 'query'. Write one of metric alert"),
        ({"query": "avg(last_5m):avg:x{*} by host > 8"}, "query: "),
        ({"priority": 6}, "priority is 6"),
        ({"priority": "12"}, "priority is '12'"),
        ({"tags": "team:a"}, "tags is 'team:a'. Write a list of strings"),
        ({"assets": ["runbook"]}, "assets is ['runbook']. Write a list of dictionaries"),
        ({"options": {"renotify_statuses": [1]}}, "options.renotify_statuses is [1]"),
        ({"options": {"thresholds": {"critical": "many"}}}, "thresholds.critical is 'many'"),
        ({"options": {"thresholds": {"comparison": ">", "period": {}, "critical": 8}}}, ""),
        ({"options": {"silenced": {"*": None}}}, ""),
        ({"options": []}, ""),
        ({"options": {"thresholds": {}, 5: 6}}, ""),
        (
            {"options": {"notify_nodata": True}},
            "options.notify_nodata is not a known option. Did you mean notify_no",
        ),
        ({"options": {"something_of_tomorrow": True}}, ""),
        ({"restriction_policy": {"bindings": []}}, ""),
        (
            {"restriction_policy": {"bindings": [{"relation": "editor"}]}},
            "cannot be compared",
        ),
    ],
)
def test_invalid_input(change: dict[str, Any], words: str) -> None:
    item = {**MONITOR, **change}
    problems = SCHEMA.problems(item)
    assert words in " ".join(problems) and bool(problems) == bool(words)
    assert problems or not differs(item, answer(SCHEMA.body(item, MARK)))


def test_type_change_recreates_the_monitor() -> None:
    wanted, actual = (SCHEMA.comparable({**MONITOR, "type": kind}) for kind in ("metric alert", "query alert"))
    assert SCHEMA.replace_reason(wanted, actual, {}) == ""
    assert "cannot change" in SCHEMA.replace_reason(SCHEMA.comparable({**MONITOR, "type": "log alert"}), actual, {})


@pytest.mark.parametrize("answered", [None, []])
def test_empty_roles_equal_missing_roles(answered: list[str] | None) -> None:
    item = {**MONITOR, "restricted_roles": []}
    found = answer(SCHEMA.body(item, MARK))
    assert not differs(item, {**found, "restricted_roles": answered})
    assert differs(item, {**found, "restricted_roles": ["x"]})


def test_diff_of_a_new_monitor_shows_everything_that_was_written() -> None:
    options = {"thresholds": {"critical": 800, "warning": "500"}, "notify_no_data": False, "include_tags": True}
    item = {"key": "high", "name": "High", "type": "metric alert", "query": "avg(last_5m):avg:x{*} > 800"}
    wanted = SCHEMA.comparable(SCHEMA.body({**item, "options": options}, Mark("lab", "high")))
    shown = SCHEMA.written(wanted, {**item, "options": options})
    assert shown["options"] == {**options, "thresholds": {"critical": 800.0, "warning": 500.0}}
    assert "tags" not in shown and "priority" not in shown
    assert "options" not in SCHEMA.written(SCHEMA.comparable(SCHEMA.body(item, Mark("lab", "high"))), item)
