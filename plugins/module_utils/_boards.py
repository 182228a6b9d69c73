# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Convert timeboards and screenboards, the former kinds of dashboards. Pure.

What the current format does not support, such as an empty text, is left out.
Sources: recorded traffic of ``/api/v1/dash`` and ``/api/v1/screen`` (datadogpy 0.56, terraform-provider-datadog 2.18),
the fields of screen_widgets.go in zorkian/go-datadog-api, and the models of datadog-api-client 2.62.0.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

Body = dict[str, Any]
# The fields that identify each kind.
TIMEBOARD = "graphs"
SCREENBOARD = "board_title"
# The position of a widget without a position.
PLACE: Body = {"x": 0, "y": 0, "width": 47, "height": 15}
DISPLAYS = ("line", "bars", "area", "overlay")
# Fields that only these widgets have. Old clients send all fields with every graph, mostly empty.
ONLY = {
    **dict.fromkeys(("autoscale", "custom_unit", "precision", "text_align"), ("query_value",)),
    **dict.fromkeys(("group", "scope", "node_type", "no_group_hosts", "no_metric_hosts"), ("hostmap",)),
    "events": ("timeseries", "heatmap"),
    **dict.fromkeys(("markers", "show_legend", "legend_size"), ("timeseries", "heatmap", "distribution")),
    "yaxis": ("timeseries", "heatmap", "distribution", "scatterplot"),
    **dict.fromkeys(("status", "is_valid_query"), ()),
}
_OF_CHANGES = ("change_type", "compare_to", "increase_good", "order_by", "order_dir", "show_present")
ONLY_IN_REQUESTS = {
    **dict.fromkeys(_OF_CHANGES, ("change",)),
    **dict.fromkeys(("display_type", "metadata"), ("timeseries",)),
    "aggregator": ("query_value", "query_table", "scatterplot"),
    "conditional_formats": ("query_value", "toplist", "query_table"),
    "style": ("timeseries", "toplist", "heatmap", "distribution"),
}
# Widgets whose requests are a dictionary and not a list.
NAMED_REQUESTS = {"hostmap": ("fill", "size"), "scatterplot": ("x", "y")}
# Fields of screenboard widgets that are not graphs: the old name of each field, and the current one.
WIDGETS = {
    "note": "html=content bgcolor=background_color font_size text_align tick=show_tick tick_pos tick_edge",
    "free_text": "text color font_size text_align",
    "iframe": "url",
    "image": "url sizing margin",
    "event_stream": "query event_size tags_execution",
    "event_timeline": "query tags_execution",
    "check_status": "check grouping group group_by tags",
    "alert_graph": "alert_id viz_type",
    "alert_value": "alert_id precision unit text_align",
    "manage_status": """
        query sort displayFormat=display_format colorPreference=color_preference
        hideZeroCounts=hide_zero_counts show_last_triggered summary_type
    """,
    "trace_service": """
        env serviceService=service serviceName=span_name sizeVersion=size_format layoutVersion=display_format
        mustShowHits=show_hits mustShowErrors=show_errors mustShowLatency=show_latency
        mustShowBreakdown=show_breakdown mustShowDistribution=show_distribution
        mustShowResourceList=show_resource_list
    """,
    "log_stream": "query columns logset",
}
UNTITLED = ("note", "free_text", "iframe", "image")


def is_old(body: Any) -> bool:
    """Return whether a body is a timeboard or a screenboard."""
    if not isinstance(body, Mapping) or "layout_type" in body:
        return False
    return isinstance(body.get(TIMEBOARD), list) or SCREENBOARD in body


def dashboard(body: Mapping[str, Any]) -> Body:
    """Convert a timeboard or a screenboard to a dashboard.

    :raises ValueError: if a part of it has an unexpected structure.
    """
    try:
        return _dashboard(body)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"a part of it is of another form: {error}") from error


def _dashboard(body: Mapping[str, Any]) -> Body:
    timeboard = SCREENBOARD not in body and "widgets" not in body
    widgets = _each(body.get(TIMEBOARD) if timeboard else body.get("widgets", body.get(TIMEBOARD)))
    made = {
        "title": body.get("title") if timeboard else body.get(SCREENBOARD, body.get("title")),
        "description": body.get("description"),
        "layout_type": "ordered" if timeboard else "free",
        "is_read_only": bool(body.get("read_only")),
        "template_variables": [_variable(each) for each in body.get("template_variables") or []],
        "widgets": [_graph(each) if timeboard else _widget(each) for each in widgets],
    }
    return {name: value for name, value in made.items() if value not in (None, False, []) or name == "widgets"}


def _each(found: Any) -> list[Body]:
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError("graphs and widgets are lists of dictionaries")
    return found


def _variable(found: Any) -> Body:
    # dog also accepts a list of names.
    named = found if isinstance(found, dict) else {"name": str(found), "prefix": str(found)}
    made = {name: value for name, value in named.items() if value not in (None, "")}
    # The old documentation writes the whole tag.
    if isinstance(made.get("default"), str) and made.get("prefix"):
        made["default"] = made["default"].removeprefix(f"{made['prefix']}:")
    return made


def _graph(found: Body) -> Body:
    """Convert a graph of a timeboard to a widget. The type is in its definition: Datadog ignores one outside."""
    definition = found.get("definition")
    if not isinstance(definition, dict):
        raise ValueError("a graph has no definition")
    title = found.get("title")
    return {"definition": {**({"title": title} if isinstance(title, str) and title else {}), **_of_graph(definition)}}


def _of_graph(found: Mapping[str, Any]) -> Body:
    named = {_snake(name): value for name, value in found.items() if name not in ("viz", "type")}
    kind = str(found.get("viz") or found.get("type") or "timeseries")
    kept = {name: value for name, value in named.items() if kind in ONLY.get(name, (kind,))}
    made = {"type": kind, **_filled(kept)}
    if kind == "hostmap":
        made["style"] = {_snake(name): value for name, value in (found.get("style") or {}).items()}
        for name in ("fill_min", "fill_max"):
            if name in made["style"]:
                made["style"][name] = str(made["style"][name])
        if "palette_flip" in made["style"]:
            made["style"]["palette_flip"] = made["style"]["palette_flip"] in (True, "true")
    elif isinstance(found.get("style"), dict):
        made["style"] = {name: value for name, value in found["style"].items() if not name.startswith("palette")}
    if isinstance(made.get("yaxis"), dict):
        made["yaxis"] = _axis(made["yaxis"])
    if isinstance(made.get("markers"), list):
        made["markers"] = [_marker(each) for each in made["markers"]]
    if "precision" in made:
        made["precision"] = _whole(made["precision"])
    requests = named.get("requests")
    if isinstance(requests, list):
        made["requests"] = [_request(each, kind) for each in requests]
        if kind in NAMED_REQUESTS:
            made["requests"] = _by_name(requests, made["requests"], NAMED_REQUESTS[kind])
    elif isinstance(requests, dict):
        made["requests"] = requests
    return {name: value for name, value in made.items() if name == "requests" or value not in (None, "", {}, [])}


def _by_name(sent: list[Any], made: list[Any], names: tuple[str, ...]) -> Body:
    said = [each.get("type") if isinstance(each, dict) else None for each in sent]
    return {
        kind if kind in names else names[min(number, len(names) - 1)]: request
        for number, (kind, request) in enumerate(zip(said, made, strict=True))
    }


def _request(found: Any, kind: str) -> Any:
    if not isinstance(found, dict):
        return found
    named = {_snake(name): value for name, value in found.items()}
    if kind == "process":
        return _filled(named)
    shown = named.pop("type", None)
    display = str(named.pop("display_type", None) or shown or "").rstrip("s").replace("bar", "bars")
    if named.pop("stacked", False) and display in ("", "line"):
        display = "area"
    if display in DISPLAYS:
        named["display_type"] = display
    if named.pop("extra_col", None) == "present":
        named["show_present"] = True
    # Process queries, which may be in the requests of any graph.
    for name in ("query_type", "text_filter", "tag_filters", "metric"):
        if not named.get(name):
            named.pop(name, None)
    if named.get("limit") == 0:
        del named["limit"]
    kept = {name: value for name, value in named.items() if kind in ONLY_IN_REQUESTS.get(name, (kind,))}
    if isinstance(kept.get("metadata"), dict):
        kept["metadata"] = [
            {"expression": text, "alias_name": (said or {}).get("alias") or text}
            for text, said in kept["metadata"].items()
        ]
    if isinstance(kept.get("style"), dict):
        kept["style"] = _style(kept["style"], kind)
    if isinstance(kept.get("conditional_formats"), list):
        kept["conditional_formats"] = [
            _format(each) for each in kept["conditional_formats"] if _number(each.get("value")) is not None
        ]
    for name in ("log_query", "apm_query"):
        if isinstance(kept.get(name), dict):
            kept[name] = _search(kept[name])
    return _filled(kept)


def _style(found: Body, kind: str) -> Body:
    names = {"width": "line_width", "type": "line_type"} if kind == "timeseries" else {"width": "", "type": ""}
    return {new: value for name, value in found.items() if value and (new := names.get(name, name))}


def _format(found: Body) -> Body:
    names = {"color": "palette", "invert": ""}
    made = {new: value for name, value in found.items() if value != "" and (new := names.get(name, name))}
    return {**made, "value": _number(found["value"])}


def _search(found: Body) -> Body:
    made = {_snake(name): value for name, value in found.items()}
    compute = made.get("compute")
    if isinstance(compute, dict) and compute.get("interval") is not None:
        made["compute"] = {**compute, "interval": _whole(compute["interval"])}
    return made


def _marker(found: Any) -> Any:
    if not isinstance(found, dict):
        return found
    names = {"type": "display_type", "val": "", "min": "", "max": "", "dim": ""}
    return {new: value for name, value in found.items() if (new := names.get(name, name))}


def _axis(found: Body) -> Body:
    made = {_snake(name): value for name, value in found.items() if name not in ("units", "filter")}
    for name in ("min", "max"):
        if made.get(name) is not None:
            made[name] = _text(made[name])
    return _filled(made)


# ---------------------------------------------------------------------------------------------------- screenboards
def _widget(found: Body) -> Body:
    """Convert a widget of a screenboard to one of a dashboard."""
    # dog new_file sends a graph of a timeboard.
    if isinstance(found.get("definition"), dict):
        made = _graph(found)["definition"] if "type" not in found["definition"] else found["definition"]
        return {"definition": made, "layout": {**PLACE, **_layout(found.get("layout") or found)}}
    kind = str(found.get("type"))
    if isinstance(found.get("tile_def"), dict):
        made = {**_of_graph({"viz": kind, **_filled(found["tile_def"])}), **_legend(found, kind)}
    elif kind == "query_value":
        made = _of_graph({"viz": kind, **_filled(found), "requests": [{**found, "q": found.get("query")}]})
        made["requests"] = [_only(each, ("q", "aggregator", "conditional_formats")) for each in made["requests"]]
        made = _only(made, ("type", "autoscale", "custom_unit", "precision", "text_align", "requests"))
    else:
        made = {"type": kind, **_own(found, kind)}
    made.update(_heading(found, kind))
    time = found.get("time") or ({"live_span": found["timeframe"]} if found.get("timeframe") else {})
    if time and kind not in UNTITLED:
        made["time"] = time
    return {"definition": made, "layout": {**PLACE, **_layout(found)}}


def _only(found: Body, names: tuple[str, ...]) -> Body:
    return {name: value for name, value in found.items() if name in names}


def _layout(found: Mapping[str, Any]) -> Body:
    return {name: found[name] for name in PLACE if isinstance(found.get(name), (int, float))}


def _legend(found: Body, kind: str) -> Body:
    if kind not in ONLY["show_legend"] or not found.get("legend"):
        return {}
    size = found.get("legend_size")
    return {"show_legend": True, **({"legend_size": str(size)} if size else {})}


def _heading(found: Body, kind: str) -> Body:
    """Return the title and its format: ``title`` tells whether there is one, ``title_text`` is its text."""
    shown = found.get("title")
    text = found.get("title_text") or found.get("titleText") or (shown if isinstance(shown, str) else "")
    if kind in UNTITLED or shown is False or not text:
        return {}
    size = found.get("titleSize") or found.get("title_size")
    align = found.get("titleAlign") or found.get("title_align")
    parts = {"title": text, "title_size": str(size) if size else "", "title_align": align}
    return {name: value for name, value in parts.items() if value}


def _own(found: Body, kind: str) -> Body:
    if kind not in WIDGETS:
        place = {*PLACE, "type", "title", "title_text", "title_size", "title_align", "time", "timeframe"}
        return {name: value for name, value in _filled(found).items() if name not in place}
    source = dict(found)
    if kind == "manage_status":
        said = found.get("params") or {}
        source.update({"query": said.get("text") or found.get("query") or "", "sort": said.get("sort")})
    names = dict(each.partition("=")[::2] for each in WIDGETS[kind].split())
    made = {new or name: source[name] for name, new in names.items() if source.get(name) not in (None, "", [], {})}
    if "alert_id" in made:
        made["alert_id"] = str(made["alert_id"])
    for name in ("precision", "font_size"):
        if name in made:
            made[name] = _whole(made[name]) if name == "precision" else str(made[name])
    if isinstance(made.get("columns"), str):
        made["columns"] = json.loads(made["columns"])
    if kind == "manage_status":
        made.setdefault("query", "")
    # Placeholders for a text and an image.
    if kind in ("note", "free_text"):
        made.setdefault("content" if kind == "note" else "text", "")
    return {name: value for name, value in made.items() if value is not None}


# ---------------------------------------------------------------------------------------------------------- values
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: "_" + found[1].lower(), name)


def _filled(found: Mapping[str, Any]) -> Body:
    return {name: value for name, value in found.items() if value not in (None, "", {}, [])}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (OverflowError, TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    """Return a whole number; None for ``*`` and ``100%``, which mean all digits."""
    number = _number(value)
    return None if number is None else int(number)


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
