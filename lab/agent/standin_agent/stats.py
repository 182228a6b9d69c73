"""Statistics of spans in buckets of ten seconds, by the trace agent's rules (pkg/trace/stats). Pure: no I/O.

Names are those of the msgpack payload, times are nanoseconds.
"""

import threading
from collections import Counter, defaultdict
from typing import Any, NamedTuple

from ddsketch import LogCollapsingLowestDenseDDSketch
from ddsketch.pb.proto import DDSketchProto

BUCKET = 10 * 10**9
# A bucket waits for late spans until the next one is full too.
KEPT = 2 * BUCKET
SPAN_KINDS = ("client", "consumer", "producer", "server")
_TRUE, _FALSE = 1, 2
_MOST = 2**64 - 1


class Source(NamedTuple):
    """Where a trace comes from."""

    Env: str
    Hostname: str
    Version: str
    ContainerID: str


class Key(NamedTuple):
    """By what the spans of a source are told apart."""

    Service: str
    Name: str
    Resource: str
    Type: str
    HTTPStatusCode: int
    SpanKind: str
    Synthetics: bool
    IsTraceRoot: int


class Group:
    """What the spans of one key add up to. One that stands for others by its sampling rate counts for them too."""

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self._latency = {name: LogCollapsingLowestDenseDDSketch(0.01, 2048) for name in ("OkSummary", "ErrorSummary")}

    def add(self, span: Any, weight: float) -> None:
        wrong, top = bool(span.error), span.metrics.get("_top_level") == 1
        self._sums.update(
            Hits=weight, Errors=weight * wrong, Duration=weight * span.duration, TopLevelHits=weight * top
        )
        self._latency["ErrorSummary" if wrong else "OkSummary"].add(span.duration)

    def document(self) -> dict[str, Any]:
        sketches = {name: DDSketchProto.to_proto(sketch) for name, sketch in self._latency.items()}
        sums = {name: min(round(value), _MOST) for name, value in self._sums.items()}
        return {**sums, **{name: sketch.SerializeToString() for name, sketch in sketches.items()}}


Bucket = defaultdict[Source, defaultdict[Key, Group]]


class Concentrator:
    """The open buckets. `now` is the start: what ended before belongs to the first bucket."""

    def __init__(self, now: int) -> None:
        self._lock = threading.Lock()
        self._oldest = now - now % BUCKET
        self._buckets: defaultdict[int, Bucket] = defaultdict(lambda: defaultdict(lambda: defaultdict(Group)))

    def add(self, trace: list[Any], root: Any, source: Source) -> None:
        """Count those spans of a trace that enter a service, are measured, or speak with another process."""
        rate = root.metrics.get("_sample_rate", 1)
        weight = 1 / rate if 1e-9 < rate <= 1 else 1
        synthetics = root.meta.get("_dd.origin", "").startswith("synthetics")
        for span in trace:
            kind, metrics = span.meta.get("span.kind", ""), span.metrics
            wanted = metrics.get("_top_level") == 1 or metrics.get("_dd.measured") == 1 or kind.lower() in SPAN_KINDS
            if not wanted or "_dd.partial_version" in metrics:
                continue
            # Tracers write it as a text or as a number.
            code = float(span.meta.get("http.status_code") or metrics.get("http.status_code", 0))
            named = (span.service, span.name, span.resource, span.type, int(code) if 0 < code < 600 else 0, kind)
            key = Key(*named, synthetics, _FALSE if span.parent_id else _TRUE)
            end = span.start + span.duration
            with self._lock:
                self._buckets[max(end - end % BUCKET, self._oldest)][source][key].add(span, weight)

    def take(self, now: int, *, everything: bool = False) -> list[dict[str, Any]]:
        """The payloads of the buckets that are complete at `now`, one a source; `everything`: of the open ones too."""
        with self._lock:
            due = [start for start in self._buckets if everything or start <= now - KEPT]
            taken = {start: self._buckets.pop(start) for start in due}
            self._oldest = max(self._oldest, now - now % BUCKET - KEPT + BUCKET)
        found: defaultdict[Source, list[dict[str, Any]]] = defaultdict(list)
        for start, bucket in taken.items():
            for source, groups in bucket.items():
                entries = [{**key._asdict(), **group.document()} for key, group in groups.items()]
                found[source].append({"Start": start, "Duration": BUCKET, "Stats": entries})
        return [{**source._asdict(), "Stats": buckets} for source, buckets in found.items()]
