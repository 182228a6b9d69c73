# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Common to all kinds of objects: marks, input, differences and export."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.kennel.fleet.plugins.doc_fragments.datadog_objects import ModuleDocFragment
from ansible_collections.kennel.fleet.plugins.filter.dashboard_export import dashboard_export
from ansible_collections.kennel.fleet.plugins.filter.monitor_export import monitor_export
from ansible_collections.kennel.fleet.plugins.module_utils._api.client import datadog_argument_spec
from ansible_collections.kennel.fleet.plugins.module_utils._objects.dashboards import Dashboards
from ansible_collections.kennel.fleet.plugins.module_utils._objects.diff import difference
from ansible_collections.kennel.fleet.plugins.module_utils._objects.export import export
from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import object_argument_spec
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import (
    Mark,
    mark_in_tags,
    mark_in_text,
    marked_text,
    unmarked_tags,
    unmarked_text,
)
from ansible_collections.kennel.fleet.plugins.module_utils._objects.monitors import Monitors
from ansible_collections.kennel.fleet.plugins.module_utils._objects.plan import Change, Refused, match, plan
from ansible_collections.kennel.fleet.plugins.module_utils._objects.schema import input_problems
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.text(string.ascii_lowercase + string.digits + "_-", max_size=20).map(lambda rest: "k" + rest)
MARKS = st.builds(Mark, NAMES, NAMES)
MONITOR = {"key": "load", "name": "Load", "type": "query alert", "query": "avg(last_5m):avg:system.load.1{*} > 8"}


@given(MARKS, st.text())
def test_text_keeps_its_content_and_mark(mark: Mark, text: str) -> None:
    marked = marked_text(text, mark)
    assert mark_in_text(marked) == mark
    assert marked.split("\n")[-1] == mark.line
    assert unmarked_text(marked) == unmarked_text(text)
    assert marked_text(marked, mark) == marked


@given(MARKS, st.lists(st.sampled_from(["team:a", "env:b", "kennel", "managed_by:terraform"])))
def test_tags_keep_the_mark(mark: Mark, tags: list[str]) -> None:
    assert mark_in_tags(tags + mark.tags) == mark
    assert unmarked_tags(tags + mark.tags) == sorted(set(tags))


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "managed_by:kennel",
        "see managed_by:kennel kennel_fleet:a kennel_key:b",
        "kennel_fleet:a kennel_key:b",
    ],
)
def test_texts_without_a_mark(text: str | None) -> None:
    assert mark_in_text(text) is None


def test_mark_is_found_before_other_text() -> None:
    text = f"Before\n\n{Mark('a', 'b').line}\nAfter"
    assert mark_in_text(text) == Mark("a", "b")
    assert unmarked_text(text) == "Before\n\n\nAfter"


@pytest.mark.parametrize("tags", [[], ["managed_by:kennel"], ["kennel_fleet:a", "kennel_key:b"]])
def test_tags_without_a_mark(tags: list[str]) -> None:
    assert mark_in_tags(tags) is None


def test_all_input_problems_are_reported_together() -> None:
    items = [
        {**MONITOR, "key": "Load"},
        {**MONITOR},
        {**MONITOR, "mesage": "typo"},
        {**MONITOR, "key": "other", "state": "gone", "priority": 9},
        {"key": "away", "state": "absent"},
        {"key": "bare"},
        "load",
    ]
    problems = input_problems(Monitors(), {"fleet": "My fleet", "monitors": items})
    for words in (
        "fleet 'My fleet' is not a valid name",
        "monitors[0].key 'Load' is not a valid key",
        "monitors[2].key 'load' is used twice",
        "monitors[2]: mesage is not a known field. Did you mean message?",
        "monitors[3] (other): state is 'gone'",
        "monitors[5] (bare): query is missing",
        "monitors[6] is not a dictionary",
    ):
        assert [problem for problem in problems if words in problem], words
    assert not [problem for problem in problems if "away" in problem or "monitors[1]" in problem]


# --------------------------------------------------------------------------------------------------------------- plan
def found(number: int, key: str | None = None, fleet: str = "lab", **fields: Any) -> dict[str, Any]:
    """Return a monitor as listed, without a mark if there is no key."""
    marked = {"tags": Mark(fleet, key).tags} if key else {"tags": []}
    return {**{name: value for name, value in MONITOR.items() if name != "key"}, "id": number, **marked, **fields}


def planned(items: list[dict[str, Any]], listed: list[dict[str, Any]], **params: bool) -> list[Change]:
    schema, options = Monitors(), {"fleet": "lab", "monitors": items, "adopt": False, "prune": False, **params}
    changes, left = match(schema, options, listed)
    for change in changes:
        change.whole = change.found
    return plan(schema, "lab", changes, left)


@pytest.mark.parametrize(
    ("items", "listed", "params", "actions"),
    [
        ([MONITOR], [], {}, ["load created"]),
        ([MONITOR], [found(1, "load")], {}, ["load unchanged"]),
        ([MONITOR], [found(1, "load", name="Other")], {}, ["load updated"]),
        ([{**MONITOR, "type": "log alert"}], [found(1, "load")], {}, ["load replaced"]),
        ([{**MONITOR, "state": "absent"}], [found(1, "load")], {}, ["load deleted"]),
        ([{**MONITOR, "state": "absent"}], [], {}, []),
        # Objects of other fleets, and unmarked ones.
        ([MONITOR], [found(1, "load", "other"), found(2)], {}, ["load created"]),
        ([MONITOR], [found(2)], {"adopt": True}, ["load adopted"]),
        ([MONITOR], [found(1, "load"), found(2)], {"adopt": True}, ["load unchanged"]),
        ([], [found(1, "load"), found(2, "load", "other"), found(3)], {}, []),
        ([], [found(1, "load"), found(2, "load", "other"), found(3)], {"prune": True}, ["load deleted"]),
        # Of two with the same key, the older one is kept.
        ([MONITOR], [found(2, "load"), found(1, "load")], {}, ["load unchanged", "load deleted"]),
    ],
)
def test_actions_depend_on_existing_objects(
    items: list[dict[str, Any]], listed: list[dict[str, Any]], params: dict[str, bool], actions: list[str]
) -> None:
    assert [f"{change.key} {change.action}" for change in planned(items, listed, **params)] == actions


def test_object_deleted_by_another_run_is_created_again() -> None:
    changes, left = match(
        Monitors(), {"fleet": "lab", "monitors": [MONITOR], "adopt": False, "prune": False}, [found(1, "load")]
    )
    [change] = plan(Monitors(), "lab", changes, left)
    assert (change.action, change.found) == ("created", {})


def test_ambiguous_adoption_is_refused() -> None:
    with pytest.raises(Refused, match="load: 1, 2 all match"):
        planned([MONITOR], [found(1), found(2)], adopt=True)
    with pytest.raises(Refused, match="twin: 1 also matches load"):
        planned([MONITOR, {**MONITOR, "key": "twin"}], [found(1)], adopt=True)


def test_parts_of_composites_are_not_deleted() -> None:
    both = found(2, "both", type="composite", query="1 && 3")
    with pytest.raises(Refused, match=r"both: it refers to monitor 1 \(load\), which would be deleted"):
        planned([{**MONITOR, "state": "absent"}], [found(1, "load"), both])
    actions = planned([], [found(1, "load"), both], prune=True)
    assert [change.key for change in actions] == ["both", "load"]


def widget(title: str | None, **definition: Any) -> dict[str, Any]:
    return {"definition": {"type": "note", **({"title": title} if title else {}), **definition}}


def test_diff_names_widgets_and_only_shows_changes() -> None:
    before = {"title": "A", "widgets": [widget("one", content="x"), widget("two", content="y"), widget(None)]}
    after = {"title": "A", "widgets": [widget("one", content="x"), widget("two", content="z"), widget(None)]}
    assert difference(before, after) == (
        "widgets:\n  two:\n    definition:\n      content: y\n",
        "widgets:\n  two:\n    definition:\n      content: z\n",
    )


def test_inserted_widget_is_one_difference() -> None:
    one, two = widget("one"), widget("two")
    before, after = difference({"widgets": [two]}, {"widgets": [one, two]})
    assert before == "widgets: {}\n"
    assert after == "widgets:\n  one:\n    definition:\n      type: note\n      title: one\n"


def test_different_order_is_a_difference() -> None:
    one, two = widget("one"), widget("two")
    assert difference({"widgets": [one, two]}, {"widgets": [two, one]}) == (
        "order of widgets:\n- one\n- two\n",
        "order of widgets:\n- two\n- one\n",
    )
    groups = [{"definition": {"type": "group", "widgets": order}} for order in ([one, two], [two, one])]
    before, after = difference({"widgets": [groups[0]]}, {"widgets": [groups[1]]})
    assert "order of widgets" in before and "order of widgets" in after


def test_widgets_with_the_same_name_are_numbered_even_in_groups() -> None:
    group = {"definition": {"type": "group", "widgets": [widget(None, content="a"), widget(None, content="b")]}}
    other = {"definition": {"type": "group", "widgets": [widget(None, content="a"), widget(None, content="c")]}}
    before, _after = difference({"widgets": [group]}, {"widgets": [other]})
    assert "note (2):" in before and "content: a" not in before


def test_multiline_texts_are_shown_as_lines() -> None:
    assert difference(None, {"message": "a\nb"}) == ("", "message: |-\n  a\n  b\n")


def test_export_derives_keys_from_titles() -> None:
    found = [{**MONITOR, "name": name, "id": number} for number, name in enumerate(["Load!", "load", "5 % {{x}}", "ä"])]
    assert [item["key"] for item in export(Monitors(), found)] == ["load", "load_2", "monitor_5_x", "monitor"]


def test_export_keeps_the_key_in_the_mark() -> None:
    marked = {**MONITOR, "tags": ["team:a", *Mark("lab", "mine").tags]}
    assert export(Monitors(), marked) == {**MONITOR, "key": "mine", "tags": ["team:a"]}


@pytest.mark.parametrize("value", [None, "text", {}, {"title": "no widgets", "layout_type": "ordered"}])
def test_export_refuses_other_input(value: Any) -> None:
    with pytest.raises(ValueError, match="not a dashboard that the module accepts"):
        export(Dashboards(), value)


def test_export_separates_objects_that_cannot_be_applied() -> None:
    strange = {**MONITOR, "name": "Ship", "type": "starship alert", "id": 7}
    found = [strange, MONITOR, None]
    assert monitor_export(found, only="taken") == [monitor_export(MONITOR)]
    refused = monitor_export(found, only="refused")
    assert [text.partition(":")[0] for text in refused] == ["monitor 'Ship' (7)", "monitor None"]
    assert "type is 'starship alert'" in refused[0]


def test_arguments_are_documented() -> None:
    documented = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    spec = object_argument_spec()
    assert documented.keys() == spec.keys() - datadog_argument_spec().keys()
    for name, argument in documented.items():
        assert argument["type"] == spec[name]["type"] and argument.get("default") == spec[name].get("default")
        assert argument.get("required") == spec[name].get("required")


@pytest.mark.parametrize("export_filter", [dashboard_export, monitor_export])
def test_filters_report_what_they_cannot_export(export_filter: Callable[[Any], Any]) -> None:
    with pytest.raises(AnsibleFilterError, match=f"{export_filter.__name__}: this is no"):
        export_filter([{"name": "x"}])
