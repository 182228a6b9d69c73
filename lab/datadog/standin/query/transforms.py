"""Functions on the points of a single line. Pure; times are seconds since the epoch.

Source: https://docs.datadoghq.com/dashboards/functions/. Not documented there: the weights of ewma_N() are those of
pandas, ewm(span=N), and rate() leaves out falling values, as Datadog's founder explains:
https://gist.github.com/alq666/3174101
"""

import bisect
import itertools
import math
import statistics
from collections.abc import Callable, Iterable, Iterator

from .lines import METHODS, Points

# Iterations of the robust regression, and the deviations beyond which a point has less weight.
_ROUNDS, _HUBER = 50, 1.345
# The median absolute deviation of a normal distribution, in standard deviations.
_NORMAL = 0.6745
# autosmooth() averages over a tenth of the points at most.
_WIDEST = 10


def _rounded(value: float, digits: float) -> float:
    """Round half away from zero, rather than half to even as Python does."""
    scale = 10.0 ** int(digits)
    return math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)


# Value by value. None means no value.
VALUES: dict[str, Callable[[float], float | None]] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "log2": lambda value: math.log2(value) if value > 0 else None,
    "log10": lambda value: math.log10(value) if value > 0 else None,
}
# The same with a number as the argument.
LIMITED: dict[str, Callable[[float, float], float | None]] = {
    "round": _rounded,
    "clamp_min": max,
    "clamp_max": min,
    "cutoff_min": lambda value, limit: value if value >= limit else None,
    "cutoff_max": lambda value, limit: value if value <= limit else None,
    # Not documented: 1 if the value is equal, 0 otherwise.
    "equal": lambda value, other: float(value == other),
}


def _pairs(points: Points) -> Iterator[tuple[int, int, float]]:
    """Yield (time, seconds since the previous point, change since then) of each point but the first."""
    for (before, old), (bucket, value) in itertools.pairwise(sorted(points.items())):
        yield bucket, bucket - before, value - old


def interpolated(points: Points, buckets: Iterable[int], reach: int) -> Points:
    """Return the points with interpolated ones where they are at most `reach` seconds apart; otherwise, and after the
    last one, each value is held for `reach` seconds.

    Source: the example of default_zero() in https://docs.datadoghq.com/dashboards/functions/interpolation/
    """
    known, filled = sorted(points), dict(points)
    for bucket in buckets:
        place = bisect.bisect_right(known, bucket)
        if bucket in points or not place or bucket - known[place - 1] > reach:
            continue
        left, right = known[place - 1], known[place] if place < len(known) else None
        part = (bucket - left) / (right - left) if right is not None and right - left <= reach else 0.0
        filled[bucket] = points[left] + part * (points[right if right is not None else left] - points[left])
    return filled


def cumsum(points: Points) -> Points:
    buckets = sorted(points)
    return dict(zip(buckets, itertools.accumulate(points[bucket] for bucket in buckets), strict=True))


def integral(points: Points) -> Points:
    """Return the sum of each value times the seconds since the previous point."""
    return cumsum({bucket: points[bucket] * seconds for bucket, seconds, _change in _pairs(points)})


def diff(points: Points) -> Points:
    return {bucket: change for bucket, _seconds, change in _pairs(points)}


def monotonic_diff(points: Points) -> Points:
    return {bucket: change for bucket, change in diff(points).items() if change >= 0}


def rate(points: Points, seconds: int = 1) -> Points:
    """Return the change since the previous point, per this number of seconds."""
    return {bucket: change / passed * seconds for bucket, passed, change in _pairs(points)}


def _ewma(span: int) -> Callable[[Points], Points]:
    def smooth(points: Points) -> Points:
        kept, total, weight, found = 1 - 2 / (span + 1), 0.0, 0.0, {}
        for bucket in sorted(points):
            total, weight = points[bucket] + kept * total, 1 + kept * weight
            found[bucket] = total / weight
        return found

    return smooth


def _rolling(span: int, method: Callable[[list[float]], float]) -> Callable[[Points], Points]:
    """Return `method` of the last `span` points, fewer at the start."""

    def smooth(points: Points) -> Points:
        buckets = sorted(points)
        values = [points[bucket] for bucket in buckets]
        return {bucket: method(values[max(0, place + 1 - span) : place + 1]) for place, bucket in enumerate(buckets)}

    return smooth


def trend_line(points: Points) -> Points:
    return _fitted(points, dict.fromkeys(points, 1.0))


def _fitted(points: Points, weights: Points) -> Points:
    """Return the weighted least squares line."""
    total = math.fsum(weights.values())
    middle = math.fsum(weights[bucket] * bucket for bucket in points) / total
    mean = math.fsum(weights[bucket] * value for bucket, value in points.items()) / total
    spread = math.fsum(weights[bucket] * (bucket - middle) ** 2 for bucket in points)
    common = math.fsum(weights[bucket] * (bucket - middle) * (value - mean) for bucket, value in points.items())
    slope = common / spread if spread else 0.0
    return {bucket: mean + slope * (bucket - middle) for bucket in points}


def robust_trend(points: Points) -> Points:
    """Return the line of Huber's loss, by iterated least squares in which outliers have less weight each time."""
    line = trend_line(points)
    for _round in range(_ROUNDS):
        off = {bucket: abs(value - line[bucket]) for bucket, value in points.items()}
        limit = _HUBER * statistics.median(off.values()) / _NORMAL
        if not limit:
            break
        line = _fitted(points, {bucket: min(1.0, limit / far) if far else 1.0 for bucket, far in off.items()})
    return line


# Functions of a whole line.
LINES: dict[str, Callable[[Points], Points]] = {
    "cumsum": cumsum,
    "integral": integral,
    "diff": diff,
    "monotonic_diff": monotonic_diff,
    "derivative": rate,
    "rate": lambda points: {bucket: value for bucket, value in rate(points).items() if value >= 0},
    "per_second": rate,
    "per_minute": lambda points: rate(points, 60),
    "per_hour": lambda points: rate(points, 3600),
    "trend_line": lambda points: trend_line(points) if points else {},
    "robust_trend": lambda points: robust_trend(points) if points else {},
    **{f"ewma_{span}": _ewma(span) for span in (1, 3, 5, 7, 10, 20)},
    **{f"median_{span}": _rolling(span, statistics.median) for span in (3, 5, 7, 9)},
    **{f"rollingavg_{span}": _rolling(span, METHODS["avg"]) for span in (5, 13, 21, 29)},
}


def autosmooth(lines: list[Points]) -> list[Points]:
    """Return moving averages over the span that makes all lines smoothest while keeping their outliers.

    Source: the paper in Datadog's documentation, ASAP (Rong and Bailis, 2017): the smallest deviation of differences
    among the spans that preserve the kurtosis.
    """
    most = max((len(points) for points in lines), default=0) // _WIDEST
    best, span = _roughness(lines), 1
    for wide in range(2, most + 1):
        smoothed = [_rolling(wide, METHODS["avg"])(points) for points in lines]
        keeps = all(_kurtosis(after) >= _kurtosis(before) for before, after in zip(lines, smoothed, strict=True))
        if keeps and _roughness(smoothed) < best:
            best, span = _roughness(smoothed), wide
    return [_rolling(span, METHODS["avg"])(points) for points in lines]


def _roughness(lines: list[Points]) -> float:
    return math.fsum(statistics.pstdev(changes) for points in lines if (changes := list(diff(points).values())))


def _kurtosis(points: Points) -> float:
    values = list(points.values())
    spread = statistics.pvariance(values) if values else 0.0
    if not spread:
        return 0.0
    mean = statistics.fmean(values)
    return statistics.fmean((value - mean) ** 4 for value in values) / spread**2
