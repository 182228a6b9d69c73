"""Detect unusual points, outside the band of the previous points, and lines that differ from the others. Pure.

Source: https://docs.datadoghq.com/monitors/types/anomaly/, https://docs.datadoghq.com/monitors/types/outlier/ and, for
how DBSCAN and MAD are applied to lines, https://www.datadoghq.com/blog/outlier-detection-algorithms-at-datadog/
"""

import bisect
import math
import statistics
from collections import deque

from .lines import Points

# Minimum number of previous points by which anomalies() judges a point.
_ENOUGH = 5
# Standard deviations of a normal distribution as quantiles, which spikes do not widen.
_LOW, _HIGH = 0.1587, 0.8413
# With fewer lines, none is an outlier.
_FEWEST = 3


def band(points: Points, span: int, bounds: float) -> tuple[Points, Points]:
    """Return the expected range of each point, from quantiles of those up to `span` seconds before it."""
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


def mad(lines: list[Points], tolerance: float, percentage: float) -> list[frozenset[int]]:
    """Return the points of outlier lines that are far from the median; none of a line with too few of these.

    A point is far if it is more than `tolerance` median absolute deviations from the median of all points.
    """
    values = [value for points in lines for value in points.values()]
    if len(lines) < _FEWEST or not values:
        return [frozenset()] * len(lines)
    middle = statistics.median(values)
    limit = tolerance * statistics.median(abs(value - middle) for value in values)
    far = [frozenset(bucket for bucket, value in points.items() if abs(value - middle) > limit) for points in lines]
    return [
        odd if points and 100 * len(odd) / len(points) >= percentage and odd else frozenset()
        for odd, points in zip(far, lines, strict=True)
    ]


def dbscan(lines: list[Points], tolerance: float) -> list[frozenset[int]]:
    """Return all points of the lines outside the largest cluster.

    Two lines are near if their distance is at most `tolerance` times the median distance of a line to the median of
    all. Datadog multiplies this by a constant that it does not publish; here it is 1.
    """
    if len(lines) < _FEWEST:
        return [frozenset()] * len(lines)
    buckets = set().union(*lines)
    middle = {bucket: statistics.median(points[bucket] for points in lines if bucket in points) for bucket in buckets}
    limit = tolerance * statistics.median(_distance(points, middle) for points in lines)
    cluster: dict[int, int] = {}
    for first in range(len(lines)):
        ahead = [] if first in cluster else [first]
        while ahead:
            cluster[one := ahead.pop()] = first
            near = (other for other in range(len(lines)) if other not in cluster and other not in ahead)
            ahead += [other for other in near if _distance(lines[one], lines[other]) <= limit]
    sizes = list(cluster.values())
    largest = max(cluster.values(), key=sizes.count)
    return [frozenset() if cluster[place] == largest else frozenset(points) for place, points in enumerate(lines)]


def _distance(one: Points, other: Points) -> float:
    return math.dist(*([points[bucket] for bucket in sorted(one.keys() & other.keys())] for points in (one, other)))
