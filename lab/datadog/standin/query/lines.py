"""The results of queries: lines of points, without gaps filled. Times are seconds since the epoch."""

import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass

Points = dict[int, float]
Method = Callable[[list[float]], float]

# The methods of time and of space aggregation.
METHODS: dict[str, Method] = {
    "avg": statistics.fmean,
    "sum": math.fsum,
    "min": min,
    "max": max,
    "count": len,
}
# Methods that reduce a line to one number, in top() and in widgets.
RANKS: dict[str, Method] = {
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
    """One series of a response: `group` is its tags by the keys of `by`, `name` its metric without a scope.

    `bounds` are the lower and upper bound from anomalies(); `anomalous` tells which points anomalies() or outliers()
    marks. `starts` are the starts of all buckets if they are not multiples of `interval`. `reach` is the number of
    seconds over which Datadog interpolates; nothing if that is unknown.
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
    starts: tuple[int, ...] = ()
    reach: int = 0


@dataclass(frozen=True)
class Window:
    """The requested range: start <= time < end, and the default seconds between points."""

    start: int
    end: int
    interval: int

    def buckets(self, interval: int) -> range:
        return range(-(-self.start // interval) * interval, self.end, interval)

    def cut(self, points: Points) -> Points:
        """Return the points within the window."""
        return {bucket: value for bucket, value in points.items() if self.start <= bucket < self.end}


def percentile(values: list[float], part: float) -> float:
    """Return the quantile `part` of the values, interpolated."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def method(name: str) -> Method | None:
    """Return the method `name`: one of METHODS, stddev, or a percentile such as p95; None if it does not exist."""
    if name in METHODS:
        return METHODS[name]
    if name == "stddev":
        return statistics.pstdev
    digits = name.removeprefix("p")
    if name.startswith("p") and digits.replace(".", "", 1).isdecimal() and 0 < float(digits) < 100:
        return lambda values: percentile(values, float(digits) / 100)
    return None
