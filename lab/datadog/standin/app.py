"""The application: routes and error handling."""

import asyncio
import functools
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from . import api, web
from .api.account import Account
from .api.faults import FaultyApp
from .api.keys import Keys
from .api.outside import missing
from .errors import Refused
from .store import Store
from .web.site import told

_PRUNE_EVERY = 600
_LOG = logging.getLogger(__name__)
_FAILED = "Internal error of the stand-in Datadog: see its journal"
_BROKEN = "The stand-in Datadog failed to build this page, because of a bug in it or of damaged data"
# What the API returns in addition to the errors of a rejected key.
_FORBIDDEN = {
    "status": "error",
    "code": 403,
    "statuspage": "http://status.datadoghq.com",
    "twitter": "http://twitter.com/datadogops",
    "email": "support@datadoghq.com",
}


def make(store: Store, keys: Keys, evaluate_every: float = 0) -> FaultyApp:
    """Return the ASGI application over `store`, which evaluates monitors at this interval (0: only on request)."""
    account = Account.over(store, keys)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        work = [_repeat(lambda: store.prune(int(time.time())), "pruning of old data", _PRUNE_EVERY)]
        if evaluate_every:
            work.append(_repeat(account.watch.evaluate, "evaluation of monitors", evaluate_every))
        tasks = [asyncio.create_task(one) for one in work]
        yield
        for task in tasks:
            task.cancel()

    app = Starlette(
        routes=[*web.routes(account), *api.routes(account)],
        exception_handlers={
            Refused: _refused,
            HTTPException: functools.partial(_unserved, account),
            ClientDisconnect: lambda _request, _error: Response(status_code=400),
            Exception: functools.partial(_failed, account),
        },
        lifespan=lifespan,
    )
    return FaultyApp(app, account.faults)


async def _repeat(work: Callable[[], None], name: str, every: float) -> None:
    while True:
        begun = time.monotonic()
        try:
            await run_in_threadpool(work)
        # A full disk, or a monitor that breaks the evaluation of all others: the next time may be different.
        except Exception:  # noqa: BLE001
            _LOG.exception("the %s failed", name)
        # The pause until the next time: this never takes more than a tenth of the time.
        await asyncio.sleep(max(every, 9 * (time.monotonic() - begun)))


def _unserved(account: Account, request: Request, error: Any) -> Response:
    """Answer requests without a handler for path or method: a page for people, an error otherwise."""
    if error.status_code != HTTPStatus.NOT_FOUND:
        return JSONResponse({"errors": [error.detail]}, error.status_code, error.headers)
    page = told(account, request, error.status_code, f"There is no page {request.url.path}")
    return page or JSONResponse({"errors": [missing(request.url.path)]}, error.status_code)


def _failed(account: Account, request: Request, _error: Exception) -> Response:
    """Answer requests that fail unexpectedly: a page for people, an error otherwise. The server logs the traceback."""
    return told(account, request, 500, _BROKEN) or JSONResponse({"errors": [_FAILED]}, 500)


def _refused(_request: Request, error: Any) -> Response:
    more = _FORBIDDEN if error.status == 403 else {}
    return JSONResponse({**more, "errors": list(error.errors)}, status_code=error.status)
