# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a dashboard is, and what Datadog makes of one. Pure. Observed in recorded traffic of the API."""

from __future__ import annotations

from typing import Any

from .diff import without_nulls
from .marks import Mark, mark_in_text, marked_text, unmarked_text
from .schema import Body, Schema, list_problems

LAYOUTS = ("ordered", "free")
FIELDS = """
    title description layout_type reflow_type widgets template_variables template_variable_presets notify_list tags
    tabs default_timeframe is_read_only restricted_roles
"""
READ_ONLY = """
    id url author_handle author_name author_info created_at modified_at deleted_at experience_type embeddable_domains
"""
# Not in every answer, with what each is otherwise. Compared only where the item has it.
OPTIONAL: Body = {"is_read_only": False, "restricted_roles": []}


class Dashboards(Schema):
    """The dashboards of an account. Their list has no widgets; those come one by one."""

    name = "dashboard"
    title = "title"
    fields = frozenset(FIELDS.split())
    read_only = frozenset(READ_ONLY.split())

    def problems(self, item: Body) -> list[str]:
        problems = []
        # An empty one is fine with Datadog.
        if not isinstance(item.get("title"), str):
            problems.append("title is missing. Set one.")
        if item.get("layout_type") not in LAYOUTS:
            problems.append(f"layout_type is {item.get('layout_type')!r}. Write {' or '.join(LAYOUTS)}.")
        if not isinstance(item.get("description") or "", str):
            problems.append("description is not text. Quote it.")
        problems += list_problems(item, ("notify_list", "tags", "restricted_roles"))
        problems += list_problems(item, ("template_variables", "template_variable_presets", "tabs"), dict)
        for tab in _list(item.get("tabs")):
            ids = tab.get("widget_ids") if isinstance(tab, dict) else None
            if not isinstance(ids, (list, tuple)) or not all(isinstance(each, (str, int)) for each in ids):
                problems.append("a tab has no list of widget_ids. Write @1 for the first widget.")
        problems += [
            f"{tag!r} is not a tag that a dashboard can have. Write team:NAME."
            for tag in _list(item.get("tags"))
            if not str(tag).startswith("team:")
        ]
        problems += _widget_problems("widgets", item.get("widgets"))
        for variable in _list(item.get("template_variables")):
            if not isinstance(variable, dict) or not variable.get("name"):
                problems.append("a template variable has no name. Give each one.")
            elif list_problems(variable, ("defaults",)):
                problems += list_problems(variable, ("defaults",), place=f"template variable {variable['name']}: ")
            elif variable.get("default") and variable.get("defaults") and _contradict(variable):
                problems.append(f"template variable {variable['name']}: default contradicts defaults. Remove default.")
        return problems

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
        # The order in which people read it; absent and empty are the same.
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


def _widget_problems(place: str, widgets: Any) -> list[str]:
    if not isinstance(widgets, (list, tuple)):
        return [f"{place} is not a list. Write one, which may be empty."]
    problems = []
    for number, widget in enumerate(widgets):
        definition = widget.get("definition") if isinstance(widget, dict) else None
        if not isinstance(definition, dict) or not definition.get("type"):
            problems.append(f"{place}[{number}] has no definition with a type. Give it one.")
        elif "widgets" in definition:
            problems += _widget_problems(f"{place}[{number}].definition.widgets", definition["widgets"])
    return problems


def _without_id(widget: Any) -> Any:
    """Return the widget without its id and those of the widgets in it: each PUT gives new ones."""
    definition = widget["definition"]
    if "widgets" in definition:
        definition = {**definition, "widgets": [_without_id(inner) for inner in definition["widgets"]]}
    return {**{name: value for name, value in widget.items() if name != "id"}, "definition": definition}


def _tabs(body: Body) -> list[Body]:
    """Return the tabs with their widgets as ``@1``, ``@2``, ..., the form that needs no ids."""
    places = {widget.get("id"): f"@{place}" for place, widget in enumerate(_list(body.get("widgets")), start=1)}
    return [
        {**tab, "widget_ids": [places.get(number, number) for number in _list(tab.get("widget_ids"))]}
        for tab in _list(body.get("tabs"))
    ]


def _contradict(variable: Body) -> bool:
    return list(variable["defaults"]) != [variable["default"]]


def _variable(variable: Body) -> Body:
    """Return a template variable in its present form: ``defaults`` instead of ``default``, nothing empty."""
    result = {name: value for name, value in variable.items() if value not in (None, [])}
    default = result.pop("default", None)
    if default is not None:
        result.setdefault("defaults", [default])
    return result
