"""Turn requests into calls of plain functions, and their results into responses.

All modules of the API have the same structure: their methods take a call, return a body, (status, body) or nothing
(204), and raise Refused for what the API rejects.
"""

import base64
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..clock import LATEST
from ..errors import Refused, malformed
from ..wire import bodies
from ..wire.bodies import Json
from .account import Account

_Method = TypeVar("_Method", bound=Callable[..., Any])
_LOG = logging.getLogger(__name__)
# Maximum size of bodies in bytes, as sent and decompressed.
# Source: https://docs.datadoghq.com/api/latest/metrics/#submit-metrics
SMALL = (512_000, 5 * 1024 * 1024)
_USUAL = (3_200_000, 62_914_560)


@dataclass(frozen=True)
class Call:
    """A request without HTTP: the parameters of path and query, the decoded body or None, the URL of this server in the
    request, with a trailing slash, and the method.
    """

    path: Json = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    base: str = ""
    method: str = ""

    def object(self) -> Json:
        """Return the body, which must be an object. Raises Refused(400)."""
        if not isinstance(self.body, dict):
            raise Refused(400, "Invalid JSON")
        return self.body

    def data(self) -> Json:
        """Return "data" in the body of a v2 request; empty if it is not an object."""
        found = self.body.get("data") if isinstance(self.body, dict) else None
        return found if isinstance(found, dict) else {}

    def wish(self) -> Json:
        """Return the parameters of query and body, for calls that accept both."""
        return {**self.query, **(self.body or {})}

    def text(self, name: str) -> str:
        """Return a required parameter of the query. Raises Refused(400)."""
        if not self.query.get(name):
            raise Refused(400, f"The parameter '{name}' is required")
        return self.query[name]

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"

    def integer(self, name: str, default: int | None = None, allowed: range = range(LATEST + 1)) -> int:
        """Return a numeric parameter, which is required without a default. Raises Refused(400)."""
        if default is not None and not self.query.get(name):
            return default
        try:
            value = int(float(self.text(name)))
        except (OverflowError, ValueError):
            value = -1
        if value not in allowed:
            raise Refused(400, f"The value provided for parameter '{name}' is invalid")
        return value

    def span(self, start: str, end: str) -> tuple[int, int]:
        """Return the times in two parameters, which must be in order. Raises Refused(400)."""
        begin, finish = self.integer(start), self.integer(end)
        if begin >= finish:
            raise Refused(400, f"The parameter '{start}' must be before '{end}'")
        return begin, finish

    def paged(self, items: list[Any], start: str, count: str, default: int) -> list[Any]:
        """Return the part of a list that `start` and `count` select. Raises Refused(400)."""
        begin = self.integer(start, 0)
        return items[begin : begin + self.integer(count, default)]


def cursor(after: Any) -> str:
    """Return the cursor after a page, as text."""
    return base64.urlsafe_b64encode(json.dumps({"after": after}).encode()).decode()


def after(text: str) -> Any:
    """Return the end of the page before a cursor. Raises ValueError, TypeError or KeyError if it is invalid."""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["after"]


class _Id(IntegerConvertor):
    """A number in a path, limited to the digits of IDs: Python refuses to parse thousands of digits."""

    regex = "[0-9]{1,20}"


register_url_convertor("id", _Id())


@dataclass(frozen=True)
class Entry:
    """A call of the API: whether it needs both keys, the "api_key" or "nothing", how its body is parsed, and how large
    that may be.
    """

    method: str
    path: str
    needs: str = "both"
    load: Callable[[bytes], Any] = bodies.load
    protobuf: Callable[[bytes], Any] | None = None
    limits: tuple[int, int] = _USUAL


def on(method: str, path: str, **options: Any) -> Callable[[_Method], _Method]:
    """Declare the handler of `method` on `path`; `options` are those of Entry."""

    def declare(handler: _Method) -> _Method:
        handler.__dict__.setdefault("entries", []).append(Entry(method, path, **options))
        return handler

    return declare


class Room(Account):
    """The calls of one resource of an account: methods that take a Call, each declared by `on`."""

    middleware: ClassVar[tuple[Middleware, ...]] = ()

    def routes(self) -> Iterator[Route]:
        for name, method in vars(type(self)).items():
            for entry in getattr(method, "entries", ()):
                endpoint = self.endpoint(entry, getattr(self, name))
                yield Route(entry.path, endpoint, methods=[entry.method], middleware=self.middleware)

    def endpoint(self, entry: Entry, handler: Callable[..., Any]) -> Callable[[Request], Any]:
        """Return the endpoint that calls `handler`. Requests other than GET run alone."""

        def run(call: Call) -> Any:
            if entry.method == "GET":
                return handler(call)
            try:
                with self.documents.lock:
                    return handler(call)
            # Handlers validate what the API validates. Other parts of a body may have any type and cause an exception.
            except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError) as error:
                _LOG.info("refused", exc_info=True)
                raise malformed(error) from None

        async def handle(request: Request) -> Response:
            if entry.needs != "nothing":
                self.keys.check(request, application=entry.needs == "both")
            path, query, body = dict(request.path_params), dict(request.query_params), await _body(request, entry)
            answer = await run_in_threadpool(run, Call(path, query, body, str(request.base_url), request.method))
            if isinstance(answer, Response):
                return answer
            status, body = answer if isinstance(answer, tuple) else (204 if answer is None else 200, answer)
            return Response(None, status) if body is None else JSONResponse(body, status)

        return handle


async def _body(request: Request, entry: Entry) -> Any:
    """The decoded body of a request, None without one. Raises Refused: 400, 413, and 415 for protobuf not taken."""
    load = entry.load
    if load is bodies.load and "protobuf" in request.headers.get("content-type", ""):
        if entry.protobuf is None:
            raise Refused(415, "protobuf is not taken here by the stand-in Datadog: send JSON")
        load = entry.protobuf
    sent, plain = entry.limits
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > sent:
            raise Refused(413, f"Payload is too big (maximum {sent} bytes)")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if not body and load is bodies.load:
        return None
    return await run_in_threadpool(lambda: load(bodies.inflate(bytes(body), encoding, plain)))
