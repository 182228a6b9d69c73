"""Bodies for the trace intake, written with the stand-in's own definitions of the messages."""

from __future__ import annotations

from typing import Any

import msgpack
import standin_client  # noqa: F401 - puts the stand-in on the path
from ddsketch import LogCollapsingLowestDenseDDSketch
from ddsketch.pb.proto import DDSketchProto
from standin import protobuf

SECOND = 10**9


def message(name: str, **fields: Any) -> bytes:
    """A message by the name of its definition."""
    return protobuf._CLASSES[name](**fields).SerializeToString()


def sketch(*seconds: float) -> bytes:
    """A sketch of durations, in nanoseconds as stats have it, by the library that Datadog publishes."""
    made = LogCollapsingLowestDenseDDSketch(0.005)
    for one in seconds:
        made.add(one * SECOND)
    return DDSketchProto.to_proto(made).SerializeToString()


def group(well: list[float], failed: list[float] | None = None, **fields: Any) -> dict[str, Any]:
    """The stats of some spans, by their seconds."""
    failed = failed or []
    usual = {"Service": "shop", "Name": "flask.request", "Resource": "GET /", "HTTPStatusCode": 200, "Type": "web"}
    counted = {
        "Hits": len(well) + len(failed),
        "Errors": len(failed),
        "Duration": round(sum([*well, *failed]) * SECOND),
        "OkSummary": sketch(*well),
        "ErrorSummary": sketch(*failed),
    }
    return {**usual, **counted, **fields}


def client_stats(start: int, *groups: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What a tracer, or an Agent of one tracer, says of ten seconds from `start` on."""
    bucket = {"Start": start * SECOND, "Duration": 10 * SECOND, "Stats": list(groups), "AgentTimeShift": 0}
    return {"Hostname": "web-1", "Env": "lab", "Version": "1.2", "Lang": "python", **fields, "Stats": [bucket]}


def agent_stats(*clients: dict[str, Any]) -> bytes:
    """The body of an Agent's POST to /api/v0.2/stats."""
    return msgpack.packb({"AgentHostname": "web-1", "AgentEnv": "lab", "ClientComputed": False, "Stats": list(clients)})


def span(**fields: Any) -> dict[str, Any]:
    """The fields of a span; `start` and `duration` in seconds."""
    usual = {"service": "shop", "name": "flask.request", "resource": "GET /", "type": "web", "traceID": 7, "spanID": 1}
    made = {**usual, "start": 0, "duration": 0.25, **fields}
    return {**made, **{name: round(made[name] * SECOND) for name in ("start", "duration")}}


def trace(*spans: dict[str, Any], **tracer: Any) -> bytes:
    """The body of POST /api/v0.2/traces with one chunk."""
    tracer = {"env": "lab", "appVersion": "1.2", "chunks": [{"spans": list(spans)}], **tracer}
    return message("AgentPayload", hostName="web-1", tracerPayloads=[tracer])
