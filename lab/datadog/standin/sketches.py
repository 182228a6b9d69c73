"""Distributions: values counted in bins whose width grows with the value, from which percentiles follow.

All are kept in the bins of the Agent's own sketches, so that any of them can be merged, by SQL, over time and series:
bin k > 0 is around 1.015625 ** (k - 1338), bin -k around the negative of that, bin 0 is about zero.
Source: https://github.com/DataDog/datadog-agent/blob/main/pkg/util/quantile/config.go and, for the sketches in stats,
https://github.com/DataDog/sketches-go/blob/master/ddsketch/pb/ddsketch.proto
"""

import itertools
import json
import math
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ddsketch.pb.ddsketch_pb2 import DDSketch, IndexMapping
from google.protobuf.message import DecodeError

from . import protobuf
from .decode import Key, Refused, Sample, malformed, tags

TYPE = "distribution"
_GAMMA, _BIAS = 1.015625, 1338
_LARGEST_KEY = 2**15 - 1
_MOST_BINS = 4096
# Sums of so many values as there can be stay finite below this.
_LARGEST = 1e300
# The statistics that are exact, as SQL.
_EXACT = {"count": "sum(n)", "sum": "sum(total)", "avg": "sum(total) / sum(n)", "min": "min(low)", "max": "max(high)"}
# Several rows of one second add up; bins are [[key, ...], [count, ...]].
SCHEMA = """
CREATE TABLE IF NOT EXISTS sketch (
    series INTEGER NOT NULL, ts INTEGER NOT NULL, n REAL NOT NULL, total REAL NOT NULL, low REAL NOT NULL,
    high REAL NOT NULL, bins TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sketch_series ON sketch (series, ts);
"""


@dataclass
class Sketch:
    """Values of one moment: how many, their sum, the least and the largest, and how many in each bin."""

    count: float
    total: float
    low: float
    high: float
    bins: dict[int, float] = field(default_factory=dict)


@dataclass
class Distribution(Sample):
    """Sketches of one series by second; its `points` are how many values each has."""

    sketches: dict[int, Sketch] = field(default_factory=dict)


def distribution(key: Key, interval: int, sketches: dict[int, Sketch]) -> Distribution:
    """A sample that adds `sketches` to what is there."""
    return Distribution(key, TYPE, interval, {ts: one.count for ts, one in sketches.items()}, True, sketches)


def value_of(key: int) -> float:
    """The value in the middle of a bin."""
    return math.copysign(_GAMMA ** (abs(key) - _BIAS), key) if key else 0.0


def key_of(value: float) -> int:
    """The bin of a finite value."""
    key = round(math.log(abs(value)) / math.log(_GAMMA)) + _BIAS if value else 0
    return int(math.copysign(min(key, _LARGEST_KEY), value)) if key > 0 else 0


def bins(body: bytes, unit: float = 1.0) -> dict[int, float]:
    """The bins of a DDSketch message, its values taken times `unit`. Raises Refused(400)."""
    try:
        sketch = DDSketch.FromString(body)
    except DecodeError:
        raise malformed("no DDSketch") from None
    gamma, offset = sketch.mapping.gamma, sketch.mapping.indexOffset
    found: dict[int, float] = {0: sketch.zeroCount} if sketch.zeroCount else {}
    for sign, store in ((1, sketch.positiveValues), (-1, sketch.negativeValues)):
        dense = enumerate(store.contiguousBinCounts, store.contiguousBinIndexOffset)
        for index, count in itertools.chain(store.binCounts.items(), dense):
            if not count:
                continue
            if sketch.mapping.interpolation != IndexMapping.NONE or not 1 < gamma < 10:
                raise malformed("DDSketch: only a logarithmic mapping is taken")
            # Datadog's Agents and tracers put into bin i what lies from gamma ** (i - offset) to a gamma above.
            middle = (index - offset + 0.5) * math.log(gamma) + math.log(unit)
            if not abs(middle) < 700:
                raise malformed("DDSketch: a value is out of range")
            key = key_of(sign * math.exp(middle))
            found[key] = found.get(key, 0.0) + count
    if len(found) > _MOST_BINS or not all(0 <= count < 2**64 for count in found.values()):
        raise malformed("DDSketch: expected counts")
    return found


def payload(body: bytes) -> list[Distribution]:
    """The body of POST /api/beta/sketches. Raises Refused(400)."""
    found = []
    for item in protobuf.read("SketchPayload", body).sketches:
        sketches = {one.ts: _sketch(one) for one in item.dogsketches if one.cnt > 0 and one.ts >= 0}
        if not item.metric:
            raise malformed("metric is required")
        found.append(distribution(Key(item.metric, item.host, tags(list(item.tags))), 10, sketches))
    return found


def _sketch(sent: Any) -> Sketch:
    if len(sent.k) != len(sent.n) or not all(abs(value) < _LARGEST for value in (sent.min, sent.max, sent.sum)):
        raise malformed("a sketch whose parts do not fit")
    counted: dict[int, float] = {}
    # A bin that is fuller than its count can say comes more than once.
    for key, n in zip(sent.k, sent.n, strict=True):
        key = max(-_LARGEST_KEY, min(key, _LARGEST_KEY))
        counted[key] = counted.get(key, 0.0) + n
    return Sketch(float(sent.cnt), sent.sum, sent.min, sent.max, counted)


# ------------------------------------------------------------------------------------------------------------ stored
def keep(db: sqlite3.Connection, series: int, sketches: dict[int, Sketch]) -> None:
    """Add `sketches` by second to those of a series."""
    db.executemany(
        "INSERT INTO sketch VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (series, ts, one.count, one.total, one.low, one.high, json.dumps([[*one.bins], [*one.bins.values()]]))
            for ts, one in sketches.items()
        ],
    )


def points(source: Any, ids: Iterable[int], start: int, end: int, interval: int, how: str) -> dict[int, float]:
    """{start of bucket: statistic} of all values of some series, as one, over start <= ts < end.

    `source` is the store; `how` is count, sum, avg, min, max or a percentile such as p95. Raises Refused(400).
    """
    if how in _EXACT:
        rows = _rows(source, ids, start, end, interval, _EXACT[how], "GROUP BY bucket")
        return {bucket: float(value) for bucket, value in rows}
    if not how.startswith("p"):
        raise Refused(400, f"{how} of a distribution is not evaluated by the stand-in Datadog")
    return {bucket: found[how] for bucket, found in percentiles(source, ids, start, end, interval, (how,)).items()}


def percentiles(
    source: Any, ids: Iterable[int], start: int, end: int, interval: int, hows: Iterable[str]
) -> dict[int, dict[str, float]]:
    """The same for several percentiles at once: {start of bucket: {percentile: value}}."""
    counted: dict[int, dict[int, float]] = {}
    for bucket, bins_ in _rows(source, ids, start, end, interval, "bins"):
        merged = counted.setdefault(bucket, {})
        for key, count in zip(*json.loads(bins_), strict=True):
            merged[key] = merged.get(key, 0.0) + count
    return {
        bucket: {how: _quantile(sorted(merged.items()), float(how[1:]) / 100) for how in hows}
        for bucket, merged in sorted(counted.items())
        if merged
    }


def _rows(
    source: Any, ids: Iterable[int], start: int, end: int, interval: int, what: str, more: str = ""
) -> list[tuple[int, Any]]:
    chosen = "json_each(?2) AS chosen CROSS JOIN sketch ON series = chosen.value"
    statement = f"SELECT ts / ?1 * ?1 AS bucket, {what} FROM {chosen} WHERE ts >= ?3 AND ts < ?4 {more}"
    return source.read(statement, interval, json.dumps(list(ids)), start, end)


def _quantile(counted: list[tuple[int, float]], part: float) -> float:
    """The value that `part` of the others lie below; `counted` are the bins in their order."""
    rank = part * (sum(n for _, n in counted) - 1)
    so_far = itertools.accumulate(n for _, n in counted)
    return value_of(next((key for (key, _), n in zip(counted, so_far, strict=True) if n > rank), counted[-1][0]))
