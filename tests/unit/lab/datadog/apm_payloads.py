"""Bodies for the trace intake, built from the stand-in's message definitions, and a function that sends them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

import msgpack
from ddsketch import LogCollapsingLowestDenseDDSketch
from ddsketch.pb.proto import DDSketchProto
from standin_client import KEYS, Client, protobuf

SECOND = 10**9
NOW = int(time.time())
THEN = NOW // 60 * 60 - 120
STATS, TRACES, SKETCHES, SERIES = "/api/v0.2/stats", "/api/v0.2/traces", "/api/beta/sketches", "/api/v2/series"
PROTOBUF = [(b"content-type", b"application/x-protobuf")]
LAST = {"from": "now-1h"}


def message(name: str, **fields: Any) -> bytes:
    """Return a message of the named type."""
    return protobuf._CLASSES[name](**fields).SerializeToString()


def sketch(*seconds: float) -> bytes:
    """Return a sketch of durations in nanoseconds, as in stats, built with Datadog's public library."""
    made = LogCollapsingLowestDenseDDSketch(0.005)
    for one in seconds:
        made.add(one * SECOND)
    return DDSketchProto.to_proto(made).SerializeToString()


def group(well: list[float], failed: list[float] | None = None, **fields: Any) -> dict[str, Any]:
    """Return the stats of spans with these durations in seconds."""
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
    """Return what a tracer, or an Agent for one tracer, reports about ten seconds from `start`."""
    bucket = {"Start": start * SECOND, "Duration": 10 * SECOND, "Stats": list(groups), "AgentTimeShift": 0}
    return {"Hostname": "web-1", "Env": "lab", "Version": "1.2", "Lang": "python", **fields, "Stats": [bucket]}


def agent_stats(*clients: dict[str, Any]) -> bytes:
    """Return the body of an Agent's POST to /api/v0.2/stats."""
    return msgpack.packb({"AgentHostname": "web-1", "AgentEnv": "lab", "ClientComputed": False, "Stats": list(clients)})


def span(**fields: Any) -> dict[str, Any]:
    """Return the fields of a span; `start` and `duration` are in seconds."""
    usual = {"service": "shop", "name": "flask.request", "resource": "GET /", "type": "web", "traceID": 7, "spanID": 1}
    made = {**usual, "start": 0, "duration": 0.25, **fields}
    return {**made, **{name: round(made[name] * SECOND) for name in ("start", "duration")}}


def trace(*spans: dict[str, Any], **tracer: Any) -> bytes:
    """Return the body of POST /api/v0.2/traces with one chunk."""
    tracer = {"env": "lab", "appVersion": "1.2", "chunks": [{"spans": list(spans)}], **tracer}
    return message("AgentPayload", hostName="web-1", tracerPayloads=[tracer])


ROOT = span(start=NOW - 5, meta={"http.status_code": "500", "_dd.p.tid": "00000000000000ab"}, error=1)
CHILD = span(
    start=NOW - 4.9,
    spanID=2,
    parentID=1,
    service="mysql",
    name="pymysql.query",
    type="sql",
    resource="SELECT ?",
    duration=0.125,
    metrics={"db.rowcount": 3.0, "_top_level": 1.0, "bad": float("nan")},
)


def send(client: Client, path: str, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> tuple[int, Any]:
    """Send a body as an Agent does; return (status, decoded response)."""
    status, _, answer = client.call("POST", path, body=body, headers=[*KEYS[:1], *headers])
    return status, json.loads(answer)
