"""Which function turns the definition of a widget into a model, see model.py."""

from collections.abc import Callable

from ..errors import Refused
from ..wire.bodies import Json
from . import spread, states, tables
from .model import View, mappings, query_value, timeseries

_DRAWN: dict[str, Callable[[Json, View, int, int], Json]] = {
    "timeseries": timeseries,
    "query_value": query_value,
    **dict.fromkeys(("toplist", "query_table", "geomap"), tables.values),
    "treemap": tables.tree,
    "sunburst": tables.rings,
    "change": tables.change,
    "scatterplot": tables.scatter,
    "hostmap": tables.hosts,
    "distribution": spread.distribution,
    "heatmap": spread.heat,
    **dict.fromkeys(("manage_status", "monitor_summary"), states.monitors),
    "alert_graph": states.monitor_graph,
    "alert_value": states.monitor_value,
    "check_status": states.check_status,
    "trace_service": states.service,
    "event_stream": states.events,
    "event_timeline": states.timeline,
    "list_stream": states.stream,
}


# Datadog does not allow nested groups; up to this depth they are drawn anyway.
_DEEPEST = 4
# The maximum length of a time range, and its latest end.
_LONGEST, _LATEST = 10 * 366 * 86400, 2**32
# Fields of a definition, at any depth, that contain a query.
_QUERIES = ("q", "query", "formula")


def widget(definition: Json, view: View, depth: int = 0) -> Json:
    """Return the model of a widget: "kind" is what is drawn, "problem" is why nothing is.

    The API does not validate everything in a definition: an invalid one is only a problem of this widget.
    """
    type_ = str(definition.get("type"))
    model: Json = {"type": type_, "title": str(definition.get("title") or ""), "queries": []}
    try:
        if type_ == "group":
            if depth > _DEEPEST:
                raise Refused(400, "it is a group in too many groups")
            inside = [widget(one["definition"], view, depth + 1) for one in definition["widgets"]]
            return {**model, "kind": "group", "widgets": inside}
        named = (item for part in mappings(definition) for item in part.items() if item[0] in _QUERIES)
        model["queries"] = [text for _name, text in named if isinstance(text, str)]
        if type_ in ("note", "free_text"):
            return {**model, "kind": "note", "text": str(definition.get("content", definition.get("text", "")))}
        if type_ in ("image", "iframe"):
            return {**model, "kind": "address", "address": str(definition["url"])}
        if type_ not in _DRAWN:
            raise Refused(400, f"the lab does not draw the type {type_}")
        start, end = view.span(definition.get("time"))
        if start >= end:
            raise Refused(400, "the span of time is empty")
        if start < 0 or end > _LATEST or end - start > _LONGEST:
            raise Refused(400, "the span of time is too long, or too far away")
        return {**model, "start": start, "end": end, **_DRAWN[type_](definition, view, start, end)}
    except Refused as error:
        problem = "; ".join(map(str, error.errors))
    except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        problem = f"not the definition of a graph: {error!r}"
    return {**model, "kind": "none", "problem": problem}
