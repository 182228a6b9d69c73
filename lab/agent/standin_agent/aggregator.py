# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns the samples of a check run into points, by the rules of the real Agent's check sampler. Pure: no I/O.

A point carries the time at which its run was committed (its end), rounded to a whole second: the spacing of a check's
points is the spacing of its runs, whatever the flush interval.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

GAUGE, RATE, COUNT, MONOTONIC_COUNT, COUNTER, HISTOGRAM, HISTORATE = range(7)
# The real Agent keeps the state of a rate or monotonic count for 25 hours without a sample.
STATE_LIFETIME = 25 * 3600.0

Context = tuple[int, str, tuple[str, ...], str]


@dataclass(frozen=True)
class Point:
    """One value of one series. `kind` is count, rate or gauge; `interval` in seconds is 0 for a gauge."""

    metric: str
    kind: str
    timestamp: int
    value: float
    tags: tuple[str, ...]
    host: str
    interval: int = 0


@dataclass
class _State:
    """What one context has seen in this run (`values`) and before it."""

    values: list[float] = field(default_factory=list)
    last: float | None = None
    last_time: float = 0.0
    seen: float = 0.0


class Sampler:
    """The samples of one check instance. `interval` is the instance's collection interval in seconds."""

    def __init__(self, interval: float, clock: Callable[[], float]) -> None:
        self._interval = max(1, round(interval))
        self._clock = clock
        self._contexts: dict[Context, _State] = {}
        self._lock = threading.Lock()

    def add(
        self,
        kind: int,
        metric: str,
        value: float,
        tags: list[str],
        host: str,
        flush_first_value: bool = False,
    ) -> bool:
        """Take one sample; False where it is not a finite number and was left out."""
        if not math.isfinite(value):
            return False
        now = self._clock()
        with self._lock:
            context = (kind, metric, tuple(sorted(set(tags))), host)
            state = self._contexts.setdefault(context, _State())
            state.seen = now
            if kind in (GAUGE, RATE):
                state.values = [value]
                if kind == RATE:
                    self._rate(state, value, now)
            elif kind == MONOTONIC_COUNT:
                self._increase(state, value, flush_first_value)
            elif kind == HISTORATE:
                self._rate(state, value, now, keep=True)
            else:
                state.values.append(value)
        return True

    @staticmethod
    def _rate(state: _State, value: float, now: float, keep: bool = False) -> None:
        """Change per second since the last sample; the first sample and a reset counter give nothing."""
        kept = state.values if keep else []
        if state.last is not None and now > state.last_time and value >= state.last:
            kept = [*kept, (value - state.last) / (now - state.last_time)]
        state.values, state.last, state.last_time = kept, value, now

    @staticmethod
    def _increase(state: _State, value: float, flush_first_value: bool) -> None:
        """Increase since the last sample; after a reset only with `flush_first_value`, then from zero."""
        if state.last is None or value < state.last:
            increase = value if flush_first_value else (None if state.last is None else 0.0)
        else:
            increase = value - state.last
        if increase is not None:
            state.values = [math.fsum(state.values) + increase]
        state.last = value

    def commit(self) -> list[Point]:
        """End a run: the points of everything sampled since the last commit, stamped with now."""
        now = self._clock()
        points: list[Point] = []
        with self._lock:
            for context in list(self._contexts):
                state = self._contexts[context]
                if state.values:
                    points += self._points(context, state.values, round(now))
                    state.values = []
                if context[0] not in (RATE, MONOTONIC_COUNT, HISTORATE) or now - state.seen > STATE_LIFETIME:
                    del self._contexts[context]
        return points

    def _points(self, context: Context, values: list[float], now: int) -> list[Point]:
        kind, metric, tags, host = context
        if kind in (GAUGE, RATE):
            return [Point(metric, "gauge", now, values[-1], tags, host)]
        if kind in (COUNT, MONOTONIC_COUNT):
            return [Point(metric, "count", now, math.fsum(values), tags, host, self._interval)]
        if kind == COUNTER:
            # The real check sampler divides by an interval of one second.
            return [Point(metric, "rate", now, math.fsum(values), tags, host, 1)]
        ordered = sorted(values)
        size = len(ordered)
        gauges = {
            "max": ordered[-1],
            "median": ordered[(size - 1) // 2],
            "avg": math.fsum(ordered) / size,
            "95percentile": ordered[max(0, math.ceil(size * 0.95) - 1)],
        }
        points = [Point(f"{metric}.{name}", "gauge", now, value, tags, host) for name, value in gauges.items()]
        return [*points, Point(f"{metric}.count", "rate", now, float(size), tags, host, 1)]
