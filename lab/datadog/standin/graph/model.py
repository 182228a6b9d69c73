"""Turn the definition of a dashboard's widget and the stored points into a plain model for templates and charts.

A model has a `kind`, which determines its other fields and how it is drawn:
    chart    chart (lines, limits, start, end, axis), rows (the same as numbers), left_out (lines beyond the maximum)
    value    value, unit, how, and the state of a monitor
    table    columns (texts), rows of cells (text, number, proportion of the maximum, state or address), left_out, note
    parts    a table, its total, and the same as shapes (box, or path and level; name, share, colour)
    scatter  a table, and the same as dots (x and y from 0 to 1, name), limits of the axes
    bins     bins (low, high, the same as from and to, count, proportion of the maximum): a histogram
    heat     starts of the columns, bins of the rows, cells (a count and its share, or None), left to right, upwards
    tiles    groups of tiles (name, text, number, shade from 0 to 5, address), low and high
    events   events, newest first, and their number
    note, address (an image or page elsewhere), group (widgets), none (problem: why nothing is drawn)
Times are seconds since the epoch; in the model of a chart they are milliseconds, as the chart library expects.
"""

import functools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from ..query.evaluate import evaluate
from ..query.events import Counted, counted
from ..query.formulas import bound, request_query
from ..query.lines import METHODS, RANKS, Line
from ..store import Store
from ..store.documents import Documents
from ..wire.bodies import Json
from .units import PLAIN, UNSCALED, Unit, of_query, shared

_USUAL = 3600
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "mo": 30 * 86400, "y": 365 * 86400}
_NAMES = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y"}
_SPAN = re.compile(r"(\d+)(mo|[mhdwy])")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Gaps that are longer than these seconds, and than some intervals, are not bridged.
_GAP = 300
_MOST_LINES = 100
_REDUCE = {**METHODS, **RANKS}
_MOST_DIGITS = 10


@dataclass(frozen=True)
class View:
    """The context of drawing a dashboard: current time, template variables, and the requested time range, if any."""

    store: Store
    now: float
    variables: Mapping[str, str]
    asked: tuple[int, int] | None = None

    @functools.cached_property
    def documents(self) -> Documents:
        return Documents(self.store)

    @functools.cached_property
    def events(self) -> list[Json]:
        return self.documents.all("event")

    def read_events(self, query: Json) -> Counted:
        """Return the source for a query of events. Raises Refused(400)."""
        search = query.get("search") or {}
        text = search.get("query", "") if isinstance(search, dict) else search
        return counted(query, self.events, bound(str(text), self.variables))

    def span(self, time: Any) -> tuple[int, int]:
        """Return (start, end) of a widget with this `time`: its own, unless the viewer has chosen another."""
        if self.asked:
            return self.asked
        time = time if isinstance(time, dict) else {}
        if time.get("type") == "fixed":
            return int(time["from"]), int(time["to"])
        text = time.get("live_span") or f"{time.get('value', 1)}{_NAMES.get(time.get('unit'), 'h')}"
        return live(text, self.now)


def live(text: str, now: float) -> tuple[int, int]:
    """Return (start, end) of a range such as 5m that ends now; an hour if it is invalid."""
    found = _SPAN.fullmatch(text)
    return int(now) - (int(found[1]) * _UNITS[found[2]] if found else _USUAL), int(now)


def nested(widgets: list[Json]) -> Iterator[Json]:
    """Yield all widgets, including those in groups."""
    for one in widgets:
        yield one
        inner = one["definition"].get("widgets")
        yield from nested(inner if isinstance(inner, list) else [])


def mappings(part: Any) -> Iterator[Json]:
    """Yield all mappings in a definition, at any depth."""
    if isinstance(part, dict):
        yield part
    for item in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from mappings(item)


# ------------------------------------------------------------------------------------------------------------ lines
# Queries of other data sources in the old format of requests, by field.
_OLD_QUERIES = ("apm", "apm_stats", "audit", "log", "network", "process", "profile_metrics", "rum", "security")


def request_lines(request: Json, view: View, start: int, end: int) -> Iterator[tuple[str, list[Line]]]:
    """Return (alias of the formula, lines) for each formula of a request. Raises Refused(400)."""
    asked = _with_queries(request)
    formulas = asked.get("formulas") or ()
    query = request_query(asked, view.variables, {"events": view.read_events})
    for index, lines in enumerate(evaluate(query, view.store, start, end)):
        yield (formulas[index].get("alias") if index < len(formulas) else "") or "", lines


def _with_queries(request: Json) -> Json:
    """Return a request in the current format. Raises Refused(400) for an unsupported data source."""
    other = next((name for name in _OLD_QUERIES if f"{name}_query" in request), None)
    if other:
        raise Refused(400, f"the data source {other} is not evaluated here")
    if isinstance(request.get("query"), dict):
        return {**request, "queries": [request["query"]]}
    if isinstance(request.get("event_query"), dict):
        return {**request, "queries": [{"data_source": "events", **request["event_query"]}]}
    return request


def bound_query(request: Json, variables: Mapping[str, str]) -> str:
    """Return the query of a request with template variables replaced; "" if it has several."""
    asked = _with_queries(request)
    queries = list(asked.get("queries") or [])
    text = asked.get("q") if "q" in asked else queries[0].get("query") if len(queries) == 1 else ""
    return bound(text, variables) if isinstance(text, str) else ""


def requests_of(definition: Json) -> list[Json]:
    """Return the requests of a widget, at least one. Raises Refused(400)."""
    requests = definition["requests"]
    if not requests:
        raise Refused(400, "the widget asks for nothing")
    return requests if isinstance(requests, list) else [requests]


def answers(definition: Json, view: View, start: int, end: int) -> Iterator[tuple[Json, str, list[Line]]]:
    """Yield (request, alias of the formula, lines) for each formula of a widget."""
    for request in requests_of(definition):
        for alias, lines in request_lines(request, view, start, end):
            yield request, alias, lines


def label(line: Line, alias: str = "") -> str:
    """Return the name of a line: the formula's alias, its group, or the query."""
    group = ", ".join(line.group)
    return (f"{alias} ({group})" if alias and group else alias) or group or line.expression


def chart(
    lines: list[tuple[Line, str, str]],
    start: int,
    end: int,
    limits: Sequence[tuple[float, str]] = (),
    unit: Unit | None = None,
    **axis: Any,
) -> Json:
    """Return the model of a chart of (line, line|bars|area, name): the chart, and the same numbers for a table."""
    shown = [_line(*one) for one in lines[:_MOST_LINES]]
    unit = unit or shared(of_query(line.expression) for line in {line.name: line for line, *_ in lines}.values())
    span = {"start": start * 1000, "end": end * 1000}
    drawn = {"lines": shown, "limits": limits, **span, "axis": axis, "unit": {"steps": unit.steps, "name": unit.name}}
    rows = [
        {
            "name": name,
            "points": len(values),
            **{how: unit.show(METHODS[how](values)) for how in ("min", "avg", "max")},
            "last": unit.show(line.points[max(line.points)]),
            "odd": len(line.anomalous) if line.bounds or line.anomalous else None,
        }
        for line, _style, name in lines[:_MOST_LINES]
        if (values := list(line.points.values()))
    ]
    return {"kind": "chart", "chart": drawn, "rows": rows, "left_out": max(0, len(lines) - _MOST_LINES)}


def _line(line: Line, style: str, name: str) -> Json:
    x: list[int] = []
    y: list[float | None] = []
    for bucket in sorted(line.points):
        if x and style != "bars" and bucket * 1000 - x[-1] > 1000 * max(_GAP, 3 * line.interval):
            x.append(x[-1] + 1000)
            y.append(None)
        x.append(bucket * 1000)
        y.append(line.points[bucket])
    model: Json = {"name": name, "style": style, "x": x, "y": y, "interval": line.interval * 1000}
    if line.bounds:
        lower, upper = line.bounds
        known = sorted(lower)
        model["band"] = {
            "x": [bucket * 1000 for bucket in known],
            "lower": [lower[bucket] for bucket in known],
            "upper": [upper[bucket] for bucket in known],
        }
    if line.bounds or line.anomalous:
        odd = sorted(line.anomalous)
        model["odd"] = {"x": [bucket * 1000 for bucket in odd], "y": [line.points[bucket] for bucket in odd]}
    return model


def timeseries(definition: Json, view: View, start: int, end: int) -> Json:
    lines = [
        (line, request.get("display_type") or request.get("type") or "line", label(line, alias))
        for request, alias, answer in answers(definition, view, start, end)
        for line in answer
    ]
    limits = [
        (float(value), str(marker.get("display_type", "")).split(" ")[0])
        for marker in definition.get("markers") or ()
        for value in _NUMBER.findall(str(marker["value"]))
        if math.isfinite(float(value))
    ]
    axis = {name: value for name, value in (definition.get("yaxis") or {}).items() if name in ("min", "max", "scale")}
    return chart(lines, start, end, limits, **axis)


# ----------------------------------------------------------------------------------------------------------- values
def how_of(request: Json) -> str:
    """Return how a request reduces a line to one value; for events, their sum. Raises Refused(400)."""
    first = (request.get("queries") or [{}])[0]
    how = request.get("aggregator") or first.get("aggregator")
    how = how or ("sum" if first.get("data_source") == "events" or "event_query" in request else "avg")
    if how not in _REDUCE:
        raise Refused(400, f"the aggregator {how} is not evaluated here")
    return str(how)


def reduced(line: Line, how: str) -> float | None:
    """Return a line reduced to one value; None if it has no points."""
    values = [line.points[bucket] for bucket in sorted(line.points)]
    return float(_REDUCE[how](values)) if values else None


def query_value(definition: Json, view: View, start: int, end: int) -> Json:
    found = next(answers(definition, view, start, end), None)
    if found is None:
        raise Refused(400, "the widget asks for nothing")
    request, _alias, lines = found
    how = how_of(request)
    value = reduced(lines[0], how) if lines else None
    precision = max(0, min(_MOST_DIGITS, int(definition.get("precision", 2))))
    custom = str(definition.get("custom_unit") or "")
    scaled = PLAIN if custom or not lines else of_query(lines[0].expression)
    unit = scaled if definition.get("autoscale", True) else UNSCALED
    shown = "no data" if value is None else unit.show(value, precision)
    return {"kind": "value", "value": shown, "unit": custom, "how": how}
