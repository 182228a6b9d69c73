# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The schema of dashboards, and what Datadog changes in them. Pure. Observed in recorded API traffic."""

from __future__ import annotations

import re
from typing import Any

from .diff import without_nulls
from .graphs import graph_problems, undeclared
from .marks import Mark, mark_in_text, marked_text, unmarked_text
from .schema import Body, Schema, list_problems
from .widgets import judge

LAYOUTS = ("ordered", "free")
REFLOWS = ("auto", "fixed")
COLUMNS = 12
MOST_TAGS = 5
TEMPLATES = {
    "template_variables": "DashboardTemplateVariable",
    "template_variable_presets": "DashboardTemplateVariablePreset",
}
# How many unknown names a warning lists.
MOST_NAMED = 5
FIELDS = """
    title description layout_type reflow_type widgets template_variables template_variable_presets notify_list tags
    tabs default_timeframe is_read_only restricted_roles
"""
READ_ONLY = """
    id url author_handle author_name author_info created_at modified_at deleted_at experience_type embeddable_domains
"""
# Fields that are not in every response, with their defaults. Compared only if the item has them.
OPTIONAL: Body = {"is_read_only": False, "restricted_roles": []}


class Dashboards(Schema):
    """The dashboards of an account. Their list has no widgets, so they are read one by one."""

    name = "dashboard"
    title = "title"
    fields = frozenset(FIELDS.split())
    read_only = frozenset(READ_ONLY.split())

    def problems(self, item: Body) -> list[str]:
        problems = []
        # Datadog accepts an empty title.
        if not isinstance(item.get("title"), str):
            problems.append("title is missing. Set a title.")
        if item.get("layout_type") not in LAYOUTS:
            problems.append(f"layout_type is {item.get('layout_type')!r}. Write {' or '.join(LAYOUTS)}.")
        if not isinstance(item.get("description") or "", str):
            problems.append("description is not a string. Quote it.")
        problems += list_problems(item, ("notify_list", "tags", "restricted_roles"))
        problems += list_problems(item, (*TEMPLATES, "tabs"), dict)
        for tab in _list(item.get("tabs")):
            ids = tab.get("widget_ids") if isinstance(tab, dict) else None
            if not isinstance(ids, (list, tuple)) or not all(isinstance(each, (str, int)) for each in ids):
                problems.append("a tab has no list of widget_ids. Add one, with @1 for the first widget.")
        problems += [
            f"{tag!r} is not a valid tag for a dashboard. Write team:NAME."
            for tag in _list(item.get("tags"))
            if not str(tag).startswith("team:")
        ]
        if len(_list(item.get("tags"))) > MOST_TAGS:
            problems.append(f"tags has {len(item['tags'])} tags, but Datadog allows {MOST_TAGS}. Remove some.")
        problems += _reflow_problems(item)
        problems += judge(item.get("widgets"), "[Widget]", "widgets").problems
        problems += [*_layout_problems(item), *graph_problems(item.get("widgets"))]
        problems += _template_problems(item)
        return problems

    def doubts(self, item: Body, fleet: str) -> list[str]:
        places = judge(item["widgets"], "[Widget]", "widgets").unknown
        for name, model in TEMPLATES.items():
            places += judge(item.get(name) or [], f"[{model}]", name).unknown
        # Only the first place of each.
        unknown = list({re.sub(r"\[\d+\]", "", place): place for place in reversed(places)}.values())[::-1]
        more = f" and {len(unknown) - MOST_NAMED} more" if len(unknown) > MOST_NAMED else ""
        doubts = [f"{', '.join(unknown[:MOST_NAMED])}{more}: unknown, sent unchanged."] if unknown else []
        if names := undeclared(item["widgets"], item.get("template_variables")):
            names = [f"${name}" for name in names]
            doubts.append(f"queries use {', '.join(names)}, which are not in template_variables. Add them.")
        return [*doubts, *super().doubts(item, fleet)]

    def body(self, item: Body, mark: Mark) -> Body:
        body = {name: value for name, value in item.items() if name in self.fields and value is not None}
        body["description"] = marked_text(item.get("description"), mark)
        body["widgets"] = [_without_id(widget) for widget in item["widgets"]]
        if "tabs" in body:
            body["tabs"] = _tabs(item)
        if "template_variables" in body:
            body["template_variables"] = [
                {
                    name: value
                    for name, value in variable.items()
                    if not (name == "default" and variable.get("defaults")) and not (name == "defaults" and not value)
                }
                for variable in body["template_variables"]
            ]
        return body

    def mark(self, found: Body) -> Mark | None:
        return mark_in_text(found.get("description"))

    def comparable(self, body: Body) -> Body:
        result = {name: without_nulls(body[name]) for name in body if name in self.fields}
        result["description"] = unmarked_text(body.get("description"))
        result["widgets"] = [without_nulls(_without_id(widget)) for widget in _list(body.get("widgets"))]
        result["template_variables"] = [_variable(item) for item in _list(body.get("template_variables"))]
        result["notify_list"] = sorted(set(_list(body.get("notify_list"))))
        result["tags"] = sorted(set(_list(body.get("tags"))))
        result["tabs"] = [{"name": tab.get("name"), "widget_ids": tab["widget_ids"]} for tab in _tabs(body)]
        if result.get("reflow_type") == "auto":
            del result["reflow_type"]
        # A readable order; absent and empty are the same.
        order = ["title", "description", "layout_type", "reflow_type", "template_variables", "widgets"]
        names = [*order, *sorted(set(result) - set(order))]
        there = [name for name in names if result.get(name) not in (None, "", [], {}) or name in OPTIONAL]
        return {name: result[name] for name in there if result[name] is not None}

    def exported(self, found: Body) -> Body:
        written = self.comparable(found)
        asked = {name: value for name, value in written.items() if value != OPTIONAL.get(name)}
        return {"title": "", **asked, "widgets": written.get("widgets", [])}

    def aligned(self, actual: Body, wanted: Body) -> Body:
        kept = {name: value for name, value in actual.items() if name not in OPTIONAL}
        return {**kept, **{name: actual.get(name, value) for name, value in OPTIONAL.items() if name in wanted}}

    def age(self, found: Body) -> tuple[Any, ...]:
        return (found.get("created_at") or "", found["id"])

    def page(self, found: Body) -> str:
        return found.get("url") or f"/dashboard/{found['id']}"


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _template_problems(item: Body) -> list[str]:
    """Return problems with template variables and presets, which are lists of dictionaries.

    Recorded traffic shows that the API rejects empty strings and two forms of the same value.
    """
    problems = []
    for name, model in TEMPLATES.items():
        items = [each for each in _list(item.get(name)) if isinstance(each, dict)]
        problems += judge(items, f"[{model}]", name).problems
    if problems:
        return problems
    for variable in _list(item.get("template_variables")):
        if not isinstance(variable, dict):
            continue
        place = f"template variable {variable['name']}"
        if not variable["name"]:
            problems.append("a template variable has an empty name. Set a name.")
        if variable.get("default") and variable.get("defaults") and _contradict(variable):
            problems.append(f"{place}: default contradicts defaults. Remove default.")
        if "" in (variable.get("defaults") or []):
            problems.append(f"{place}: defaults contains an empty string. Write * for everything.")
    presets = [each for each in _list(item.get("template_variable_presets")) if isinstance(each, dict)]
    for preset, variable in ((each, one) for each in presets for one in each.get("template_variables") or []):
        place = f"preset {preset.get('name')}, {variable.get('name')}"
        if variable.get("value") is not None and variable.get("values") is not None:
            problems.append(f"{place}: both value and values are set. Remove value.")
        if variable.get("values") == [] or "" in (variable.get("values") or []):
            problems.append(f"{place}: values is empty or contains an empty string. Write * for everything.")
    return problems


def _reflow_problems(item: Body) -> list[str]:
    reflow = item.get("reflow_type")
    if reflow is None:
        return []
    if reflow not in REFLOWS:
        return [f"reflow_type is {reflow!r}. Write {' or '.join(REFLOWS)}."]
    return [] if item.get("layout_type") != "free" else ["reflow_type is for ordered dashboards. Remove it."]


def _layout_problems(item: Body) -> list[str]:
    """Return which widgets lack a required layout, or have one that is not allowed.

    Source: the description of ``reflow_type`` in datadog-api-client 2.62.0, and responses of Datadog:
    https://github.com/DataDog/datadogpy/issues/410,
    https://github.com/DataDog/terraform-provider-datadog/issues/3750
    """
    free, reflow = item.get("layout_type") == "free", item.get("reflow_type")
    problems = []
    for number, widget in enumerate(_list(item.get("widgets"))):
        if not isinstance(widget, dict):
            continue
        place, layout = f"widgets[{number}]", widget.get("layout")
        if layout is None and (free or reflow == "fixed"):
            why = "a free dashboard" if free else "reflow_type fixed"
            problems.append(f"{place} has no layout, which {why} requires. Add one with x, y, width and height.")
        elif layout is not None and reflow == "auto" and not free:
            problems.append(f"{place} has a layout, but reflow_type auto places widgets itself. Remove one of the two.")
        elif reflow == "fixed" and not free and isinstance(layout, dict):
            if not all(isinstance(layout.get(name), (int, float)) for name in ("x", "width")):
                continue
            right = layout["x"] + layout["width"]
            if layout["x"] < 0 or right > COLUMNS:
                columns = f"from column {layout['x']} to {right} of {COLUMNS}"
                problems.append(f"{place}.layout reaches {columns}. Move it or make it narrower.")
    return problems


def _without_id(widget: Any) -> Any:
    """Return the widget without its ID and those of the widgets in it: each PUT assigns new ones."""
    # In an unknown type of widget, "widgets" may be anything.
    if not isinstance(widget, dict) or not isinstance(widget.get("definition"), dict):
        return widget
    definition = widget["definition"]
    if isinstance(definition.get("widgets"), (list, tuple)):
        definition = {**definition, "widgets": [_without_id(inner) for inner in definition["widgets"]]}
    return {**{name: value for name, value in widget.items() if name != "id"}, "definition": definition}


def _tabs(body: Body) -> list[Body]:
    """Return the tabs with their widgets as ``@1``, ``@2``, ..., the form without IDs."""
    places = {widget.get("id"): f"@{place}" for place, widget in enumerate(_list(body.get("widgets")), start=1)}
    return [
        {**tab, "widget_ids": [places.get(number, number) for number in _list(tab.get("widget_ids"))]}
        for tab in _list(body.get("tabs"))
    ]


def _contradict(variable: Body) -> bool:
    return list(variable["defaults"]) != [variable["default"]]


def _variable(variable: Body) -> Body:
    """Return a template variable in its current form: ``defaults`` instead of ``default``, nothing empty."""
    result = {name: value for name, value in variable.items() if value not in (None, [])}
    default = result.pop("default", None)
    if default is not None:
        result.setdefault("defaults", [default])
    return result
