"""Which dashboards the API rejects, and with which messages.

A widget with a type that is not listed here is accepted, since Datadog keeps adding types. For the others, the required
fields, their types, and the values of a few enumerations are validated.
Sources: the recordings that tests/contract/test_replay.py replays, the models of datadog-api-client 2.62.0, and API
responses in https://github.com/DataDog/datadogpy/issues/410 and
https://github.com/DataDog/terraform-provider-datadog/issues (1753, 2243, 3750)
"""

from collections.abc import Iterator
from typing import Any

from ..errors import Refused
from ..wire.bodies import Json

_REQUIRED = {"title": str, "layout_type": str, "widgets": list}
_MOST_TAGS = 5
_COLUMNS = 12
_LAYOUT = ("x", "y", "width", "height")
# Required fields of widgets: these are lists or dictionaries, all others strings.
_STRUCTURED = {"requests": list, "widgets": list, "filters": list, "view": dict, "style": dict, "split_config": dict}
_REQUESTING = (
    *("bar_chart", "change", "distribution", "heatmap", "hostmap", "list_stream", "point_plot", "query_table"),
    *("query_value", "scatterplot", "slo_list", "sunburst", "timeseries", "toplist", "topology_map", "treemap"),
)
_NEEDS = {
    **dict.fromkeys(_REQUESTING, ("requests",)),
    **dict.fromkeys(("event_stream", "event_timeline", "manage_status"), ("query",)),
    **dict.fromkeys(("iframe", "image"), ("url",)),
    "alert_graph": ("alert_id", "viz_type"),
    "alert_value": ("alert_id",),
    "check_status": ("check", "grouping"),
    "free_text": ("text",),
    "geomap": ("requests", "style", "view"),
    "group": ("layout_type", "widgets"),
    "note": ("content",),
    "servicemap": ("service", "filters"),
    "trace_service": ("env", "service", "span_name"),
}
# Widgets whose requests are a dictionary: of fill and size, or of x and y.
_NAMED_REQUESTS = ("hostmap", "scatterplot")
_DISPLAYS = ("area", "bars", "line", "overlay")
_SPANS = (
    *("1m", "5m", "10m", "15m", "30m", "1h", "4h", "1d", "2d", "1w", "1mo", "3mo", "6mo", "week_to_date"),
    *("month_to_date", "1y", "alert"),
)


def check(body: Any) -> None:
    """Raise Refused(400) for a dashboard that the API rejects."""
    if not isinstance(body, dict):
        raise Refused(400, "Invalid JSON")
    if body.get("layout_type") not in (None, "ordered", "free"):
        raise Refused(400, "Value of parameter 'layout_type' should be any of these ['ordered', 'free']")
    for name, kind in _REQUIRED.items():
        if not isinstance(body.get(name), kind):
            raise Refused(400, f"The parameter '{name}' is required")
    if body.get("reflow_type") not in (None, "auto", "fixed"):
        raise Refused(400, "Value of parameter 'reflow_type' should be any of these ['auto', 'fixed']")
    for number, widget in enumerate(body["widgets"]):
        _check_widget(widget, number, "widget")
        _check_layout(widget, number, body)
    _check_tags(body.get("tags") or [])
    for variable in body.get("template_variables") or []:
        if not isinstance(variable, dict) or None not in (variable.get("default"), variable.get("defaults")):
            raise Refused(400, "'template_variables' is invalid")
        _check_values(variable, "defaults")
    for preset in body.get("template_variable_presets") or []:
        for variable in preset.get("template_variables") or []:
            if {"value", "values"} <= set(variable):
                raise Refused(400, f"'template_variables' value '{variable}' is invalid")
            _check_values(variable, "values")


def judge_widgets(body: Any) -> Json:
    """Return the problems of each widget, in the format for terraform-provider-datadog (datadog_dashboard_v2)."""
    if not isinstance(body, dict) or not isinstance(body.get("widgets"), list):
        raise Refused(400, "The parameter 'widgets' is required")
    results: list[Json] = []
    for number, widget in enumerate(body["widgets"]):
        problem = None
        try:
            _check_widget(widget, number, "widget")
            # Widgets of a group are validated like others, and may have no layout.
            if widget.get("layout") is not None:
                _check_layout(widget, number, {"layout_type": "ordered", **body})
        except Refused as refused:
            problem = str(refused.errors[0])
        kind = (widget.get("definition") or {}).get("type") if isinstance(widget, dict) else None
        results.append({"is_valid": not problem, "widget_type": kind, "error_message": problem, "error_path": None})
    return {"results": results}


def _check_tags(tags: list[Any]) -> None:
    if len(tags) > _MOST_TAGS:
        raise Refused(400, f"Maximum number of elements in parameter 'tags' should be {_MOST_TAGS}")
    if not all(str(tag).startswith("team:") for tag in tags):
        raise Refused(400, "Invalid tag format. Valid tag keys are: team.")


def _check_values(variable: Json, name: str) -> None:
    values = variable.get(name)
    if values == []:
        raise Refused(400, f"Minimum number of elements in parameter '{name}' should be 1")
    if values and "" in values:
        raise Refused(400, f"Minimum length of parameter '{name}' should be 1")


# ----------------------------------------------------------------------------------------------------------- widgets
def _check_widget(widget: Any, number: int, what: str) -> None:
    definition = widget.get("definition") if isinstance(widget, dict) else None
    if not isinstance(definition, dict) or not isinstance(definition.get("type"), str):
        raise Refused(400, f"Invalid {what} definition at position {number}. Error: 'type' is a required property.")
    where = f"Invalid {what} definition at position {number} of type {definition['type']}. Error: "
    for problem in _wrong(definition):
        raise Refused(400, f"{where}{problem}.")
    inner = definition.get("widgets")
    try:
        for place, one in enumerate(inner if isinstance(inner, list) else []):
            _check_widget(one, place, "inner widget")
    except Refused as refused:
        raise Refused(400, f"{where}{refused.errors[0]}") from None


def _wrong(definition: Json) -> Iterator[str]:
    """Return the message of a JSON schema validator for a definition."""
    kind = definition["type"]
    for name in _NEEDS.get(kind, ()):
        value, wanted = definition.get(name), _STRUCTURED.get(name)
        if value is None:
            yield f"'{name}' is a required property"
        wanted = dict if name == "requests" and kind in _NAMED_REQUESTS else wanted
        if wanted and not isinstance(value, wanted):
            yield f"{value!r} is not of type '{'array' if wanted is list else 'object'}'"
    if kind == "timeseries":
        for request in definition["requests"]:
            if not isinstance(request, dict):
                yield f"{request!r} is not of type 'object'"
            elif request.get("display_type") not in (None, *_DISPLAYS):
                yield f"{request['display_type']!r} is not one of {list(_DISPLAYS)}"
    time = definition.get("time")
    if kind in _NEEDS and isinstance(time, dict) and time.get("live_span") not in (None, *_SPANS):
        yield f"{time['live_span']!r} is not one of {list(_SPANS)}"


def _check_layout(widget: Json, number: int, body: Json) -> None:
    free, reflow, layout = body["layout_type"] == "free", body.get("reflow_type"), widget.get("layout")
    where = f"Invalid widget at position {number} of type {widget['definition']['type']}. Error: "
    if layout is None and (free or reflow == "fixed"):
        raise Refused(400, f"{where}'layout' is a required property.")
    if layout is None or not (free or reflow == "fixed"):
        return
    grid = "" if free else "MSL widget out of grid. "
    for name in _LAYOUT:
        if not isinstance(layout, dict) or not isinstance(layout.get(name), (int, float)):
            raise Refused(400, f"{where}{grid}'{name}' is a required property.")
    if not free and not 0 <= layout["x"] <= layout["x"] + layout["width"] <= _COLUMNS:
        raise Refused(400, f"{where}{grid.strip()}")
