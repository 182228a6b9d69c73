"""The routes that Agents and clients send to. All of them need the API key."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import decode
from .access import Keys
from .clock import Clock
from .decode import Refused
from .store import Store

# Largest bodies as sent and decompressed, in bytes.
# Source: https://docs.datadoghq.com/api/latest/metrics/#submit-metrics
_V2 = (512_000, 5 * 1024 * 1024)
_OTHER = (3_200_000, 62_914_560)


async def read_body(request: Request, sizes: tuple[int, int] = _OTHER) -> bytes:
    """The body of a request, decompressed. Raises Refused: 400, 413, and 415 for protobuf."""
    if "protobuf" in request.headers.get("content-type", ""):
        raise Refused(415, "protobuf is not taken by the stand-in Datadog yet: send JSON")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > sizes[0]:
            raise Refused(413, f"Payload is too big (maximum {sizes[0]} bytes)")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    return await run_in_threadpool(decode.inflate, bytes(body), encoding, sizes[1])


async def read_json(request: Request, sizes: tuple[int, int] = _OTHER) -> Any:
    """The JSON body of a request. Raises Refused as read_body does, and 400 for what is not JSON."""
    return await run_in_threadpool(decode.load, await read_body(request, sizes))


def routes(store: Store, keys: Keys, clock: Clock) -> list[Route]:
    """All routes of the intake. A clock that is ahead lets points come from as far in the future."""

    def sink(keep: Callable[[Any, int], None], answer: dict[str, Any], sizes: tuple[int, int] = _OTHER) -> Callable:
        """A handler that gives the decoded body and the time to `keep`."""

        async def handle(request: Request) -> Response:
            keys.check(request, application=False)
            payload = await read_json(request, sizes)
            await run_in_threadpool(keep, payload, int(time.time()))
            return JSONResponse(answer, status_code=202)

        return handle

    def keep_host(payload: Any, now: int) -> None:
        report = decode.host_report(payload)
        if report is not None:
            store.add_host(report, now)

    def validate(request: Request) -> Response:
        if not (request.headers.get("dd-api-key") or request.query_params.get("api_key")):
            raise Refused(403, "API key required")
        keys.check(request, application=False)
        return JSONResponse({"valid": True})

    ok = {"status": "ok"}
    series_v1 = sink(lambda payload, now: store.add_samples(decode.series_v1(payload), now, clock.now()), ok)
    series_v2 = sink(
        lambda payload, now: store.add_samples(decode.series_v2(payload), now, clock.now()), {"errors": []}, _V2
    )
    check_run = sink(lambda payload, now: store.add_check_runs(decode.check_runs(payload, now), now), ok)
    host = sink(keep_host, ok)
    # Inventories of packages and checks: nothing in the lab reads them.
    metadata = sink(lambda payload, now: None, ok)
    return [
        Route("/api/v1/series", series_v1, methods=["POST"]),
        Route("/api/v2/series", series_v2, methods=["POST"]),
        Route("/api/v1/check_run", check_run, methods=["POST"]),
        Route("/intake", host, methods=["POST"]),
        Route("/intake/", host, methods=["POST"]),
        Route("/api/v1/metadata", metadata, methods=["POST"]),
        Route("/api/v1/validate", validate, methods=["GET", "POST"]),
    ]
