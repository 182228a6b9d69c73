"""Turns the samples of a check run into points, by the rules of the real Agent's check sampler. Pure: no I/O.

A point carries the time at which its run was committed (its end), rounded to a whole second: the spacing of a check's
points is the spacing of its runs, whatever the flush interval.
"""

import math
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple


class Kinds:
    """The types of samples, in the numbers that datadog-checks-base and its Agent share."""

    GAUGE, RATE, COUNT, MONOTONIC_COUNT, COUNTER, HISTOGRAM, HISTORATE = range(7)


class Context(NamedTuple):
    """What samples have in common that become one point. The kind is one of Kinds, or DogStatsD's letter."""

    kind: int | str
    metric: str
    tags: tuple[str, ...]
    host: str


class Point(NamedTuple):
    """One value of one series. `kind` is count, rate or gauge; `interval` in seconds is 0 for all but rates."""

    metric: str
    kind: str
    timestamp: int
    value: float
    tags: tuple[str, ...]
    host: str
    interval: int = 0


class Sampler:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._run: defaultdict[Context, list[float]] = defaultdict(list)
        self._last: dict[Context, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def add(
        self, kind: int, metric: str, value: float, tags: list[str], host: str, flush_first_value: bool = False
    ) -> None:
        """Take one sample; one that is not a finite number is left out."""
        if not math.isfinite(value):
            return
        context = Context(kind, metric, tuple(sorted(set(tags))), host)
        with self._lock:
            found = (
                self._growth(context, value, flush_first_value)
                if kind in (Kinds.RATE, Kinds.MONOTONIC_COUNT, Kinds.HISTORATE)
                else value
            )
            if found is None:
                return
            if kind in (Kinds.GAUGE, Kinds.RATE):
                self._run[context].clear()
            self._run[context].append(found)

    def _growth(self, context: Context, value: float, flush_first_value: bool) -> float | None:
        """What a growing counter's sample stands for: its increase, or that per second; None where it is unknown.

        Nothing follows from a first sample or a counter that starts again, unless `flush_first_value`: then from zero.
        """
        now = self._clock()
        last, then = self._last.get(context, (None, now))
        self._last[context] = (value, now)
        if context.kind != Kinds.MONOTONIC_COUNT:
            return (value - last) / (now - then) if last is not None and value >= last and now > then else None
        if last is not None and value >= last:
            return value - last
        return value if flush_first_value else None if last is None else 0.0

    def commit(self) -> list[Point]:
        """End a run: the points of everything sampled since the last commit, stamped with now."""
        now = round(self._clock())
        with self._lock:
            points = [point for context, values in self._run.items() for point in self._points(context, values, now)]
            self._run.clear()
        return [point for point in points if math.isfinite(point.value)]

    def _points(self, context: Context, values: list[float], now: int) -> list[Point]:
        kind, metric, tags, host = context
        if kind in (Kinds.GAUGE, Kinds.RATE):
            return [Point(metric, "gauge", now, values[-1], tags, host)]
        if kind in (Kinds.COUNT, Kinds.MONOTONIC_COUNT):
            return [Point(metric, "count", now, sum(values), tags, host)]
        if kind == Kinds.COUNTER:
            # The real check sampler divides by an interval of one second.
            return [Point(metric, "rate", now, sum(values), tags, host, 1)]
        return histogram([(value, 1) for value in values], Point(metric, "gauge", now, 0.0, tags, host), 1)


def histogram(values: list[tuple[float, float]], like: Point, seconds: int) -> list[Point]:
    """The points of values, each with how many samples it stands for, that came in so many seconds."""
    ordered = sorted((value, int(weight)) for value, weight in values)
    total = sum(weight for _, weight in ordered)

    def percentile(percent: int) -> float:
        seen, wanted = 0, (percent * total - 1) // 100
        return next(value for value, weight in ordered if (seen := seen + weight) > wanted)

    gauges = {
        "max": ordered[-1][0],
        "median": percentile(50),
        "avg": sum(value * weight for value, weight in ordered) / total,
        "95percentile": percentile(95),
    }
    points = [like._replace(metric=f"{like.metric}.{name}", value=value) for name, value in gauges.items()]
    rate = like._replace(metric=f"{like.metric}.count", kind="rate", value=total / seconds, interval=seconds)
    return [*points, rate]


def series(points: list[Point]) -> list[dict[str, Any]]:
    """Points in the form of v2 series: an entry for each, as the real Agent sends the runs of a check."""
    kinds = {"count": 1, "rate": 2, "gauge": 3}
    return [
        {
            "metric": point.metric,
            "type": kinds[point.kind],
            "interval": point.interval,
            "points": [{"timestamp": point.timestamp, "value": point.value}],
            "tags": list(point.tags),
            "resources": [{"type": "host", "name": point.host}] if point.host else [],
        }
        for point in points
    ]
