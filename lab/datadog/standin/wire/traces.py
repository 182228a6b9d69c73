"""The trace intake: stats, which become trace.* metrics, and spans.

Which metrics there are: https://docs.datadoghq.com/tracing/metrics/metrics_namespace/. trace.NAME is the distribution
of latencies, so p95:trace.NAME{...} is a percentile; trace.NAME.duration is a gauge, the sum of seconds in each ten
seconds. Apdex counts a request of up to half a second as 1, of up to four times that as 0.5, and all others and errors
as 0: https://docs.datadoghq.com/tracing/guide/configure_an_apdex_for_your_traces_with_datadog_apm/
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import protobuf
from .bodies import Key, Sample, tags
from .sketches import Sketch, bins, distribution, value_of

APDEX_SECONDS = 0.5
_NANO = 1e-9
_NO_NAME = re.compile(r"[^A-Za-z0-9_.]+")


@dataclass(frozen=True)
class Span:
    """A span: `trace` is 32 hexadecimal digits, `start` nanoseconds since the epoch, `duration` nanoseconds."""

    trace: str
    span: int
    parent: int
    start: int
    duration: int
    error: bool
    service: str
    name: str
    resource: str
    type: str
    env: str
    host: str
    version: str
    meta: dict[str, str]
    metrics: dict[str, float]

    @property
    def end(self) -> int:
        """Its end in nanoseconds since the epoch."""
        return self.start + self.duration


# ------------------------------------------------------------------------------------------------------------- stats
def stats(body: bytes) -> list[Sample]:
    """Return the metrics from the body of POST /api/v0.2/stats. Raises Refused(400)."""
    sent = protobuf.stats(body)
    return [
        sample
        for client in sent.Stats
        for bucket in client.Stats
        for group in bucket.Stats
        for sample in _metrics(sent, client, bucket, group)
    ]


def _metrics(sent: Any, client: Any, bucket: Any, group: Any) -> Iterator[Sample]:
    """Return the metrics of a group of spans with the same service, operation, resource and status."""
    status = group.HTTPStatusCode
    named = {
        "env": client.Env or sent.AgentEnv or "none",
        "service": group.Service or client.Service,
        "resource_name": group.Resource,
        "version": client.Version,
        "http.status_code": str(status or ""),
    }
    own = [f"{name}:{value}" for name, value in named.items() if value]
    host, ts, interval = client.Hostname or sent.AgentHostname, bucket.Start // 10**9, bucket.Duration // 10**9 or 10
    # The Agent's default for a missing name (datadog-agent 7.70, pkg/trace/traceutil/normalize).
    metric = f"trace.{_NO_NAME.sub('_', group.Name) or 'unnamed_operation'}"

    def key(name: str, *more: str) -> Key:
        return Key(name, host, tags([*own, *more]))

    def one(name: str, kind: str, value: float, *more: str) -> Sample:
        return Sample(key(f"{metric}.{name}", *more), kind, interval, {ts: value}, True)

    counts = {"hits": float(group.Hits), "errors": float(group.Errors)}
    for name, value in counts.items():
        yield one(name, "count", value)
        if status:
            yield one(f"{name}.by_http_status", "count", value, f"http.status_class:{status // 100}xx")
    yield one("duration", "gauge", group.Duration * _NANO)
    well, failed = bins(group.OkSummary, _NANO), bins(group.ErrorSummary, _NANO)
    both = {key: well.get(key, 0.0) + failed.get(key, 0.0) for key in sorted({*well, *failed})}
    if both:
        low, high = value_of(min(both)), value_of(max(both))
        yield distribution(
            key(metric), interval, {ts: Sketch(sum(both.values()), group.Duration * _NANO, low, high, both)}
        )
    if group.Type == "web" and group.Hits:
        scores = [(_score(value_of(bin_)), count) for bin_, count in well.items()] + [(0.0, sum(failed.values()))]
        there = [score for score, count in scores if count]
        total = math.fsum(score * count for score, count in scores)
        count = math.fsum(count for _, count in scores)
        if count:
            apdex = Sketch(count, total, min(there), max(there))
            yield distribution(key(f"{metric}.apdex"), interval, {ts: apdex})


def _score(seconds: float) -> float:
    return 1.0 if seconds <= APDEX_SECONDS else 0.5 if seconds <= 4 * APDEX_SECONDS else 0.0


# ------------------------------------------------------------------------------------------------------------- spans
def spans(body: bytes) -> list[Span]:
    """Return the spans in the body of POST /api/v0.2/traces. Raises Refused(400)."""
    sent = protobuf.read("AgentPayload", body)
    return [span for tracer in sent.tracerPayloads for chunk in tracer.chunks for span in _chunk(sent, tracer, chunk)]


def _chunk(sent: Any, tracer: Any, chunk: Any) -> Iterator[Span]:
    # Only the first span carries the upper half of the trace ID.
    told = [tags["_dd.p.tid"] for tags in (chunk.tags, *(span.meta for span in chunk.spans)) if "_dd.p.tid" in tags]
    upper = told[0] if told and re.fullmatch(r"[0-9a-f]{16}", told[0]) else "0" * 16
    for span in chunk.spans:
        meta = {**sent.tags, **tracer.tags, **chunk.tags, **span.meta}
        yield Span(
            trace=f"{upper}{span.traceID:016x}",
            span=span.spanID,
            parent=span.parentID,
            start=max(0, span.start),
            duration=max(0, span.duration),
            error=bool(span.error),
            service=span.service,
            name=span.name,
            resource=span.resource or span.name,
            type=span.type,
            env=meta.get("env") or tracer.env or sent.env or "none",
            host=tracer.hostname or sent.hostName,
            version=meta.get("version") or tracer.appVersion,
            meta=meta,
            # JSON, and so the API, does not have other numbers.
            metrics={name: _whole(value) for name, value in span.metrics.items() if math.isfinite(value)},
        )


def _whole(value: float) -> float:
    """Format a number as JavaScript does: 200 rather than 200.0."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
