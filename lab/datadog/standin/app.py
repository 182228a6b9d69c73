"""The application: routes, and how it answers what goes wrong."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from . import api, dashboards, downtimes_v1, events, search, spans
from . import downtimes as downtimes_v2
from .calls import Call, Handler, Keys, routes
from .clock import Clock
from .decode import Refused
from .documents import Documents
from .downtimes import Downtimes
from .faults import Faults, FaultyApp
from .monitors import Monitors
from .snapshot import Snapshots
from .store import Store
from .watch import Watch
from .web import alerts, boards, hosts, services
from .web.site import Site, static

_PRUNE_EVERY = 600
_LOG = logging.getLogger(__name__)
_FAILED = "Internal error of the stand-in Datadog: see its journal"
# What the API says beside the errors of a refused key.
_FORBIDDEN = {
    "status": "error",
    "code": 403,
    "statuspage": "http://status.datadoghq.com",
    "twitter": "http://twitter.com/datadogops",
    "email": "support@datadoghq.com",
}


def make(store: Store, keys: Keys, evaluate_every: float = 0) -> FaultyApp:
    """The ASGI application over `store`, which evaluates monitors every so many seconds (0: only when told to)."""
    clock, documents, faults = Clock(), Documents(store), Faults()
    watch = Watch(store, documents, clock)
    snapshots = Snapshots(store, documents)
    downtimes = Downtimes(documents, clock)
    monitors = Monitors(documents, downtimes, clock, watch.state)
    site = Site(store, documents, clock, monitors, downtimes)
    # The first route that fits answers: what is more special comes first.
    table = [
        *_lab(clock, faults, documents, watch),
        *snapshots.table(),
        *search.table(monitors, downtimes),
        *downtimes_v1.table(downtimes, clock),
        *monitors.table(),
        *downtimes_v2.table(downtimes),
        *dashboards.table(documents, clock),
        *events.table(documents, clock),
        *spans.table(store),
        *api.table(store, downtimes),
        *api.intake(store, clock),
    ]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(_prune(store))]
        if evaluate_every:
            tasks.append(asyncio.create_task(_evaluate(watch, evaluate_every)))
        yield
        for task in tasks:
            task.cancel()

    app = Starlette(
        routes=[
            *(route for part in (hosts, boards, alerts, services) for route in part.routes(site)),
            *static(),
            snapshots.route(),
            *routes(keys, table, documents.lock),
        ],
        exception_handlers={
            Refused: _refused,
            HTTPException: lambda _, error: JSONResponse({"errors": [error.detail]}, error.status_code, error.headers),
            ClientDisconnect: lambda _request, _error: Response(status_code=400),
            Exception: lambda _request, _error: JSONResponse({"errors": [_FAILED]}, 500),
        },
        lifespan=lifespan,
    )
    return FaultyApp(app, faults)


def _lab(clock: Clock, faults: Faults, documents: Documents, watch: Watch) -> list[tuple[str, str, Handler]]:
    """What only a lab has: a clock to set, failures on demand, an account to empty, and mail that nobody gets."""

    def set_clock(call: Call) -> dict[str, Any]:
        clock.set(call.body)
        return clock.shown()

    def reset(call: Call) -> None:
        for forget in (faults.clear, documents.clear, watch.forget):
            forget()

    return [
        ("GET", "/lab/clock", lambda call: clock.shown()),
        ("PUT", "/lab/clock", set_clock),
        ("POST", "/lab/faults", lambda call: faults.add(call.body)),
        ("DELETE", "/lab/faults", lambda call: faults.clear()),
        ("POST", "/lab/reset", reset),
        ("POST", "/lab/evaluate", lambda call: watch.evaluate()),
        ("GET", "/lab/mailbox", lambda call: {"messages": documents.all("mail")}),
        ("DELETE", "/lab/mailbox", lambda call: documents.clear("mail")),
    ]


async def _prune(store: Store) -> None:
    while True:
        await run_in_threadpool(store.prune, int(time.time()))
        # The pause between two prunings.
        await asyncio.sleep(_PRUNE_EVERY)


async def _evaluate(watch: Watch, every: float) -> None:
    while True:
        begun = time.monotonic()
        try:
            await run_in_threadpool(watch.evaluate)
        # One monitor that trips the evaluation must not end it for all the others: the journal has the reason.
        except Exception:  # noqa: BLE001
            _LOG.exception("the evaluation of monitors failed")
        # The pause between two evaluations: never more than a tenth of the time goes to them.
        await asyncio.sleep(max(every, 9 * (time.monotonic() - begun)))


def _refused(request: Request, error: Refused) -> Response:
    more = _FORBIDDEN if error.status == 403 else {}
    return JSONResponse({**more, "errors": list(error.errors)}, status_code=error.status)
