"""What a dashboard's widget shows: its definition and the stored points become a plain model for templates and charts.

Times are seconds since the epoch, in a chart's model milliseconds as the charts' library takes them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from ..query.evaluate import evaluate
from ..query.formulas import request_query
from ..query.lines import METHODS, RANKS, Line
from ..store import Store
from ..wire.bodies import Json

_USUAL = 3600
_UNITS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "mo": 30 * 86400, "y": 365 * 86400}
_NAMES = {"minute": "m", "hour": "h", "day": "d", "week": "w", "month": "mo", "year": "y"}
_SPAN = re.compile(r"(\d+)(mo|[mhdwy])")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Gaps longer than these seconds, and than some intervals, are left open.
_GAP = 300
_MOST_LINES = 100
_REDUCE = {**METHODS, **RANKS}
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class View:
    """For what a dashboard is drawn: the time now, the template variables, and the span that was asked for, if any."""

    store: Store
    now: float
    variables: Mapping[str, str]
    asked: tuple[int, int] | None = None

    def span(self, time: Any) -> tuple[int, int]:
        """(start, end) of a widget with this `time`: its own, unless the person has asked for another."""
        if self.asked:
            return self.asked
        time = time if isinstance(time, dict) else {}
        if time.get("type") == "fixed":
            return int(time["from"]), int(time["to"])
        text = time.get("live_span") or f"{time.get('value', 1)}{_NAMES.get(time.get('unit'), 'h')}"
        return live(text, self.now)


def number(value: float | None, precision: int = 2, scaled: bool = True) -> str:
    """A value for reading: 1234.5 is 1.23k, where it is `scaled`."""
    if value is None:
        return "-"
    size, unit = next((scale for scale in _SCALES if scaled and abs(value) >= scale[0]), (1, ""))
    text = f"{value / size:,.{precision}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + unit


def live(text: str, now: float) -> tuple[int, int]:
    """(start, end) of a span such as 5m that ends now; an hour where it is none."""
    found = _SPAN.fullmatch(text)
    return int(now) - (int(found[1]) * _UNITS[found[2]] if found else _USUAL), int(now)


def nested(widgets: list[Json]) -> Iterator[Json]:
    """Every widget, those inside of groups too."""
    for one in widgets:
        yield one
        yield from nested(one["definition"].get("widgets") or [])


def widget(definition: Json, view: View) -> Json:
    """The model of a widget: "kind" names what of it is drawn, "problem" says why nothing is.

    Definitions come from the API, which does not check all of them: what does not fit is a problem of one widget alone.
    """
    type_ = definition["type"]
    title, queries = definition.get("title") or "", list(_queries(definition))
    model: Json = {"type": type_, "title": title, "queries": queries}
    try:
        if type_ == "group":
            inside = [widget(one["definition"], view) for one in definition["widgets"]]
            return {**model, "kind": "group", "widgets": inside}
        if type_ in ("note", "free_text"):
            return {**model, "kind": "note", "text": str(definition.get("content", definition.get("text", "")))}
        if type_ not in _DRAWN:
            raise Refused(400, f"{type_} is not drawn by the stand-in Datadog")
        start, end = view.span(definition.get("time"))
        if start >= end:
            raise Refused(400, "the span of time is empty")
        return {**model, "start": start, "end": end, **_DRAWN[type_](definition, view, start, end)}
    except Refused as error:
        problem = "; ".join(map(str, error.errors))
    except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        problem = f"not the definition of a graph: {error!r}"
    return {**model, "kind": "none", "problem": problem}


def _queries(part: Any) -> Iterator[str]:
    """Every text under "q", "query" or "formula", however deep."""
    if isinstance(part, list):
        for item in part:
            yield from _queries(item)
    elif isinstance(part, dict):
        for name, item in part.items():
            if name in ("q", "query", "formula") and isinstance(item, str):
                yield item
            else:
                yield from _queries(item)


# ------------------------------------------------------------------------------------------------------------ lines
def _answers(definition: Json, view: View, start: int, end: int) -> Iterator[tuple[Json, str, list[Line]]]:
    """(request, alias of the formula, lines) for each formula of a widget."""
    requests = definition["requests"]
    if not requests:
        raise Refused(400, "the widget asks for nothing")
    for request in requests if isinstance(requests, list) else [requests]:
        formulas = request.get("formulas") or ()
        for index, lines in enumerate(evaluate(request_query(request, view.variables), view.store, start, end)):
            alias = formulas[index].get("alias") if index < len(formulas) else ""
            yield request, alias or "", lines


def label(line: Line, alias: str = "") -> str:
    """What a line is called: the formula's alias, its group, or what was asked."""
    group = ", ".join(line.group)
    return (f"{alias} ({group})" if alias and group else alias) or group or line.expression


def chart(
    lines: list[tuple[Line, str, str]], start: int, end: int, limits: Sequence[tuple[float, str]] = (), **axis: Any
) -> Json:
    """The model of a chart of (line, line|bars|area, name): what is drawn, and the same in figures for a table."""
    shown = [_line(*one) for one in lines[:_MOST_LINES]]
    drawn = {"lines": shown, "limits": limits, "start": start * 1000, "end": end * 1000, "axis": axis}
    rows = [
        {
            "name": name,
            "points": len(values),
            **{how: METHODS[how](values) for how in ("min", "avg", "max")},
            "last": line.points[max(line.points)],
            "odd": len(line.anomalous) if line.bounds else None,
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
        odd = sorted(line.anomalous)
        model["odd"] = {"x": [bucket * 1000 for bucket in odd], "y": [line.points[bucket] for bucket in odd]}
    return model


def _timeseries(definition: Json, view: View, start: int, end: int) -> Json:
    lines = [
        (line, request.get("display_type") or request.get("type") or "line", label(line, alias))
        for request, alias, answer in _answers(definition, view, start, end)
        for line in answer
    ]
    limits = [
        (float(value), str(marker.get("display_type", "")).split(" ")[0])
        for marker in definition.get("markers") or ()
        for value in _NUMBER.findall(str(marker["value"]))
    ]
    axis = {name: value for name, value in (definition.get("yaxis") or {}).items() if name in ("min", "max", "scale")}
    return chart(lines, start, end, limits, **axis)


# ----------------------------------------------------------------------------------------------------------- values
def _how(request: Json) -> str:
    queries = request.get("queries") or [{}]
    how = request.get("aggregator") or queries[0].get("aggregator") or "avg"
    if how not in _REDUCE:
        raise Refused(400, f"the aggregator {how} is not evaluated by the stand-in Datadog")
    return how


def _reduced(line: Line, how: str) -> float | None:
    values = [line.points[bucket] for bucket in sorted(line.points)]
    return float(_REDUCE[how](values)) if values else None


def _query_value(definition: Json, view: View, start: int, end: int) -> Json:
    request, _alias, lines = next(_answers(definition, view, start, end))
    how = _how(request)
    value = _reduced(lines[0], how) if lines else None
    precision, scaled = int(definition.get("precision", 2)), definition.get("autoscale", True)
    unit = str(definition.get("custom_unit") or "")
    shown = "no data" if value is None else number(value, precision, scaled)
    return {"kind": "value", "value": shown, "unit": unit, "how": how}


_DRAWN: dict[str, Callable[[Json, View, int, int], Json]] = {
    "timeseries": _timeseries,
    "query_value": _query_value,
}
