"""The functions of metric queries, applied to lines. Pure; times are seconds since the epoch.

Unknown functions and arguments are refused by name.
Source: https://docs.datadoghq.com/dashboards/functions/
"""

import bisect
import functools
import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from module_utils._query.metric import Call, Expression, Keys, Modifier, Negative, Number, Series, String, Variable

from ..errors import Refused
from . import calendar
from .arithmetic import finite, paired, regrouped
from .detect import band, dbscan, mad
from .lines import METHODS, RANKS, Line, Points, Window, method
from .transforms import LIMITED, LINES, VALUES, autosmooth, interpolated
from .tree import modified

# anomalies() judges a point by the previous ones over at least this number of seconds.
_HISTORY = 4 * 3600
_LONGEST_ROLLUP = 366 * 86400
# Seconds. Here, Datadog's month has four weeks.
_BEFORE = {"hour_before": 3600, "day_before": 86400, "week_before": 7 * 86400, "month_before": 28 * 86400}
_RANKING = re.compile(r"(top|bottom)(5|10|15|20)(?:_(\w+))?")

Evaluate = Callable[[Expression, Window], "list[Line] | float"]
Function = Callable[[Call, Window, Evaluate], list[Line]]


def call(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """Return the lines of the function `node` over `window`. Raises Refused(400)."""
    function = FUNCTIONS.get(node.name) or (_top if _RANKING.fullmatch(node.name) else None)
    if function is None:
        raise Refused(400, f"{node.name} is not evaluated here")
    if node.keywords and node.name != "anomalies":
        raise Refused(400, f"{node.name}: {node.keywords[0][0]}= is not evaluated here")
    return function(node, window, evaluate)


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
        # In formulas, a bare word is parsed as the name of a query.
        elif isinstance(argument, Variable):
            yield argument.name
        else:
            raise Refused(400, f"{node.name}: {argument} is neither a number nor a text")


def _arguments(node: Call, *kinds: type, defaults: tuple[Any, ...] = ()) -> list[Any]:
    """Return the arguments after the query: of `kinds`, numbers as float, with defaults. Raises Refused(400)."""
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


def _algorithm(node: Call, value: str, known: tuple[str, ...]) -> str:
    """Return the algorithm, one of those that Datadog documents well enough. Raises Refused(400)."""
    if value.lower() not in known:
        raise Refused(400, f"{node.name}: {value!r} is not evaluated here, only {', '.join(known)}")
    return value.lower()


def _method(node: Call, name: str) -> Callable[[list[float]], float]:
    found = method(name) or RANKS.get(name)
    if found is None:
        raise Refused(400, f"{node.name}: unknown {name!r}, expected one of {', '.join(METHODS)}")
    return found


def _changed(node: Call, line: Line, points: Points | dict[int, float | None]) -> Line:
    """Return `line` with the result of the function as points and in its name."""
    rest = "".join(f", {argument}" for argument in node.arguments[1:])
    return Line(
        f"{node.name}({line.name}{rest})",
        f"{node.name}({line.expression}{rest})",
        line.scope,
        line.group,
        line.interval,
        finite(points),
        starts=line.starts,
    )


# -------------------------------------------------------------------------------------------- each line for itself
def _each_value(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """One of VALUES, or of LIMITED by a number."""
    usual = (0.0,) if node.name == "round" else ()
    numbers = _arguments(node) if node.name in VALUES else _arguments(node, float, defaults=usual)
    reckon: Callable[..., float | None] = VALUES.get(node.name) or LIMITED[node.name]
    return [
        _changed(node, line, {bucket: reckon(value, *numbers) for bucket, value in line.points.items()})
        for line in _lines(node, window, evaluate)
    ]


def _each_line(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """One of LINES."""
    _arguments(node)
    return [_changed(node, line, LINES[node.name](line.points)) for line in _lines(node, window, evaluate)]


def _throughput(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    _arguments(node)
    lines = _lines(node, window, evaluate)
    return [_changed(node, line, {at: value / line.interval for at, value in line.points.items()}) for line in lines]


def _reduced(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """Reduce each line to one number, repeated at the time of each point."""
    reckon = _method(node, *_arguments(node, str))
    found = []
    for line in _lines(node, window, evaluate):
        values = [line.points[bucket] for bucket in sorted(line.points)]
        found.append(_changed(node, line, dict.fromkeys(line.points, float(reckon(values))) if values else {}))
    return found


def _autosmooth(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    _arguments(node)
    lines = _lines(node, window, evaluate)
    return [
        _changed(node, line, points)
        for line, points in zip(lines, autosmooth([line.points for line in lines]), strict=True)
    ]


# --------------------------------------------------------------------------------------------------------- all lines
def _default(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """default() and default_zero(): gauges are interpolated first, as far as Datadog does."""
    (value,) = _arguments(node, float) if node.name == "default" else (*_arguments(node), 0.0)
    lines = _lines(node, window, evaluate)
    inner = node.arguments[0]
    if not lines and isinstance(inner, Series) and not inner.by:
        lines = [Line(inner.metric, str(inner), str(inner.scope), (), window.interval, {})]
    found = []
    for line in lines:
        buckets = line.starts or window.buckets(line.interval)
        known = interpolated(line.points, buckets, line.reach)
        found.append(_changed(node, line, {bucket: known.get(bucket, value) for bucket in buckets}))
    return found


def _exclude_null(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """Remove groups that lack a tag, of any key or of the given one."""
    (key,) = _arguments(node, str, defaults=("",))
    lines = _lines(node, window, evaluate)
    return [line for line in lines if not any(tag.endswith(":N/A") and tag.startswith(key) for tag in line.group)]


def _top(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """top() and bottom(), with their offset variants and those with the number in their names."""
    short = _RANKING.fullmatch(node.name)
    usual, offset = ("desc" if node.name.startswith("top") else "asc"), 0.0
    if short:
        _arguments(node)
        count, by, order = float(short[2]), short[3] or "mean", usual
    elif node.name.endswith("_offset"):
        count, by, order, offset = _arguments(node, float, str, str, float)
    else:
        count, by, order = _arguments(node, float, str, str, defaults=("mean", usual))
    if not 1 <= count <= 1000 or offset < 0:
        raise Refused(400, f"{node.name}: the number of lines is from 1 to 1000")
    reckon = RANKS[_one_of(node, by, RANKS)]
    lines = [line for line in _lines(node, window, evaluate) if line.points]
    lines.sort(
        key=lambda line: reckon([line.points[bucket] for bucket in sorted(line.points)]),
        reverse=_one_of(node, order, ("asc", "desc")) == "desc",
    )
    return lines[int(offset) : int(offset + count)]


def _count(node: Call, window: Window, evaluate: Evaluate, counts: Callable[[float], bool]) -> list[Line]:
    """Count the lines with a matching value at each point in time."""
    _arguments(node)
    lines = _lines(node, window, evaluate)
    counted = regrouped(lines, (), lambda values: float(sum(map(counts, values))))
    return [_changed(node, line, line.points) for line in counted]


def _dt(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """Return the seconds since the previous point of any line."""
    _arguments(node)
    found = []
    for line in regrouped(_lines(node, window, evaluate), (), len):
        pairs = itertools.pairwise(sorted(line.points))
        found.append(_changed(node, line, {bucket: float(bucket - before) for before, bucket in pairs}))
    return found


def _grouped(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """avg(query, {keys}) and similar; max() and min() also take several queries and numbers."""
    *words, last = node.arguments[1:] or (None,)
    if node.name in ("max", "min") and len(node.arguments) > 1 and not isinstance(last, Keys):
        return _extreme(node, window, evaluate)
    if not isinstance(last, Keys) or len(words) != (node.name == "percentile"):
        raise Refused(400, f"{node.name}: expected a query and tag keys such as {{host}}")
    # The median of each region is written percentile(query, 'p50', {region}).
    (name,) = [*_given(replace(node, arguments=node.arguments[:-1]))] or [node.name]
    reckon = _method(node, str(name))
    return [_changed(node, line, line.points) for line in regrouped(_lines(node, window, evaluate), last.keys, reckon)]


def _extreme(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    reckon = max if node.name == "max" else min
    answers = [evaluate(one, window) for one in node.arguments if isinstance(one, Expression)]
    if len(answers) < len(node.arguments):
        raise Refused(400, f"{node.name}: expected queries and numbers")
    found = functools.reduce(
        lambda one, other: paired(reckon, one, other, lambda *names: f"{node.name}({', '.join(names)})"), answers
    )
    return _needed(node, found)


def _needed(node: Call, answer: list[Line] | float) -> list[Line]:
    if isinstance(answer, float):
        raise Refused(400, f"{node.name}: a query needs at least one metric")
    return answer


def _pow(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """Return a power of lines or numbers."""
    if len(node.arguments) != 2 or not all(isinstance(one, Expression) for one in node.arguments):
        raise Refused(400, "pow: expected two queries or numbers")
    base, exponent = (evaluate(one, window) for one in node.arguments if isinstance(one, Expression))
    return _needed(node, paired(_power, base, exponent, lambda *names: f"pow({', '.join(names)})"))


def _power(base: float, exponent: float) -> float | None:
    try:
        found = base**exponent
    except ZeroDivisionError:
        return None
    return None if isinstance(found, complex) else float(found)


# ------------------------------------------------------------------------------------------------------- other times
def _shifted(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """Return the lines of a window that is shifted by seconds (negative: earlier), drawn over this one."""
    if node.name == "calendar_shift":
        shift, zone, _mode = _arguments(node, str, str, str, defaults=("UTC", ""))
        seconds = calendar.shifted(window.start, shift, zone) - window.start
    elif node.name in _BEFORE:
        _arguments(node)
        seconds = -_BEFORE[node.name]
    else:
        seconds = int(_arguments(node, float)[0])
    there = Window(window.start + seconds, window.end + seconds, window.interval)
    found = []
    for line in _lines(node, there, evaluate):
        # Buckets stay multiples of the interval, so that present and past can be combined.
        points = {(b - seconds) // line.interval * line.interval: value for b, value in line.points.items()}
        found.append(_changed(node, replace(line, starts=()), window.cut(points)))
    return found


def _moving_rollup(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    seconds, how = _arguments(node, float, str, defaults=("avg",))
    reckon = METHODS[_one_of(node, how, METHODS)]
    if not 1 <= seconds <= 86400:
        raise Refused(400, f"{node.name}: the interval is a number of seconds from 1 to 86400")
    longer = replace(window, start=window.start - int(seconds))
    found = []
    for line in _lines(node, longer, evaluate):
        buckets = sorted(line.points)
        values = [line.points[bucket] for bucket in buckets]
        points = {
            bucket: float(reckon(values[bisect.bisect_right(buckets, bucket - seconds) : index + 1]))
            for index, bucket in enumerate(buckets)
        }
        found.append(_changed(node, line, window.cut(points)))
    return found


def _modified(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    """name(query, ...) for query.name(...); a rollup of an expression aggregates its points again."""
    inner = node.arguments[0] if node.arguments else None
    if node.name == "rollup" and not isinstance(inner, Series):
        return _gathered(node, window, evaluate)
    arguments = tuple(Number(one) if isinstance(one, float) else String(one) for one in _given(node))
    whole = modified(inner, (Modifier(node.name, arguments),))
    return _lines(replace(node, arguments=(whole,)), window, evaluate)


def _gathered(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    how, seconds = _arguments(node, str, float, defaults=(float(window.interval),))
    reckon = _method(node, how)
    if not 1 <= seconds <= _LONGEST_ROLLUP:
        raise Refused(400, f"rollup: the interval is a number of seconds from 1 to {_LONGEST_ROLLUP}")
    interval, found = int(seconds), []
    for line in _lines(node, window, evaluate):
        gathered: dict[int, list[float]] = {}
        for bucket in sorted(line.points):
            gathered.setdefault(bucket // interval * interval, []).append(line.points[bucket])
        points = {bucket: float(reckon(values)) for bucket, values in gathered.items()}
        found.append(_changed(node, replace(line, interval=interval, starts=()), points))
    return found


# ------------------------------------------------------------------------------------------------------ what is unusual
_ANOMALY_KEYWORDS = ("direction", "interval", "alert_window", "count_default_zero", "seasonality", "timezone")


def _anomalies(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    algorithm, bounds = _arguments(node, str, float, defaults=(2.0,))
    _algorithm(node, algorithm, ("basic", "agile", "robust"))
    keywords = {_one_of(node, name, _ANOMALY_KEYWORDS): value.value for name, value in node.keywords}
    direction = _one_of(node, str(keywords.get("direction", "both")), ("both", "above", "below"))
    interval = keywords.get("interval", window.interval)
    if not isinstance(interval, (int, float)) or interval < 1 or bounds <= 0:
        raise Refused(400, "anomalies: bounds and interval are numbers above 0")
    span = max(_HISTORY, window.end - window.start)
    longer = Window(window.start - span, window.end, max(int(interval), 1))
    found = []
    for line in _lines(node, longer, evaluate):
        lower, upper = band(line.points, span, bounds)
        points = window.cut(line.points)
        minded = {
            bucket
            for bucket, value in points.items()
            if (direction != "below" and value > upper.get(bucket, math.inf))
            or (direction != "above" and value < lower.get(bucket, -math.inf))
        }
        edges = (window.cut(lower), window.cut(upper))
        found.append(replace(_changed(node, line, points), bounds=edges, anomalous=frozenset(minded)))
    return found


def _outliers(node: Call, window: Window, evaluate: Evaluate) -> list[Line]:
    algorithm, tolerance, share = _arguments(node, str, float, float, defaults=(0.0,))
    algorithm = _algorithm(node, algorithm, ("dbscan", "mad"))
    if tolerance <= 0:
        raise Refused(400, "outliers: the tolerance is a number above 0")
    lines = _lines(node, window, evaluate)
    every = [line.points for line in lines]
    odd = dbscan(every, tolerance) if algorithm == "dbscan" else mad(every, tolerance, share)
    return [replace(_changed(node, line, line.points), anomalous=far) for line, far in zip(lines, odd, strict=True)]


FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys((*VALUES, *LIMITED), _each_value),
    **dict.fromkeys(LINES, _each_line),
    "throughput": _throughput,
    "reduce": _reduced,
    "autosmooth": _autosmooth,
    **dict.fromkeys(("default", "default_zero"), _default),
    "exclude_null": _exclude_null,
    **dict.fromkeys(("top", "bottom", "top_offset", "bottom_offset"), _top),
    "count_not_null": functools.partial(_count, counts=lambda value: True),
    **dict.fromkeys(("count_nonzero", "count_nonzero_finite"), functools.partial(_count, counts=bool)),
    "dt": _dt,
    **dict.fromkeys(("avg", "sum", "min", "max", "stddev", "percentile"), _grouped),
    "pow": _pow,
    **dict.fromkeys(("timeshift", "calendar_shift", *_BEFORE), _shifted),
    "moving_rollup": _moving_rollup,
    **dict.fromkeys(("rollup", "fill", "as_count", "as_rate"), _modified),
    "anomalies": _anomalies,
    "outliers": _outliers,
}
