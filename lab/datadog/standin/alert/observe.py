"""Evaluate a monitor's condition for each of its groups at one moment. Pure, except that it reads the store.

Source: https://docs.datadoghq.com/monitors/types/metric/, .../service_check/ and .../anomaly/
"""

import functools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dateutil.relativedelta import relativedelta
from module_utils._query.metric import Binary, Call, Expression, Negative, Number, Query, Series
from module_utils._query.monitor import (
    METRIC_TYPES,
    CheckCondition,
    CompositeCondition,
    MetricCondition,
    parse_monitor,
    window_seconds,
)
from module_utils._query.scope import And, Scope, Tag, parse_scope

from ..clock import zone
from ..errors import Refused
from ..query.arithmetic import combine
from ..query.evaluate import evaluate
from ..query.events import joined_tag
from ..query.lines import METHODS, Line
from ..store import Store
from ..wire.bodies import CheckRun, Json

OK, WARN, ALERT, NO_DATA = "OK", "Warn", "Alert", "No Data"
# The state of a monitor that is not evaluated: one that clients of the API know.
SKIPPED = "Skipped"
# From the least to the most severe; all but OK can alert.
_SEVERITY = (OK, NO_DATA, WARN, ALERT)
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    **dict.fromkeys(("=", "=="), operator.eq),
    "!=": operator.ne,
}
# The conditions that the stand-in evaluates.
Asked = MetricCondition | CheckCondition | CompositeCondition
# The part of its window that may lack data at the start if a full window is required.
_START = 0.2
# The maximum number of runs that a service check monitor evaluates.
_MOST_RUNS = 100
# Seconds after which a service check without runs is missing, and the number of its own intervals if that is longer.
# Source: Datadog's API reference, monitors, options.no_data_timeframe: 2 minutes for service checks.
CHECK_MISSED = 120
_RUNS_MISSED = 3


@dataclass(frozen=True)
class Observation:
    """A group: `tags` are in the order of the query's keys, `last_data` is in seconds since the epoch, `value` is for
    the thresholds and `recovering` for the recovery thresholds, `runs` are the statuses of each host and set of tags
    that ran a check, newest first. `status` is that of a composite monitor, which has no thresholds.
    """

    tags: tuple[str, ...]
    last_data: float
    value: float | None = None
    recovering: float | None = None
    full: bool = True
    runs: tuple[tuple[int, ...], ...] = ()
    message: str = ""
    status: str = ""


@functools.lru_cache(maxsize=4096)
def condition(query: str, kind: str) -> Asked:
    """Return the condition of a monitor. Raises Refused(400) if the stand-in does not evaluate it."""
    try:
        found = parse_monitor(query, kind)
    except ValueError as error:
        raise Refused(400, f"its query: {error}") from None
    if not isinstance(found, (MetricCondition, CheckCondition, CompositeCondition)):
        what = "a query of formulas" if kind in METRIC_TYPES else f"the type {kind}"
        raise Refused(400, f"{what} is not evaluated here")
    return found


def grouped(asked: Asked) -> bool:
    """Whether a condition is evaluated for each group of tags, rather than once."""
    if isinstance(asked, MetricCondition):
        return any(series.by for series in _series(asked.expression))
    return isinstance(asked, CheckCondition) and bool(asked.by)


def scope_tags(asked: Asked) -> frozenset[str]:
    """Return the tags that everything in the scope of the condition has."""
    if isinstance(asked, CheckCondition):
        return frozenset(asked.over) - {"*"}
    series = _series(asked.expression) if isinstance(asked, MetricCondition) else ()
    found = [frozenset(_needed(one.scope)) for one in series]
    return frozenset.intersection(*found) if found else frozenset()


def _series(node: Any) -> Iterator[Series]:
    match node:
        case Series():
            yield node
        case Binary():
            yield from (*_series(node.left), *_series(node.right))
        case Negative():
            yield from _series(node.operand)
        case Call():
            yield from (series for part in node.arguments for series in _series(part))


def _needed(scope: Scope) -> Iterator[str]:
    for part in scope.operands if isinstance(scope, And) else (scope,):
        if isinstance(part, Tag) and "*" not in part.text:
            yield part.text


def observe(asked: MetricCondition | CheckCondition, options: Json, store: Store, now: int) -> list[Observation]:
    """Return the groups with data. Raises Refused(400) for what cannot be evaluated."""
    if isinstance(asked, CheckCondition):
        return _checks(asked, store)
    return _metric(asked, options, store, now - int(options.get("evaluation_delay") or 0))


# ------------------------------------------------------------------------------------------------------- composites
def joined(asked: CompositeCondition, statuses: Mapping[int | str, str]) -> str:
    """Return the status that follows from the statuses of other monitors.

    Source: https://docs.datadoghq.com/monitors/types/composite/#computing-trigger-conditions
    """
    found = [joined(one, statuses) if isinstance(one, CompositeCondition) else statuses[one] for one in asked.operands]
    if asked.operator == "!":
        return {OK: ALERT, NO_DATA: NO_DATA}.get(found[0], OK)
    return (max if asked.operator == "||" else min)(found, key=_SEVERITY.index)


# ---------------------------------------------------------------------------------------------------------- metrics
def _metric(asked: MetricCondition, options: Json, store: Store, now: int) -> list[Observation]:
    growing = not asked.window_text.startswith("last_")
    start = _begun(asked, options, now, store.retention) if growing else now - asked.window
    (lines,) = evaluate(Query((asked.expression,)), store, start, now)
    before: dict[tuple[str, ...], float] = {}
    if asked.change:
        (older,) = evaluate(Query((asked.expression,)), store, start - asked.change[1], now - asked.change[1])
        before = {line.group: _aggregate(asked, line) for line in older if line.points}
    totals = _totals(asked, store, start, now)
    found = []
    for line in lines:
        if not line.points or (asked.change and line.group not in before):
            continue
        value = recovering = totals.get(line.group) if totals is not None else _aggregate(asked, line)
        if asked.change and value is not None:
            value = recovering = _change(asked.change[0], before[line.group], value)
        if line.bounds:
            windows = options.get("threshold_windows") or {}
            trigger = _keyword(asked.expression, "alert_window") or windows.get("trigger_window") or asked.window_text
            value = _share(line, now - window_seconds(trigger))
            recovering = _share(line, now - window_seconds(windows.get("recovery_window") or trigger))
        if isinstance(asked.expression, Call) and asked.expression.name == "outliers":
            value = recovering = float(bool(line.anomalous))
        full = growing or min(line.points) <= start + max(asked.window * _START, line.interval)
        last_data = float(min(now, max(line.points) + line.interval))
        found.append(Observation(line.group, last_data, value, recovering, full))
    return [one for one in found if one.value is not None]


def _begun(asked: MetricCondition, options: Json, now: int, kept: int) -> int:
    """Return the start of a growing window, such as current_1d. Raises Refused(400).

    Source: https://docs.datadoghq.com/monitors/configuration/#evaluation-window, and the models of datadog-api-client
    """
    text, wish = asked.window_text, (options.get("scheduling_options") or {}).get("evaluation_window") or {}
    local = datetime.fromtimestamp(now, zone(str(wish.get("timezone") or "UTC"))).replace(second=0, microsecond=0)
    hour, _, minute = str(wish.get("day_starts") or "00:00").partition(":")
    if text == "current_1h":
        begun, step = local.replace(minute=int(wish.get("hour_starts") or 0)), relativedelta(hours=1)
    elif text == "current_1d":
        begun, step = local.replace(hour=int(hour), minute=int(minute or 0)), relativedelta(days=1)
    elif text == "current_1mo":
        first = local.replace(day=int(wish.get("month_starts") or 1), hour=int(hour), minute=int(minute or 0))
        begun, step = first, relativedelta(months=1)
    else:
        raise Refused(400, f"the window {text} is not evaluated here")
    start = int((begun if begun <= local else begun - step).timestamp())
    if start < now - kept:
        raise Refused(400, f"the window {text} began before the {kept // 3600} hours of points that the lab keeps")
    # Even in its first moment, the window is not empty.
    return min(start, now - 1)


def _totals(asked: MetricCondition, store: Store, start: int, now: int) -> dict[tuple[str, ...], float] | None:
    """Return the value of each group if metrics are summed over the window before they are combined, as for an error
    rate: under sum(), with arithmetic and as_count(). None for any other condition.

    Source: https://docs.datadoghq.com/monitors/guide/as-count-in-monitor-evaluations/
    """
    counted = any(part.name == "as_count" for series in _series(asked.expression) for part in series.modifiers)
    if asked.change or asked.aggregation != "sum" or not counted or not isinstance(asked.expression, Binary):
        return None

    def total(node: Expression) -> list[Line] | float:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Binary):
            return combine(node, total(node.left), total(node.right))
        (lines,) = evaluate(Query((node,)), store, start, now)
        return [replace(line, points={start: math.fsum(line.points.values())}) for line in lines if line.points]

    totals = total(asked.expression)
    return None if isinstance(totals, float) else {line.group: line.points[start] for line in totals if line.points}


def _aggregate(asked: MetricCondition, line: Line) -> float:
    values = [line.points[bucket] for bucket in sorted(line.points)]
    if asked.aggregation == "last":
        return values[-1]
    if asked.aggregation not in METHODS:
        raise Refused(400, f"{asked.aggregation} over a window is not evaluated here")
    return float(METHODS[asked.aggregation](values))


def _change(how: str, before: float, now: float) -> float | None:
    if how == "change":
        return now - before
    return (now - before) / abs(before) * 100 if before else None


def _share(line: Line, since: int) -> float | None:
    """Return the proportion of anomalous points since then, from 0 to 1."""
    recent = [bucket for bucket in line.points if bucket >= since]
    return sum(bucket in line.anomalous for bucket in recent) / len(recent) if recent else None


def _keyword(node: Expression, name: str) -> str | None:
    keywords = node.keywords if isinstance(node, Call) else ()
    return next((str(value.value) for key, value in keywords if key == name), None)


# ---------------------------------------------------------------------------------------------------- service checks
def _checks(asked: CheckCondition, store: Store) -> list[Observation]:
    groups: dict[tuple[str, ...], list[list[CheckRun]]] = {}
    for tags, runs in covered(store, asked.check, _MOST_RUNS, asked.over, asked.exclude):
        by = sorted(runs[0].tags) if asked.by == ("*",) else [joined_tag(key, tags) for key in asked.by]
        groups.setdefault(tuple(by), []).append(runs)
    return [_check(asked, group, streams) for group, streams in sorted(groups.items())]


def covered(
    store: Store, check: str, most: int, over: Iterable[str], exclude: Iterable[str] = ()
) -> Iterator[tuple[set[str], list[CheckRun]]]:
    """Yield (all tags, runs) of each host and set of tags that ran a check within a scope, the newest run first."""
    tags_of = {host.name: host.every_tag for host in store.hosts()}
    wanted, unwanted = ([parse_scope(text) for text in texts] for texts in (over, exclude))
    for runs in store.check_streams(check=check, most=most):
        host = runs[0].host
        tags = {*runs[0].tags, *tags_of.get(host, ()), *([f"host:{host}"] if host else [])}
        if all(one.matches(tags) for one in wanted) and not any(one.matches(tags) for one in unwanted):
            yield tags, runs


def _check(asked: CheckCondition, group: tuple[str, ...], streams: list[list[CheckRun]]) -> Observation:
    newest = max((runs[0] for runs in streams), key=lambda run: run.timestamp)
    seen = Observation(group, float(newest.timestamp), message=newest.message)
    # A series that has stopped, as of an instance that was removed, no longer counts in a group that reports.
    # If all series of a group have stopped, the monitor's options for missing data apply.
    reporting = [some for some in streams if seen.last_data - some[0].timestamp <= patience(some)]
    if asked.verdict.startswith("pct_by_status"):
        return replace(seen, value=100 * sum(some[0].status == 2 for some in reporting) / len(reporting))
    return replace(seen, runs=tuple(tuple(run.status for run in some[: asked.last]) for some in reporting))


def patience(runs: Sequence[CheckRun]) -> float:
    """Return the seconds after which runs, the newest first, are missing."""
    return max(CHECK_MISSED, _RUNS_MISSED * (runs[0].timestamp - runs[1].timestamp) if len(runs) > 1 else 0)


def stale(runs: Sequence[CheckRun], now: float) -> bool:
    """Whether runs of one host and set of tags, the newest first, are missed now."""
    return now - runs[0].timestamp > patience(runs)


# ------------------------------------------------------------------------------------------------------------ status
def status(asked: MetricCondition | CheckCondition, options: Json, seen: Observation, before: str) -> str:
    """Return OK, Warn or Alert, given the previous status: thresholds, recovery thresholds, consecutive runs."""
    thresholds = options.get("thresholds") or {}
    if seen.runs:
        return max((_runs_status(thresholds, runs, before) for runs in seen.runs), key=(OK, WARN, ALERT).index)
    symbol = asked.comparator if isinstance(asked, MetricCondition) else ">="
    critical = thresholds.get("critical", getattr(asked, "threshold", None))
    compare, value = COMPARE[symbol], seen.value or 0.0
    # No comparison is true for an unknown value.
    recovering = math.nan if seen.recovering is None else seen.recovering
    for level, limit, recovery in (
        (ALERT, critical, thresholds.get("critical_recovery")),
        (WARN, thresholds.get("warning"), thresholds.get("warning_recovery")),
    ):
        if limit is None:
            continue
        if compare(value, float(limit)):
            return level
        # The value must come back to the recovery threshold; being below the limit is not enough.
        still = operator.gt if symbol in (">", ">=") else operator.lt
        if before == level and recovery is not None and still(recovering, float(recovery)):
            return level
    return OK


def _runs_status(thresholds: Json, runs: tuple[int, ...], before: str) -> str:
    """Return the number of newest consecutive runs by status: 0 ok, 1 warning, 2 critical, 3 unknown."""
    for level, code, name in ((ALERT, 2, "critical"), (WARN, 1, "warning"), (OK, 0, "ok")):
        needed = int(thresholds.get(name) or 1)
        if len(runs) >= needed and set(runs[:needed]) == {code}:
            return level
    return before if before in (OK, WARN, ALERT) else OK
