# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards as written, compared with dashboards as Datadog returns them."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._objects.dashboards import Dashboards
from ansible_collections.kennel.fleet.plugins.module_utils._objects.export import export
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import Mark
from hypothesis import given
from hypothesis import strategies as st

SCHEMA, MARK = Dashboards(), Mark("lab", "shop")
NOTES = st.builds(lambda text: {"definition": {"type": "note", "content": text}}, st.sampled_from(["a", "b\n", ""]))
GROUPS = st.builds(
    lambda inner: {"definition": {"type": "group", "layout_type": "ordered", "widgets": inner}}, st.lists(NOTES)
)
WIDGETS = st.lists(NOTES | GROUPS, max_size=4)
VARIABLES = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["host", "env"])},
        optional={"default": st.sampled_from([None, "*"]), "prefix": st.none() | st.just("host")},
    )
)
ITEMS = st.fixed_dictionaries(
    {"title": st.sampled_from(["Shop", ""]), "layout_type": st.just("ordered"), "widgets": WIDGETS},
    optional={
        "description": st.sampled_from([None, "", "Text", "Text\n", "Two\n\nparagraphs"]),
        "template_variables": st.none() | VARIABLES,
        "notify_list": st.none() | st.lists(st.sampled_from(["a@x", "b@x", "c@x"]), unique=True),
        "tags": st.none() | st.lists(st.sampled_from(["team:a", "team:b"]), unique=True),
        "reflow_type": st.just("auto"),
        "is_read_only": st.just(False),
        "template_variable_presets": st.just([]),
    },
)
DASHBOARD: dict[str, Any] = {
    "title": "Shop",
    "layout_type": "ordered",
    "widgets": [{"definition": {"type": "note", "content": text}} for text in "ab"],
}


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """Return a dashboard as Datadog returns it, according to recorded traffic."""
    ids = itertools.count(1000)

    def numbered(widgets: list[dict[str, Any]]) -> None:
        for widget in widgets:
            widget["id"] = next(ids)
            numbered(widget["definition"].get("widgets", []))

    found = {"template_variables": None, "notify_list": None, **copy.deepcopy(body)}
    numbered(found["widgets"])
    for tab in found.get("tabs", []):
        tab["widget_ids"] = [found["widgets"][int(place[1:]) - 1]["id"] for place in tab["widget_ids"]]
    found["notify_list"] = sorted(found["notify_list"] or [], reverse=True) or None
    added = {"id": "abc-def-ghi", "url": "/dashboard/abc-def-ghi/shop", "author_handle": "a@x", "author_name": None}
    return {**found, **added, "created_at": "2026-01-01", "modified_at": "2026-01-01", "restricted_roles": []}


def differs(item: dict[str, Any], found: dict[str, Any]) -> bool:
    wanted = SCHEMA.comparable(SCHEMA.body(item, MARK))
    return SCHEMA.aligned(SCHEMA.comparable(found), wanted) != wanted


@given(ITEMS)
def test_fields_that_datadog_adds_are_not_a_difference(item: dict[str, Any]) -> None:
    assert SCHEMA.problems(item) == []
    found = answer(SCHEMA.body(item, MARK))
    assert SCHEMA.mark(found) == MARK and not differs(item, found)


@given(ITEMS)
def test_exported_dashboard_can_be_applied(item: dict[str, Any]) -> None:
    found = answer(SCHEMA.body(item, MARK))
    exported = export(SCHEMA, found)
    assert exported.pop("key") == "shop" and not differs(exported, found)
    assert "'id'" not in str(exported) and "kennel" not in str(exported) and "None" not in str(exported)


@given(ITEMS)
def test_response_can_be_used_as_an_item(item: dict[str, Any]) -> None:
    found = answer(SCHEMA.body(item, MARK))
    body = SCHEMA.body(found, MARK)
    assert not differs(found, found) and "'id'" not in str(body) and not set(body) & SCHEMA.read_only


def test_tabs_refer_to_widgets_by_position() -> None:
    tabs = [{"id": "x", "name": "One", "widget_ids": ["@2", "@1"]}]
    found = answer(SCHEMA.body({**DASHBOARD, "tabs": tabs}, MARK))
    assert found["tabs"][0]["widget_ids"] == [1001, 1000]
    assert not differs({**DASHBOARD, "tabs": tabs}, found)
    assert export(SCHEMA, found)["tabs"] == [{"name": "One", "widget_ids": ["@2", "@1"]}]
    assert SCHEMA.body(found, MARK)["tabs"] == tabs


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Other"},
        {"description": "new"},
        {"widgets": DASHBOARD["widgets"][::-1]},
        {"widgets": DASHBOARD["widgets"][:1]},
        {"template_variables": [{"name": "host"}]},
        {"notify_list": ["a@x"]},
        {"tags": ["team:a"]},
        {"layout_type": "free"},
        {"reflow_type": "fixed"},
        {"is_read_only": True},
        {"restricted_roles": ["x"]},
        {"template_variable_presets": [{"name": "a"}]},
    ],
)
def test_changes_are_seen(change: dict[str, Any]) -> None:
    assert differs({**DASHBOARD, **change}, answer(SCHEMA.body(DASHBOARD, MARK)))
    if not set(change) & {"is_read_only", "restricted_roles"}:
        assert differs(DASHBOARD, answer(SCHEMA.body({**DASHBOARD, **change}, MARK)))


def test_default_is_equivalent_to_defaults() -> None:
    forms = ({"default": "a"}, {"defaults": ["a"]})
    old, new = ({**DASHBOARD, "template_variables": [{"name": "host", **form}]} for form in forms)
    assert not differs(old, answer(SCHEMA.body(new, MARK))) and not differs(new, answer(SCHEMA.body(old, MARK)))
    both = {**DASHBOARD, "template_variables": [{"name": "host", "default": "a", "defaults": ["a"]}]}
    assert SCHEMA.body(both, MARK)["template_variables"] == [{"name": "host", "defaults": ["a"]}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": None}, "title is missing"),
        ({"layout_type": "grid"}, "layout_type is 'grid'. Write ordered or free"),
        ({"widgets": None}, "widgets is not a list"),
        ({"widgets": [{"type": "note"}]}, "widgets[0] has no definition. Add it."),
        (
            {"widgets": [{"definition": {"type": "group", "widgets": [{}]}}]},
            "widgets[0].definition.widgets[0] has no definition",
        ),
        ({"tags": ["env:prod"]}, "'env:prod' is not a valid tag for a dashboard"),
        ({"notify_list": ["a@example.com", 1]}, "notify_list is ['a@example.com', 1]. Write a list of strings"),
        ({"tabs": [1]}, "tabs is [1]. Write a list of dictionaries"),
        ({"tabs": [{"name": "a", "widget_ids": [{}]}]}, "a tab has no list of widget_ids"),
        ({"template_variables": [{"name": "a", "defaults": 1}]}, "template_variables[0].defaults is not a list"),
        ({"template_variables": [{"default": "x"}]}, "template_variables[0] has no name. Add it."),
        ({"template_variables": [{"name": "a", "default": "x", "defaults": ["y"]}]}, "default contradicts defaults"),
    ],
)
def test_invalid_input(change: dict[str, Any], words: str) -> None:
    assert words in " ".join(SCHEMA.problems({**DASHBOARD, **change}))


@pytest.mark.parametrize("answered", [None, []])
def test_empty_roles_equal_missing_roles(answered: list[str] | None) -> None:
    item = {**DASHBOARD, "restricted_roles": []}
    found = answer(SCHEMA.body(item, MARK))
    assert not differs(item, {**found, "restricted_roles": answered})
    assert differs(item, {**found, "restricted_roles": ["x"]})
