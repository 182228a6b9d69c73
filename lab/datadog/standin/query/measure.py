"""Evaluate one metric of a query over stored points, in the order and from the sources that evaluate.py names."""

import itertools
import statistics
from collections.abc import Iterable
from dataclasses import replace

from module_utils._query.metric import Series
from module_utils._query.scope import Tag

from ..errors import Refused
from ..store import Store
from ..store.points import EXACT, StoredSeries
from ..wire.bodies import TYPES
from ..wire.sketches import TYPE as DISTRIBUTION
from .lines import METHODS, Line, Points, Window
from .plan import Plan, plan

# Default seconds between the points of a gauge, as from DogStatsD.
_SUBMITTED = 10


def series(node: Series, store: Store, window: Window) -> list[Line]:
    """Return the lines of a metric, one for each group. Raises Refused(400)."""
    chosen = [one for one in store.series(node.metric) if node.scope.matches(one.tags)]
    groups: _Groups = {}
    for one in chosen:
        for group in _groups(one.tags, node.by):
            groups.setdefault(group, []).append(one)
    measured = _distributions if any(one.type == DISTRIBUTION for one in chosen) else _values
    made, points_of = measured(node, store, window, groups)
    gauges = made.fill == "linear" and all(one.type == "gauge" for one in chosen)
    lines = []
    for group, points in points_of.items():
        if points:
            scope = _scope_text(node, group)
            expression = f"{f'{node.aggregator}:' if node.aggregator else ''}{node.metric}{{{scope}}}"
            line = Line(node.metric, expression, scope, group, made.interval, points, node.aggregator)
            lines.append(replace(line, starts=made.periods[:-1], reach=made.fill_limit if gauges else 0))
    return lines


_Groups = dict[tuple[str, ...], list[StoredSeries]]
_Measured = tuple[Plan, dict[tuple[str, ...], Points]]


def _buckets(window: Window, interval: int) -> tuple[int, int]:
    """Return the first and the last bucket: only those that start within the range, as in the API."""
    return -(-window.start // interval) * interval, (window.end - 1) // interval * interval


def _values(node: Series, store: Store, window: Window, groups: _Groups) -> _Measured:
    """Return the plan, and points by group: aggregated first by time for each series, then by group."""
    aggregator = node.aggregator or "avg"
    reckon = {**METHODS, "stddev": statistics.pstdev}.get(aggregator)
    if reckon is None:
        if groups:
            raise Refused(400, f"{aggregator}:{node.metric}: percentiles exist for distributions only")
        reckon = METHODS["avg"]
    plans = {kind: plan(node.modifiers, window, kind) for kind in set(TYPES)}
    first, last = _buckets(window, plans["gauge"].interval)
    gathered: dict[int, Points] = {}
    for kind, made in plans.items():
        ids = {series.id for members in groups.values() for series in members if series.type == kind}
        for start, end, interval in made.spans(first, window.end):
            for id_, column in store.buckets(ids, start, end, interval, made.how).items():
                gathered.setdefault(id_, {}).update({bucket or start: value for bucket, value in column.items()})
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
            bucket: float(reckon([column[bucket] for column in columns if bucket in column]))
            for bucket in sorted(set().union(*columns))
        }
    return plans["gauge"], found


def _distributions(node: Series, store: Store, window: Window, groups: _Groups) -> _Measured:
    """Do the same for distributions, which are aggregated over time and series at once; rollup only sets the interval.

    Source: https://docs.datadoghq.com/metrics/distributions/
    """
    made = plan(node.modifiers, window, DISTRIBUTION)
    first, last = _buckets(window, made.interval)
    found = {}
    for group, members in sorted(groups.items()):
        ids = [series.id for series in members if series.type == DISTRIBUTION]
        points: Points = {}
        for start, end, interval in made.spans(first, window.end):
            counted = _statistic(store, ids, (start, end, interval), node.aggregator or "avg")
            points |= {bucket or start: value for bucket, value in counted.items()}
        if made.modifier == "as_rate":
            points = {bucket: value / made.interval for bucket, value in points.items()}
        fill_asked = any(modifier.name == "fill" for modifier in node.modifiers)
        found[group] = dict(sorted(_filled(points, first, last, made).items())) if fill_asked else points
    return made, found


def _statistic(store: Store, ids: list[int], over: tuple[int, int, int], how: str) -> Points:
    if how in EXACT:
        return store.distribution(ids, *over, how)
    if not how.startswith("p"):
        raise Refused(400, f"{how} of a distribution is not evaluated here")
    return {bucket: found[how] for bucket, found in store.percentiles(ids, *over, (how,)).items()}


def histogram(node: Series, store: Store, window: Window) -> list[tuple[int, float, float]]:
    """Return (start of bucket, value, count) of all values of a distribution. Raises Refused(400)."""
    chosen = [one for one in store.series(node.metric) if node.scope.matches(one.tags)]
    if chosen and not any(one.type == DISTRIBUTION for one in chosen):
        raise Refused(400, f"histogram:{node.metric}: only distributions have one")
    made = plan(node.modifiers, window, DISTRIBUTION)
    first, _last = _buckets(window, made.interval)
    found = store.sketched((one.id for one in chosen), first, window.end, made.interval)
    return [(bucket, value, count) for bucket, counted in found.items() for value, count in counted]


def _groups(tags: frozenset[str], keys: tuple[str, ...]) -> Iterable[tuple[str, ...]]:
    """Return the groups of a series: one for each value of each key, N/A if it has none, () without keys."""
    return itertools.product(*([tag for tag in tags if tag.startswith(f"{key}:")] or [f"{key}:N/A"] for key in keys))


def _scope_text(node: Series, group: tuple[str, ...]) -> str:
    parts = ([] if group and node.scope == Tag("*") else [str(node.scope)]) + list(group)
    return ",".join(dict.fromkeys(parts))


def _typed(series: StoredSeries, column: Points, made: Plan) -> Points:
    """Apply as_count(), as_rate() or weighted() to a column; others stay unchanged."""
    if made.modifier == "weighted" and series.type == "gauge":
        # The proportion of the bucket in which it existed, see docs.datadoghq.com/dashboards/guide/how-weighted-works/.
        seconds = series.interval or _SUBMITTED
        return {bucket: value * seconds / made.interval for bucket, value in column.items()}
    seconds = series.interval or 1
    if made.modifier == "as_count" and series.type == "rate":
        return {bucket: value * seconds for bucket, value in column.items()}
    if made.modifier == "as_rate" and series.type == "count":
        return {bucket: value / made.interval for bucket, value in column.items()}
    if made.modifier == "as_rate" and series.type == "rate":
        return {bucket: value * seconds / made.interval for bucket, value in column.items()}
    return column


def _filled(column: Points, first: int, last: int, made: Plan) -> Points:
    """Fill the empty buckets between the first and the last of a column, as far as `made` does."""
    if made.fill == "null":
        return column
    if made.fill not in ("linear", "last"):
        value = 0.0 if made.fill == "zero" else float(made.fill)
        return {bucket: column.get(bucket, value) for bucket in range(first, last + 1, made.interval)}
    filled = dict(column)
    known = sorted(column)
    for left, right in itertools.pairwise([*known, last + made.interval]):
        real = right in column
        for bucket in range(left + made.interval, right, made.interval):
            if made.fill == "last" and bucket - left <= made.fill_limit:
                filled[bucket] = column[left]
            elif made.fill == "linear" and real and right - left <= made.fill_limit:
                filled[bucket] = column[left] + (column[right] - column[left]) * (bucket - left) / (right - left)
    return filled
