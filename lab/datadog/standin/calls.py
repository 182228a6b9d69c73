"""How a request becomes a call of a plain function, and what it returns an answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import decode
from .access import Keys
from .decode import Refused
from .intake import read_body
from .limits import Limits

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Call:
    """A request without its HTTP: what the path and the query hold, the decoded body, None without one, and the
    address under which this was asked, with a slash at its end.
    """

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    base: str = ""


class _Id(IntegerConvertor):
    """A number in a path, with as many digits as ids have: Python refuses to read thousands of them."""

    regex = "[0-9]{1,20}"


register_url_convertor("id", _Id())

# A function answers with the body, with (status, body), or with a whole response.
Handler = Callable[[Call], Any]


def paged(items: list[Any], query: dict[str, str], start: str, count: str, default: int) -> list[Any]:
    """The part of a list that the query's parameters `start` and `count` ask for. Raises Refused(400)."""
    begin = integer(query, start, 0)
    return items[begin : begin + integer(query, count, default)]


def integer(query: dict[str, str], name: str, default: int) -> int:
    """A parameter that is no negative integer. Raises Refused(400)."""
    text = query.get(name) or str(default)
    if not text.isdecimal() or len(text) > 18:
        raise Refused(400, f"The value provided for parameter '{name}' is invalid")
    return int(text)


# Events are sent, like metrics, with the API key alone.
_SENDING = {("POST", "/api/v1/events"), ("POST", "/api/v2/events")}


def routes(keys: Keys, table: Iterable[tuple[str, str, Handler]], lock: threading.RLock) -> list[Route]:
    """The routes of (method, path, handler). Nearly all need both keys; what is no GET runs alone, under `lock`."""
    limits = Limits()
    return [Route(path, _endpoint(keys, handler, lock, limits), methods=[method]) for method, path, handler in table]


def _endpoint(keys: Keys, handler: Handler, lock: threading.RLock, limits: Limits) -> Callable:
    def run(call: Call, alone: bool) -> Any:
        if not alone:
            return handler(call)
        try:
            with lock:
                return handler(call)
        # Handlers check what the API checks. Any other part of a body may be of any type, and trips whoever uses it.
        except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError) as error:
            _LOG.info("refused", exc_info=True)
            raise Refused(400, f"Payload is not in the expected format: {error}") from None

    async def handle(request: Request) -> Response:
        keys.check(request, application=(request.method, request.url.path) not in _SENDING)
        sent = await read_body(request)
        call = Call(
            dict(request.path_params),
            dict(request.query_params),
            decode.load(sent) if sent else None,
            base=str(request.base_url),
        )
        answer = await run_in_threadpool(run, call, request.method != "GET")
        if isinstance(answer, Response):
            return answer
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        headers = limits.headers(request.method, request.url.path)
        return Response(None, status, headers) if body is None else JSONResponse(body, status, headers)

    return handle
