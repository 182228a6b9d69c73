"""Protobuf messages from Agents, as far as the stand-in reads them, and msgpack with the same structure.

Field numbers: https://github.com/DataDog/datadog-agent/tree/main/pkg/proto/datadog/trace and
https://github.com/DataDog/agent-payload/blob/master/proto/metrics/agent_payload.proto. Other fields are skipped.
Stats are sent as msgpack with the names of the Go structures of the same definitions; here they have numbers only
because a message needs them.
"""

import re
from typing import Any

import msgpack
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError, Message

from ..errors import malformed

# A field is "name: type = number"; * before the type means repeated, <type> is a map with string keys.
_MESSAGES = {
    "AgentPayload": "hostName: string = 1, env: string = 2, tracerPayloads: *TracerPayload = 5, tags: <string> = 6",
    "TracerPayload": "languageName: string = 2, chunks: *TraceChunk = 6, tags: <string> = 7, env: string = 8, "
    "hostname: string = 9, appVersion: string = 10",
    "TraceChunk": "spans: *Span = 3, tags: <string> = 4",
    "Span": "service: string = 1, name: string = 2, resource: string = 3, traceID: uint64 = 4, spanID: uint64 = 5, "
    "parentID: uint64 = 6, start: int64 = 7, duration: int64 = 8, error: int32 = 9, meta: <string> = 10, "
    "metrics: <double> = 11, type: string = 12",
    "StatsPayload": "AgentHostname: string = 1, AgentEnv: string = 2, Stats: *ClientStatsPayload = 3",
    "ClientStatsPayload": "Hostname: string = 1, Env: string = 2, Version: string = 3, Stats: *ClientStatsBucket = 4, "
    "Service: string = 10",
    "ClientStatsBucket": "Start: uint64 = 1, Duration: uint64 = 2, Stats: *ClientGroupedStats = 3",
    "ClientGroupedStats": "Service: string = 1, Name: string = 2, Resource: string = 3, HTTPStatusCode: uint32 = 4, "
    "Type: string = 5, Hits: uint64 = 7, Errors: uint64 = 8, Duration: uint64 = 9, OkSummary: bytes = 10, "
    "ErrorSummary: bytes = 11",
    "MetricPayload": "series: *MetricSeries = 1",
    "MetricSeries": "resources: *Resource = 1, metric: string = 2, tags: *string = 3, points: *MetricPoint = 4, "
    "type: int32 = 5, interval: int64 = 8",
    "Resource": "type: string = 1, name: string = 2",
    "MetricPoint": "value: double = 1, timestamp: int64 = 2",
    "SketchPayload": "sketches: *Sketch = 1",
    "Sketch": "metric: string = 1, host: string = 2, tags: *string = 4, dogsketches: *Dogsketch = 7",
    "Dogsketch": "ts: int64 = 1, cnt: int64 = 2, min: double = 3, max: double = 4, avg: double = 5, sum: double = 6, "
    "k: *sint32 = 7, n: *uint32 = 8",
}
_FIELD = re.compile(r"(\w+): (\*?)(<?)(\w+)>? = (\d+)")
_PACKAGE = "kennel"


def _classes() -> dict[str, type[Message]]:
    file = descriptor_pb2.FileDescriptorProto(name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, repeated, mapped, kind, number in _FIELD.findall(fields):
            if mapped:
                entry = message.nested_type.add(name=f"{field[0].upper()}{field[1:]}Entry")
                entry.options.map_entry = True
                _add(entry, "key", "string", 1)
                _add(entry, "value", kind, 2)
                kind = f"{name}.{entry.name}"
            _add(message, field, kind, int(number), many=bool(repeated or mapped))
    found = message_factory.GetMessages([file], pool=descriptor_pool.DescriptorPool())
    return {name.removeprefix(f"{_PACKAGE}."): found[name] for name in found}


def _add(message: Any, name: str, kind: str, number: int, *, many: bool = False) -> None:
    field = message.field.add(name=name, number=number)
    field.label = field.LABEL_REPEATED if many else field.LABEL_OPTIONAL
    try:
        field.type = field.Type.Value(f"TYPE_{kind.upper()}")
    except ValueError:
        field.type, field.type_name = field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"


_CLASSES = _classes()


def read(name: str, body: bytes) -> Any:
    """Parse `body` as the message with this name. Raises Refused(400)."""
    try:
        return _CLASSES[name].FromString(body)
    except DecodeError as error:
        raise malformed(f"no {name}: {error}") from None


def stats(body: bytes) -> Any:
    """Parse the StatsPayload in `body`, which is msgpack; wraps a tracer's own ClientStatsPayload. Raises Refused."""
    try:
        sent = msgpack.unpackb(body)
        if any("Start" in item for item in sent.get("Stats") or ()):
            sent = {"Stats": [sent]}
        return _filled("StatsPayload", sent)
    # Anything unexpected raises one of these.
    except (AttributeError, TypeError, ValueError) as error:
        raise malformed(f"no StatsPayload: {error}") from None


def _filled(name: str, sent: dict[str, Any]) -> Any:
    values = {}
    for field in _CLASSES[name].DESCRIPTOR.fields:
        value = sent.get(field.name)
        if value is not None:
            inner = field.message_type
            values[field.name] = [_filled(inner.name, item) for item in value] if inner else value
    return _CLASSES[name](**values)


def series(body: bytes) -> dict[str, Any]:
    """Convert a MetricPayload to the JSON body of the same route. Raises Refused(400)."""
    return {
        "series": [
            {
                "metric": item.metric,
                "type": item.type,
                "interval": item.interval,
                "tags": list(item.tags),
                "resources": [{"type": one.type, "name": one.name} for one in item.resources],
                "points": [{"timestamp": point.timestamp, "value": point.value} for point in item.points],
            }
            for item in read("MetricPayload", body).series
        ]
    }
