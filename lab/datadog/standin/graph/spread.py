"""Widgets that show how values are distributed: distributions, and heat maps over time."""

import itertools
from collections.abc import Iterator

from module_utils._query.metric import Series

from ..errors import Refused
from ..query.evaluate import default_interval
from ..query.formulas import read
from ..query.lines import Window
from ..query.measure import histogram
from ..wire.bodies import Json
from .model import View, bound_query, how_of, reduced, request_lines, requests_of
from .units import of_query, shared

_BINS = 12
_COLUMNS = 60

Weighted = tuple[int, float, float]  # time, value, how many


def distribution(definition: Json, view: View, start: int, end: int) -> Json:
    """Count the lines, or the values of a distribution, in each range of values."""
    found = [(value, count) for request in requests_of(definition) for value, count in _each(request, view, start, end)]
    edges = _edges([value for value, _count in found])
    counts = [0.0] * (len(edges) - 1)
    for value, count in found:
        counts[_place(edges, value)] += count
    most = max(counts, default=0.0)
    ranges = _ranges(edges, definition, view)
    shown = zip(ranges, counts, strict=True)
    return {
        "kind": "bins",
        "bins": [{**one, "count": count, "share": count / most if most else 0.0} for one, count in shown],
    }


def _ranges(edges: list[float], definition: Json, view: View) -> list[Json]:
    unit = shared(of_query(bound_query(request, view.variables)) for request in requests_of(definition))
    return [
        {"low": low, "high": high, "from": unit.show(low), "to": unit.show(high)}
        for low, high in itertools.pairwise(edges)
    ]


def _each(request: Json, view: View, start: int, end: int) -> Iterator[tuple[float, float]]:
    sketched = _sketched(request, view, start, end)
    if sketched is not None:
        yield from ((value, count) for _time, value, count in sketched)
        return
    for _alias, lines in request_lines(request, view, start, end):
        for line in lines:
            if (value := reduced(line, how_of(request))) is not None:
                yield value, 1.0


def heat(definition: Json, view: View, start: int, end: int) -> Json:
    """Count the values in each range of values over time."""
    found: list[Weighted] = []
    for request in requests_of(definition):
        sketched = _sketched(request, view, start, end)
        found += sketched if sketched is not None else _points(request, view, start, end)
    edges = _edges([value for _time, value, _count in found])
    width = max(1, -(-(end - start) // _COLUMNS))
    starts = list(range(start, end, width))
    counts = [[0.0] * len(starts) for _row in edges[1:]]
    for time, value, count in found:
        counts[_place(edges, value)][min(len(starts) - 1, max(0, (time - start) // width))] += count
    most = max((count for row in counts for count in row), default=0.0)
    return {
        "kind": "heat",
        "starts": [one * 1000 for one in starts],
        "bins": _ranges(edges, definition, view),
        "cells": [[{"count": count, "share": count / most} if count else None for count in row] for row in counts],
    }


def _points(request: Json, view: View, start: int, end: int) -> list[Weighted]:
    answered = request_lines(request, view, start, end)
    return [(at, value, 1.0) for _alias, lines in answered for line in lines for at, value in line.points.items()]


def _sketched(request: Json, view: View, start: int, end: int) -> list[Weighted] | None:
    """Return the values of distributions for histogram:METRIC; None for other requests."""
    text = bound_query(request, view.variables)
    if not text.lstrip().startswith("histogram:"):
        return None
    (node, *others) = read(text).expressions
    if others or not isinstance(node, Series):
        raise Refused(400, "histogram: is evaluated here for one metric only")
    return histogram(node, view.store, Window(start, end, default_interval(end - start)))


def _edges(values: list[float]) -> list[float]:
    """Return the limits of equal ranges that contain all values; nothing if there are none."""
    if not values:
        return [0.0]
    low, high = min(values), max(values)
    if not low < high:
        return [low, high]
    step = high / _BINS - low / _BINS
    return [low + step * place for place in range(_BINS)] + [high]


def _place(edges: list[float], value: float) -> int:
    step = (edges[-1] - edges[0]) / (len(edges) - 1)
    return min(len(edges) - 2, max(0, int((value - edges[0]) / step))) if step > 0 else 0
