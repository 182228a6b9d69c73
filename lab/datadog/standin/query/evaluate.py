"""What a metric query says about stored points. Times are seconds since the epoch; a series has no value where
none was measured, rather than a null.

The order is Datadog's: each series is gathered into buckets of time, missing buckets are interpolated, the series of
a group become one, and only then are groups reckoned with each other.
Source: https://docs.datadoghq.com/metrics/#querying-metrics and https://docs.datadoghq.com/dashboards/functions/rollup/
"""

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from module_utils._query.metric import (
    Binary,
    Call,
    Expression,
    Modifier,
    Negative,
    Number,
    Query,
    Series,
    UnboundVariable,
)
from module_utils._query.scope import Tag

from ..errors import Refused
from ..store import Store
from ..store.points import EXACT, StoredSeries
from ..wire.bodies import TYPES
from ..wire.sketches import TYPE as DISTRIBUTION
from .functions import METHODS, Line, Points, Window, call

# Longest span of a query -> the interval that the API gives it (the table "Rollup interval, API").
_INTERVALS = ((3600, 20), (4 * 3600, 60), (86400, 300), (2 * 86400, 600), (7 * 86400, 3600))
_LONGEST_INTERVAL = 4 * 3600
# A series of an answer never has more points; a finer rollup gives way to the default one.
_MOST_POINTS = 1500
_LONGEST_ROLLUP = 366 * 86400
# Seconds over which Datadog interpolates.
_INTERPOLATED = 300
_Operation = Callable[[float, float], float]
_ARITHMETIC: dict[str, _Operation] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


@dataclass(frozen=True)
class _Plan:
    """How the series of one metric are gathered in time."""

    interval: int
    how: str
    fill: str
    fill_limit: int
    modifier: str  # "as_count", "as_rate" or ""


def default_interval(span: int) -> int:
    """Seconds between the points of an answer over `span` seconds."""
    return next((interval for longest, interval in _INTERVALS if span <= longest), _LONGEST_INTERVAL)


def evaluate(query: Query, store: Store, start: int, end: int) -> list[list[Line]]:
    """The lines of each expression of `query` over start <= time < end. Raises Refused(400)."""
    window = Window(start, end, default_interval(end - start))
    try:
        found = [_evaluate(store, expression, window) for expression in query.expressions]
    except UnboundVariable as error:
        raise Refused(400, str(error)) from None
    except OverflowError:
        raise Refused(400, "a value is out of range") from None
    answers = [answer for answer in found if not isinstance(answer, float)]
    if len(answers) < len(found):
        raise Refused(400, "a query needs at least one metric")
    return answers


def _evaluate(store: Store, node: Expression, window: Window) -> list[Line] | float:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Series):
        return _series(node, store, window)
    if isinstance(node, Negative):
        return combine(Binary("*", Number(-1.0), node.operand), -1.0, _evaluate(store, node.operand, window))
    if isinstance(node, Binary):
        return combine(node, _evaluate(store, node.left, window), _evaluate(store, node.right, window))
    if isinstance(node, Call):
        return call(node, window, functools.partial(_evaluate, store))
    raise Refused(400, f"{node} is not evaluated by the stand-in Datadog")


# ------------------------------------------------------------------------------------------------------- one metric
def _plan(modifiers: tuple[Modifier, ...], window: Window, kind: str) -> _Plan:
    """How a series of type `kind` is gathered: as_count() and as_rate() say nothing about gauges."""
    interval, how, fill, limit, counting = window.interval, "avg", "linear", _INTERPOLATED, ""
    for modifier in modifiers:
        numbers = [int(argument.value) for argument in modifier.arguments if isinstance(argument, Number)]
        words = [str(argument).strip("'\"") for argument in modifier.arguments if not isinstance(argument, Number)]
        if len(words) > 1 or len(numbers) > 1:
            raise Refused(400, f"{str(modifier)[1:]} is not evaluated by the stand-in Datadog")
        if modifier.name == "rollup":
            how = words[0] if words else how
            if how not in METHODS:
                raise Refused(400, f"rollup: unknown method {how}, expected one of {', '.join(METHODS)}")
            if numbers and not 1 <= numbers[0] <= _LONGEST_ROLLUP:
                raise Refused(400, f"rollup: the interval is a number of seconds from 1 to {_LONGEST_ROLLUP}")
            if numbers and (window.end - window.start) / numbers[0] <= _MOST_POINTS:
                interval = numbers[0]
        elif modifier.name == "fill":
            fill, limit = words[0] if words else "linear", numbers[0] if numbers else limit
            if fill not in ("linear", "last", "zero", "null"):
                raise Refused(400, f"fill: unknown method {fill}, expected one of linear, last, zero, null")
        elif modifier.name in ("as_count", "as_rate"):
            if kind != "gauge":
                counting, how, fill = modifier.name, "sum", "null"
        else:
            raise Refused(400, f"{modifier.name} is not evaluated by the stand-in Datadog")
    return _Plan(interval, how, fill, limit, counting)


def _series(node: Series, store: Store, window: Window) -> list[Line]:
    chosen = [series for series in store.series(node.metric) if node.scope.matches(series.tags)]
    groups: _Groups = {}
    for series in chosen:
        for group in _groups(series.tags, node.by):
            groups.setdefault(group, []).append(series)
    measured = _distributions if any(series.type == DISTRIBUTION for series in chosen) else _values
    interval, points_of = measured(node, store, window, groups)
    lines = []
    for group, points in points_of.items():
        if points:
            scope = _scope_text(node, group)
            expression = f"{f'{node.aggregator}:' if node.aggregator else ''}{node.metric}{{{scope}}}"
            lines.append(Line(node.metric, expression, scope, group, interval, points, node.aggregator))
    return lines


_Groups = dict[tuple[str, ...], list[StoredSeries]]
_Measured = tuple[int, dict[tuple[str, ...], Points]]


def _buckets(window: Window, interval: int) -> tuple[int, int]:
    """The first and the last one: only those that begin within the span, as the API answers."""
    return -(-window.start // interval) * interval, (window.end - 1) // interval * interval


def _values(node: Series, store: Store, window: Window, groups: _Groups) -> _Measured:
    """Interval and points by group: each series in buckets of time first, then those of a group together."""
    aggregator = node.aggregator or "avg"
    if groups and aggregator not in METHODS:
        raise Refused(400, f"{aggregator}:{node.metric}: percentiles exist for distributions only")
    plans = {kind: _plan(node.modifiers, window, kind) for kind in set(TYPES)}
    interval = plans["gauge"].interval
    first, last = _buckets(window, interval)
    gathered: dict[int, Points] = {}
    for kind, plan in plans.items():
        ids = {series.id for members in groups.values() for series in members if series.type == kind}
        gathered |= store.buckets(ids, first, window.end, interval, plan.how)
    fill_asked = any(modifier.name == "fill" for modifier in node.modifiers)
    found = {}
    for group, members in sorted(groups.items()):
        members = [series for series in members if series.id in gathered]
        columns = [_typed(series, gathered[series.id], plans[series.type]) for series in members]
        if len(columns) > 1 or fill_asked:
            columns = [
                _filled(column, first, last, plans[series.type])
                for column, series in zip(columns, members, strict=True)
            ]
        found[group] = {
            bucket: float(METHODS[aggregator]([column[bucket] for column in columns if bucket in column]))
            for bucket in sorted(set().union(*columns))
        }
    return interval, found


def _distributions(node: Series, store: Store, window: Window, groups: _Groups) -> _Measured:
    """The same of distributions, whose values are one over time and series alike; rollup says the interval only.

    Source: https://docs.datadoghq.com/metrics/distributions/
    """
    plan = _plan(node.modifiers, window, DISTRIBUTION)
    first, last = _buckets(window, plan.interval)
    found = {}
    for group, members in sorted(groups.items()):
        ids = [series.id for series in members if series.type == DISTRIBUTION]
        points = _statistic(store, ids, (first, window.end, plan.interval), node.aggregator or "avg")
        if plan.modifier == "as_rate":
            points = {bucket: value / plan.interval for bucket, value in points.items()}
        fill_asked = any(modifier.name == "fill" for modifier in node.modifiers)
        found[group] = dict(sorted(_filled(points, first, last, plan).items())) if fill_asked else points
    return plan.interval, found


def _statistic(store: Store, ids: list[int], over: tuple[int, int, int], how: str) -> Points:
    if how in EXACT:
        return store.distribution(ids, *over, how)
    if not how.startswith("p"):
        raise Refused(400, f"{how} of a distribution is not evaluated by the stand-in Datadog")
    return {bucket: found[how] for bucket, found in store.percentiles(ids, *over, (how,)).items()}


def _groups(tags: frozenset[str], keys: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """The groups of a series: one for each value of each key, N/A where it has none, () without keys."""
    return itertools.product(*([tag for tag in tags if tag.startswith(f"{key}:")] or [f"{key}:N/A"] for key in keys))


def _scope_text(node: Series, group: tuple[str, ...]) -> str:
    parts = ([] if group and node.scope == Tag("*") else [str(node.scope)]) + list(group)
    return ",".join(dict.fromkeys(parts))


def _typed(series: StoredSeries, column: Points, plan: _Plan) -> Points:
    """A column as as_count() or as_rate() turn it; other columns and gauges stay as they are."""
    seconds = series.interval or 1
    if plan.modifier == "as_count" and series.type == "rate":
        return {bucket: value * seconds for bucket, value in column.items()}
    if plan.modifier == "as_rate" and series.type == "count":
        return {bucket: value / plan.interval for bucket, value in column.items()}
    if plan.modifier == "as_rate" and series.type == "rate":
        return {bucket: value * seconds / plan.interval for bucket, value in column.items()}
    return column


def _filled(column: Points, first: int, last: int, plan: _Plan) -> Points:
    """A column with values in the empty buckets between first and last, as far as `plan` fills them."""
    if plan.fill == "null":
        return column
    if plan.fill == "zero":
        return {bucket: column.get(bucket, 0.0) for bucket in range(first, last + 1, plan.interval)}
    filled = dict(column)
    known = sorted(column)
    for left, right in itertools.pairwise([*known, last + plan.interval]):
        real = right in column
        for bucket in range(left + plan.interval, right, plan.interval):
            if plan.fill == "last" and bucket - left <= plan.fill_limit:
                filled[bucket] = column[left]
            elif plan.fill == "linear" and real and right - left <= plan.fill_limit:
                filled[bucket] = column[left] + (column[right] - column[left]) * (bucket - left) / (right - left)
    return filled


# ------------------------------------------------------------------------------------------------------- arithmetic
def combine(node: Binary, left: list[Line] | float, right: list[Line] | float) -> list[Line] | float:
    """`left` and `right` joined by the operator: groups meet their like, what is not grouped meets every group."""
    if isinstance(left, float):
        if not isinstance(right, float):
            return [_joined(node.operator, _constant(left, line), line, line) for line in right]
        if node.operator == "/" and right == 0:
            raise Refused(400, "division by zero")
        return _ARITHMETIC[node.operator](left, right)
    if isinstance(right, float):
        return [_joined(node.operator, line, _constant(right, line), line) for line in left]
    pairs = [(a, b) for a in left for b in right if set(a.group) == set(b.group) or not a.group or not b.group]
    return [_joined(node.operator, a, b, a if a.group else b) for a, b in pairs]


def _constant(value: float, like: Line) -> Line:
    text = str(Number(value))
    return Line(text, text, like.scope, (), like.interval, dict.fromkeys(like.points, value))


def _joined(symbol: str, left: Line, right: Line, group: Line) -> Line:
    reckon = _ARITHMETIC[symbol]
    points = {
        bucket: reckon(value, right.points[bucket])
        for bucket, value in left.points.items()
        if bucket in right.points and not (symbol == "/" and right.points[bucket] == 0)
    }
    if not all(map(math.isfinite, points.values())):
        raise OverflowError
    return Line(
        f"({left.name} {symbol} {right.name})",
        f"({left.expression} {symbol} {right.expression})",
        group.scope,
        group.group,
        max(left.interval, right.interval),
        points,
    )
