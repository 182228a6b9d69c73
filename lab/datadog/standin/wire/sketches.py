"""Distributions: values counted in bins whose width grows with the value.

All are converted to the bins of the Agent's own sketches, so that they can be merged over time and series: bin k > 0 is
around 1.015625 ** (k - 1338), bin -k around the negative of that, bin 0 around zero.
Source: https://github.com/DataDog/datadog-agent/blob/main/pkg/util/quantile/config.go and, for the sketches in stats,
https://github.com/DataDog/sketches-go/blob/master/ddsketch/pb/ddsketch.proto
"""

import itertools
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ddsketch.pb.ddsketch_pb2 import DDSketch, IndexMapping
from google.protobuf.message import DecodeError

from ..errors import malformed
from . import protobuf
from .bodies import Key, Sample, distribution_points, load, tags

TYPE = "distribution"
_GAMMA, _BIAS = 1.015625, 1338
_LARGEST_KEY = 2**15 - 1
_MOST_BINS = 4096
# Below this, the sum of any possible number of values is finite.
_LARGEST = 1e300


@dataclass
class Sketch:
    """Values of one moment: count, sum, minimum, maximum, and the count of each bin."""

    count: float
    total: float
    low: float
    high: float
    bins: dict[int, float] = field(default_factory=dict)


@dataclass
class Distribution(Sample):
    """Sketches of a series by second; its `points` are the number of values in each."""

    sketches: dict[int, Sketch] = field(default_factory=dict)


def distribution(key: Key, interval: int, sketches: dict[int, Sketch]) -> Distribution:
    """Return a sample that adds `sketches` to the existing ones."""
    return Distribution(key, TYPE, interval, {ts: one.count for ts, one in sketches.items()}, True, sketches)


def value_of(key: int) -> float:
    """Return the value in the middle of a bin."""
    return math.copysign(_GAMMA ** (abs(key) - _BIAS), key) if key else 0.0


def key_of(value: float) -> int:
    """Return the bin of a finite value."""
    key = round(math.log(abs(value)) / math.log(_GAMMA)) + _BIAS if value else 0
    return int(math.copysign(min(key, _LARGEST_KEY), value)) if key > 0 else 0


def bins(body: bytes, unit: float = 1.0) -> dict[int, float]:
    """Return the bins of a DDSketch message, with values multiplied by `unit`. Raises Refused(400)."""
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
            # Bin i of Datadog's Agents and tracers covers gamma ** (i - offset) up to the next power of gamma.
            middle = (index - offset + 0.5) * math.log(gamma) + math.log(unit)
            if not abs(middle) < 700:
                raise malformed("DDSketch: a value is out of range")
            key = key_of(sign * math.exp(middle))
            found[key] = found.get(key, 0.0) + count
    if len(found) > _MOST_BINS or not all(0 <= count < 2**64 for count in found.values()):
        raise malformed("DDSketch: expected counts")
    return found


def payload(body: bytes) -> list[Distribution]:
    """Parse the body of POST /api/beta/sketches. Raises Refused(400)."""
    found = []
    for item in protobuf.read("SketchPayload", body).sketches:
        sketches = {one.ts: _sketch(one) for one in item.dogsketches if one.cnt > 0 and one.ts >= 0}
        if not item.metric:
            raise malformed("metric is required")
        found.append(distribution(Key(item.metric, item.host, tags(list(item.tags))), 10, sketches))
    return found


def points(body: bytes) -> list[Distribution]:
    """Parse the body of POST /api/v1/distribution_points, which contains the values themselves. Raises Refused(400)."""
    found = []
    for key, values in distribution_points(load(body)):
        found.append(distribution(key, 10, {ts: _counted(some) for ts, some in values.items() if some}))
    return found


def _counted(values: list[float]) -> Sketch:
    return Sketch(len(values), math.fsum(values), min(values), max(values), dict(Counter(map(key_of, values))))


def _sketch(sent: Any) -> Sketch:
    if len(sent.k) != len(sent.n) or not all(abs(value) < _LARGEST for value in (sent.min, sent.max, sent.sum)):
        raise malformed("a sketch whose parts do not fit")
    counted: dict[int, float] = {}
    # A bin with more values than its counter can hold occurs several times.
    for key, n in zip(sent.k, sent.n, strict=True):
        key = max(-_LARGEST_KEY, min(key, _LARGEST_KEY))
        counted[key] = counted.get(key, 0.0) + n
    return Sketch(float(sent.cnt), sent.sum, sent.min, sent.max, counted)
