# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards in Terraform state, as DataDog/terraform-provider-datadog stores them. Pure.

In the state, a block of the provider is a list with a singular name where the API has a plural one, and unset values
are empty. The models of Datadog's client tell lists, numbers and strings apart.
Source: datadog/dashboardmapping (field_groups.go, widgets.go, engine.go) and datadog/tests of the provider, 2026-08.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .models import KINDS, alternatives, fields_of, is_model, limits_of, said_by, values_of
from .schema import Body

JSON = "datadog_dashboard_json"
BLOCKS = ("datadog_dashboard", "datadog_dashboard_v2")
PLAIN = ("title", "description", "layout_type", "reflow_type", "is_read_only", "notify_list", "tags")
TEMPLATES = {
    "template_variable": ("template_variables", "DashboardTemplateVariable"),
    "template_variable_preset": ("template_variable_presets", "DashboardTemplateVariablePreset"),
}
# Attributes whose name in the API is neither the same nor the plural.
NAMES = {
    "compute_query": "compute",
    "sort_query": "sort",
    "formula_expression": "formula",
    "group_by_fields": "group_by",
    "histogram_query": "query",
    "legend_inline": "legend",
    "legend_table": "legend",
    "scatterplot_table": "table",
}
TYPES = {"service_level_objective": "slo", "split_graph": "split_group", "product_analytics_funnel": "funnel"}
# The provider sends these even if they are false or 0.
KEPT_NAMES = """
    autoscale has_uniform_y_axes hide_percent hide_value include_zero increase_good index palette_flip
    QueryValue.precision show_legend show_present show_title
"""
KEPT = frozenset(KEPT_NAMES.split())
# Requests for values over time; other widgets request a single value.
OVER_TIME = frozenset({"TimeseriesWidgetRequest", "HeatMapWidgetRequest"})


def dashboards_in_state(state: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the dashboards of a state file, or of the output of ``terraform show -json``, as text or as a body."""
    for kind, values in _resources(state):
        if kind == JSON and isinstance(values.get("dashboard"), str):
            yield values["dashboard"]
        elif kind in BLOCKS:
            yield dashboard_of_blocks(values)


def _resources(state: Mapping[str, Any]) -> Iterator[tuple[str, Body]]:
    """Yield the type and attributes of every managed resource."""
    for resource in state.get("resources") or ():
        if resource.get("mode") == "managed":
            yield from ((resource["type"], one.get("attributes") or {}) for one in resource.get("instances") or ())
    root = (state.get("values") or {}).get("root_module")
    modules = [root] if root else []
    while modules:
        module = modules.pop()
        modules += module.get("child_modules") or []
        for resource in module.get("resources") or ():
            if resource.get("mode") == "managed":
                yield resource["type"], resource.get("values") or {}


def dashboard_of_blocks(values: Mapping[str, Any]) -> Body:
    """Return the dashboard of the attributes of a ``datadog_dashboard``."""
    made = {name: values[name] for name in PLAIN if not _is_empty(values.get(name))}
    for name, (plural, model) in TEMPLATES.items():
        if values.get(name):
            made[plural] = [_model(each, model) for each in values[name]]
    if values.get("tab"):
        made["tabs"] = [{"name": each["name"], "widget_ids": each["widget_ids"]} for each in values["tab"]]
    return {**made, "widgets": [_widget(each) for each in values.get("widget") or ()]}


def _widget(block: Mapping[str, Any]) -> Body:
    made: Body = {"definition": _definition(block)}
    if block.get("widget_layout"):
        made["layout"] = _model(block["widget_layout"][0], "WidgetLayout")
    return made


def _definition(block: Mapping[str, Any]) -> Body:
    """Return the definition in a block, which is under the name of its type."""
    for name, value in block.items():
        if name.endswith("_definition") and value:
            kind = name.removesuffix("_definition")
            kind = TYPES.get(kind, kind)
            models = [model for model in alternatives("Definition") if kind in said_by(model, "type")]
            content = {**value[0], "type": kind}
            return _model(content, _fitting(content, models)) if models else content
    return {}


# ------------------------------------------------------------------------------------------------------ conversions
def _converted(value: Any, kind: str) -> Any:
    """Convert a value of the state to a type of the API."""
    kinds = alternatives(kind)
    if len(kinds) > 1:
        value = _unwrapped(value, kinds)
        kinds = (_fitting(value, kinds),)
    kind, _limits = limits_of(kinds[0])
    if kind.startswith("["):
        # A list of lists is a list of blocks with one block each.
        inner = next(iter(value.values())) if isinstance(value, Mapping) and len(value) == 1 else value
        return [_converted(each, kind[1:-1]) for each in (inner if isinstance(inner, list) else [inner])]
    if is_model(kind):
        block = _unwrapped(value, (kind,))
        block = block[0] if isinstance(block, list) and block else block
        return _model(block, kind) if isinstance(block, Mapping) else block
    return _plain(value, kind)


def _plain(value: Any, kind: str) -> Any:
    if kind == "number" and isinstance(value, str):
        try:
            return int(value) if value.lstrip("-").isdecimal() else float(value)
        except ValueError:
            return value
    if kind == "bool" and isinstance(value, str):
        return value == "true"
    if kind == "text" and not isinstance(value, (str, list, dict)):
        return str(value)
    return value


def _unwrapped(value: Any, kinds: Iterable[str]) -> Any:
    """Return the content of a block that only selects one of several types, such as ``metric_query``."""
    block = value[0] if isinstance(value, list) and len(value) == 1 else value
    if not isinstance(block, Mapping):
        return value
    filled = [(name, each) for name, each in block.items() if not _is_empty(each)]
    if len(filled) != 1 or not isinstance(filled[0][1], list):
        return value
    name, inner = filled[0]
    known = any(_name(name, fields_of(kind) or {}) for kind in kinds if is_model(kind))
    return value if known else inner


def _fitting(value: Any, kinds: Iterable[str]) -> str:
    """Return the type that fits a value best."""
    several = list(kinds)
    block = value[0] if isinstance(value, list) and value else value
    if not isinstance(block, Mapping):
        return next((kind for kind in several if kind.startswith("[") == isinstance(value, list)), several[0])
    for name in KINDS:
        said = [kind for kind in several if block.get(name) in said_by(kind, name)]
        several = said or several
    filled = [name for name, each in block.items() if not _is_empty(each)]

    def unfit(kind: str) -> tuple[int, int]:
        inner = kind[1:-1] if kind.startswith("[") else kind
        fields = (fields_of(inner) if is_model(inner) else None) or {}
        missing = sum(each.required and name not in filled for name, each in fields.items())
        return sum(_name(name, fields) is None for name in filled), missing

    return min(several, key=unfit)


def _name(name: str, fields: Mapping[str, Any]) -> str | None:
    """Return the API's name of an attribute; None if the model does not have it."""
    tried = (name, NAMES.get(name, name), f"{name}s", f"{name.removesuffix('y')}ies", f"{name.removesuffix('y')}ys")
    return next((each for each in tried if each in fields), None)


def _model(block: Mapping[str, Any], model: str) -> Body:
    fields = fields_of(model) or {}
    made: Body = {}
    for name, value in block.items():
        found = "queries" if name == "query" and _is_wrapped(value) and "queries" in fields else _name(name, fields)
        if name in ("live_span", "hide_incomplete_cost_data") and "time" in fields:
            if value:
                made.setdefault("time", {})[name] = value
        elif name == "search_query" and "search" in fields:
            made["search"] = {"query": value or ""}
        elif name == "widget" and "widgets" in fields:
            made["widgets"] = [_widget(each) for each in value]
        elif name == "source_widget_definition" and value:
            made[name] = _definition(value[0])
        elif found and (fields[found].required or {name, f"{model}.{name}"} & KEPT or not _is_empty(value)):
            if value is None or value in ([], {}):
                continue
            made[found] = _converted(value, fields[found].kind)
        elif not found and not _is_empty(value) and name != "id":
            # Newer than the models: keep it unchanged. The module will warn.
            made[name] = value
    for name, each in fields.items():
        # Constants that identify the model.
        values = values_of(each.kind) or ()
        if each.required and name not in made and len(values) == 1:
            made[name] = values[0]
    if "histogram_query" in block:
        made["request_type"] = "histogram"
    if "response_format" in fields and "queries" in made:
        made["response_format"] = "timeseries" if model in OVER_TIME else "scalar"
    return made


def _is_wrapped(value: Any) -> bool:
    """Return whether these are queries, each in a block that gives its type."""
    return isinstance(value, list) and any(name.endswith("_query") for each in value for name in each)


def _is_empty(value: Any) -> bool:
    return value in (None, "", False, 0, [], {})
