"""The functions of metric queries: what each makes of lines. Pure; times are seconds since the epoch.

A function that is not in the table here is refused by its name, and so is an argument that is not understood.
Source: https://docs.datadoghq.com/dashboards/functions/
"""

import bisect
import functools
import itertools
import math
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from module_utils._query.metric import Call, Expression, Modifier, Negative, Number, Series, String

from ..errors import Refused

Points = dict[int, float]

# The methods of time and of space aggregation.
METHODS: dict[str, Callable[[list[float]], float]] = {
    "avg": statistics.fmean,
    "sum": math.fsum,
    "min": min,
    "max": max,
    "count": len,
}
# How anomalies() judges a point: by those before it, over at least this many seconds and at least so many points.
_HISTORY = 4 * 3600
_ENOUGH = 5
# Where a normal distribution has its standard deviations; the band is quantiles, that spikes do not widen.
_LOW, _HIGH = 0.1587, 0.8413
# What makes one number of a line, in top() and in widgets.
RANKS: dict[str, Callable[[list[float]], float]] = {
    "mean": statistics.fmean,
    "sum": math.fsum,
    "min": min,
    "max": max,
    "last": lambda values: values[-1],
    "area": math.fsum,
    **dict.fromkeys(("l2norm", "norm"), lambda values: math.hypot(*values)),
}


@dataclass
class Line:
    """One series of an answer: `group` is its tags by the keys of `by`, `name` what it measures without any scope.

    `bounds` are the lower and the upper one where anomalies() drew them; `anomalous` tells which points it minds.
    """

    name: str
    expression: str
    scope: str
    group: tuple[str, ...]
    interval: int
    points: Points
    aggregator: str | None = None
    bounds: tuple[Points, Points] | None = None
    anomalous: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Window:
    """What is asked for: start <= time < end, and the seconds between points where the query says nothing of them."""

    start: int
    end: int
    interval: int

    def buckets(self, interval: int) -> range:
        return range(-(-self.start // interval) * interval, self.end, interval)

    def cut(self, points: Points) -> Points:
        """Those of `points` that lie within the window."""
        return {bucket: value for bucket, value in points.items() if self.start <= bucket < self.end}


Evaluate = Callable[[Expression, Window], "list[Line] | float"]
Function = Callable[[Call, Window, Evaluate], list[Line]]


def call(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """The lines that the function `node` gives over `window`. Raises Refused(400)."""
    if node.name not in FUNCTIONS:
        raise Refused(400, f"function {node.name} is not evaluated by the stand-in Datadog")
    if node.keywords and node.name != "anomalies":
        raise Refused(400, f"{node.name}: {node.keywords[0][0]}= is not evaluated by the stand-in Datadog")
    return FUNCTIONS[node.name](node, window, evaluate)


def _lines(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    first = node.arguments[0] if node.arguments else None
    lines = evaluate(first, window) if isinstance(first, Expression) else 0.0
    if isinstance(lines, float):
        raise Refused(400, f"{node.name}: the first argument has to be a query of a metric")
    return lines


def _given(node: Call) -> Iterator[float | str]:
    for argument in node.arguments[1:]:
        if isinstance(argument, Negative) and isinstance(argument.operand, Number):
            yield -argument.operand.value
        elif isinstance(argument, (Number, String)):
            yield argument.value
        else:
            raise Refused(400, f"{node.name}: {argument} is neither a number nor a text")


def _arguments(node: Call, *kinds: type, defaults: tuple[Any, ...] = ()) -> list[Any]:
    """What follows the query in a call: of `kinds`, numbers as float, the last ones by default. Raises Refused(400)."""
    found: list[Any] = list(_given(node))
    missing = len(kinds) - len(found)
    if not 0 <= missing <= len(defaults) or not all(map(isinstance, found, kinds)):
        names = ", ".join("a number" if kind is float else "a text" for kind in kinds)
        raise Refused(400, f"{node.name}: expected a query{' and ' if kinds else ''}{names}")
    return found + list(defaults[len(defaults) - missing :])


def _one_of(node: Call, value: str, known: Iterable[str]) -> str:
    if value not in known:
        raise Refused(400, f"{node.name}: unknown {value!r}, expected one of {', '.join(known)}")
    return value


def _changed(node: Call, line: Line, points: Points) -> Line:
    """`line` with what the function made of it, and named after it."""
    if not all(map(math.isfinite, points.values())):
        raise OverflowError
    rest = "".join(f", {argument}" for argument in node.arguments[1:])
    return Line(
        f"{node.name}({line.name}{rest})",
        f"{node.name}({line.expression}{rest})",
        line.scope,
        line.group,
        line.interval,
        points,
    )


# -------------------------------------------------------------------------------------------- each line for itself
def _abs(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    _arguments(node)
    lines = _lines(node, window, evaluate)
    return [_changed(node, line, {bucket: abs(value) for bucket, value in line.points.items()}) for line in lines]


def _rate(node: Call, window: Window, evaluate: Evaluate, seconds: int) -> list[Line]:
    """The change since the point before, by so many seconds; the first point has none."""
    _arguments(node)
    found = []
    for line in _lines(node, window, evaluate):
        pairs = itertools.pairwise(sorted(line.points.items()))
        points = {bucket: (value - old) / (bucket - before) * seconds for (before, old), (bucket, value) in pairs}
        found.append(_changed(node, line, points))
    return found


# --------------------------------------------------------------------------------------------------------- all lines
def _default_zero(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    _arguments(node)
    lines = _lines(node, window, evaluate)
    inner = node.arguments[0]
    if not lines and isinstance(inner, Series) and not inner.by:
        lines = [Line(inner.metric, str(inner), str(inner.scope), (), window.interval, {})]
    return [
        _changed(node, line, {bucket: line.points.get(bucket, 0.0) for bucket in window.buckets(line.interval)})
        for line in lines
    ]


def _exclude_null(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    _arguments(node)
    return [line for line in _lines(node, window, evaluate) if not any(tag.endswith(":N/A") for tag in line.group)]


def _top(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """top() and bottom()."""
    usual = "desc" if node.name == "top" else "asc"
    count, by, order = _arguments(node, float, str, str, defaults=("mean", usual))
    if not 1 <= count <= 1000:
        raise Refused(400, f"{node.name}: the number of lines is from 1 to 1000")
    reckon = RANKS[_one_of(node, by, RANKS)]
    lines = [line for line in _lines(node, window, evaluate) if line.points]
    lines.sort(
        key=lambda line: reckon([line.points[bucket] for bucket in sorted(line.points)]),
        reverse=_one_of(node, order, ("asc", "desc")) == "desc",
    )
    return lines[: int(count)]


# ------------------------------------------------------------------------------------------------------- other times
def _shifted(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """Lines of a window that lies so many seconds later (earlier, where negative), drawn over this one."""
    seconds = int(_arguments(node, float)[0])
    there = Window(window.start + seconds, window.end + seconds, window.interval)
    found = []
    for line in _lines(node, there, evaluate):
        # Buckets stay multiples of the interval, so that the present can be reckoned with the past.
        points = {(b - seconds) // line.interval * line.interval: value for b, value in line.points.items()}
        found.append(_changed(node, line, window.cut(points)))
    return found


def _moving_rollup(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    seconds, how = _arguments(node, float, str, defaults=("avg",))
    method = METHODS[_one_of(node, how, METHODS)]
    if not 1 <= seconds <= 86400:
        raise Refused(400, f"{node.name}: the interval is a number of seconds from 1 to 86400")
    longer = replace(window, start=window.start - int(seconds))
    found = []
    for line in _lines(node, longer, evaluate):
        buckets = sorted(line.points)
        values = [line.points[bucket] for bucket in buckets]
        points = {
            bucket: float(method(values[bisect.bisect_right(buckets, bucket - seconds) : index + 1]))
            for index, bucket in enumerate(buckets)
        }
        found.append(_changed(node, line, window.cut(points)))
    return found


def _modified(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """name(metric, ...) for metric.name(...)."""
    series = node.arguments[0] if node.arguments else None
    if not isinstance(series, Series):
        raise Refused(400, f"{node.name}: the stand-in Datadog evaluates it for a metric only")
    arguments = tuple(Number(one) if isinstance(one, float) else String(one) for one in _given(node))
    modified = replace(series, modifiers=(*series.modifiers, Modifier(node.name, arguments)))
    return _lines(replace(node, arguments=(modified,)), window, evaluate)


_ANOMALY_KEYWORDS = ("direction", "interval", "alert_window", "count_default_zero", "seasonality", "timezone")


def _anomalies(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    algorithm, bounds = _arguments(node, str, float, defaults=(2.0,))
    _one_of(node, algorithm, ("basic", "agile", "robust"))
    keywords = {_one_of(node, name, _ANOMALY_KEYWORDS): value.value for name, value in node.keywords}
    direction = _one_of(node, str(keywords.get("direction", "both")), ("both", "above", "below"))
    interval = keywords.get("interval", window.interval)
    if not isinstance(interval, (int, float)) or interval < 1 or bounds <= 0:
        raise Refused(400, "anomalies: bounds and interval are numbers above 0")
    span = max(_HISTORY, window.end - window.start)
    longer = Window(window.start - span, window.end, max(int(interval), 1))
    found = []
    for line in _lines(node, longer, evaluate):
        lower, upper = _band(line.points, span, bounds)
        points = window.cut(line.points)
        minded = {
            bucket
            for bucket, value in points.items()
            if (direction != "below" and value > upper.get(bucket, math.inf))
            or (direction != "above" and value < lower.get(bucket, -math.inf))
        }
        band = (window.cut(lower), window.cut(upper))
        found.append(replace(_changed(node, line, points), bounds=band, anomalous=frozenset(minded)))
    return found


def _band(points: Points, span: int, bounds: float) -> tuple[Points, Points]:
    """Where each point is expected, from the quantiles of those up to `span` seconds before it."""
    lower: Points = {}
    upper: Points = {}
    behind: deque[tuple[int, float]] = deque()
    ordered: list[float] = []
    for bucket, value in sorted(points.items()):
        while behind and behind[0][0] < bucket - span:
            del ordered[bisect.bisect_left(ordered, behind.popleft()[1])]
        if len(ordered) >= _ENOUGH:
            low, middle, high = (ordered[round(part * (len(ordered) - 1))] for part in (_LOW, 0.5, _HIGH))
            lower[bucket] = middle - bounds * (middle - low)
            upper[bucket] = middle + bounds * (high - middle)
        bisect.insort(ordered, value)
        behind.append((bucket, value))
    return lower, upper


FUNCTIONS: dict[str, Function] = {
    "abs": _abs,
    "per_second": functools.partial(_rate, seconds=1),
    "per_minute": functools.partial(_rate, seconds=60),
    "per_hour": functools.partial(_rate, seconds=3600),
    "default_zero": _default_zero,
    "exclude_null": _exclude_null,
    **dict.fromkeys(("top", "bottom"), _top),
    "timeshift": _shifted,
    "moving_rollup": _moving_rollup,
    **dict.fromkeys(("rollup", "fill", "as_count", "as_rate"), _modified),
    "anomalies": _anomalies,
}
