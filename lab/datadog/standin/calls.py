"""How a request becomes a call of a plain function, and what it returns an answer."""

import base64
import hmac
import json
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.convertors import IntegerConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import apm, decode, protobuf, sketches
from .decode import Refused

_LOG = logging.getLogger(__name__)
_VALIDATE = "/api/v1/validate"
# What Agents and clients send with the API key alone, and who asks whether that is right.
_SENDING = {
    *(("POST", f"/api/v1/{name}") for name in ("series", "check_run", "metadata", "events")),
    *(("POST", f"/api/{name}") for name in ("v2/series", "v2/events", "beta/sketches", "v0.2/stats", "v0.2/traces")),
    *(("POST", "/intake"), ("POST", "/intake/"), ("GET", _VALIDATE), ("POST", _VALIDATE)),
}
# Largest bodies as sent and decompressed, in bytes.
# Source: https://docs.datadoghq.com/api/latest/metrics/#submit-metrics
_SIZES = {"/api/v2/series": (512_000, 5 * 1024 * 1024)}
_OTHER = (3_200_000, 62_914_560)
# Bodies that are no JSON; series may be, or not.
_BINARY = {"/api/beta/sketches": sketches.payload, "/api/v0.2/stats": apm.stats, "/api/v0.2/traces": apm.spans}


@dataclass(frozen=True)
class Keys:
    """The API key, for sending, and the application key that reading needs as well."""

    api_key: str = field(repr=False)
    app_key: str = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> "Keys":
        """Read {"api_key": ..., "app_key": ...} from `path`. Raises ValueError when one is missing or empty."""
        content = json.loads(path.read_text(encoding="utf-8"))
        keys = [content.get(name) for name in ("api_key", "app_key")] if isinstance(content, dict) else []
        if not keys or not all(isinstance(key, str) and key for key in keys):
            raise ValueError(f"{path}: needs api_key and app_key")
        return cls(*keys)

    def check(self, request: Request, *, application: bool) -> None:
        """Raise Refused(403) unless the request bears the API key, and the application key where that is asked."""
        sent = _sent(request, "dd-api-key", "api_key")
        if not sent and request.scope.get("path") == _VALIDATE:
            raise Refused(403, "API key required")
        if not _same(sent, self.api_key) or (
            application and not _same(_sent(request, "dd-application-key", "application_key"), self.app_key)
        ):
            raise Refused(403, "Forbidden")


def _sent(request: Request, header: str, parameter: str) -> str:
    """A key from the header or, as older Agents and clients send it, from the query."""
    return request.headers.get(header) or request.query_params.get(parameter, "")


def _same(sent: str, key: str) -> bool:
    return hmac.compare_digest(sent.encode(), key.encode())


@dataclass(frozen=True)
class Call:
    """A request without its HTTP: what the path and the query hold, the decoded body, None without one, and the
    address under which this was asked, with a slash at its end.
    """

    path: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: Any = None
    base: str = ""

    def text(self, name: str) -> str:
        """A parameter of the query that has to be there. Raises Refused(400)."""
        if not self.query.get(name):
            raise Refused(400, f"The parameter '{name}' is required")
        return self.query[name]

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"

    def integer(self, name: str, default: int | None = None, allowed: range = range(decode.LATEST + 1)) -> int:
        """A parameter that is a number, required where there is no default. Raises Refused(400)."""
        if default is not None and not self.query.get(name):
            return default
        try:
            value = int(float(self.text(name)))
        except (OverflowError, ValueError):
            value = -1
        if value not in allowed:
            raise Refused(400, f"The value provided for parameter '{name}' is invalid")
        return value

    def paged(self, items: list[Any], start: str, count: str, default: int) -> list[Any]:
        """The part of a list that the parameters `start` and `count` ask for. Raises Refused(400)."""
        begin = self.integer(start, 0)
        return items[begin : begin + self.integer(count, default)]


def cursor(after: Any) -> str:
    """What a page ended with, as a text for its answer."""
    return base64.urlsafe_b64encode(json.dumps({"after": after}).encode()).decode()


def after(text: str) -> Any:
    """What the page ended with that a cursor follows. Raises ValueError, TypeError or KeyError for what is none."""
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))["after"]


class _Id(IntegerConvertor):
    """A number in a path, with as many digits as ids have: Python refuses to read thousands of them."""

    regex = "[0-9]{1,20}"


register_url_convertor("id", _Id())

# A function answers with the body, with (status, body), or with nothing: 204.
Handler = Callable[[Call], Any]


def routes(keys: Keys, table: Iterable[tuple[str, str, Handler]], lock: threading.RLock) -> list[Route]:
    """The routes of (method, path, handler). Nearly all need both keys; what is no GET runs alone, under `lock`."""
    return [Route(path, _endpoint(keys, handler, lock), methods=[method]) for method, path, handler in table]


def _endpoint(keys: Keys, handler: Handler, lock: threading.RLock) -> Callable:
    def run(call: Call, alone: bool) -> Any:
        if not alone:
            return handler(call)
        try:
            with lock:
                return handler(call)
        # Handlers check what the API checks. Any other part of a body may be of any type, and trips whoever uses it.
        except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError) as error:
            _LOG.info("refused", exc_info=True)
            raise decode.malformed(error) from None

    async def handle(request: Request) -> Response:
        keys.check(request, application=(request.method, request.url.path) not in _SENDING)
        path, query, body = dict(request.path_params), dict(request.query_params), await _body(request)
        answer = await run_in_threadpool(run, Call(path, query, body, str(request.base_url)), request.method != "GET")
        status, body = answer if isinstance(answer, tuple) else (204 if answer is None else 200, answer)
        return Response(None, status) if body is None else JSONResponse(body, status)

    return handle


async def _body(request: Request) -> Any:
    """The decoded body of a request, None without one. Raises Refused: 400, 413, and 415 for protobuf not taken."""
    path = request.url.path
    load = _BINARY.get(path, decode.load)
    if load is decode.load and "protobuf" in request.headers.get("content-type", ""):
        if path != "/api/v2/series":
            raise Refused(415, "protobuf is not taken here by the stand-in Datadog: send JSON")
        load = protobuf.series
    sent, plain = _SIZES.get(path, _OTHER)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > sent:
            raise Refused(413, f"Payload is too big (maximum {sent} bytes)")
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if not body and load is decode.load:
        return None
    return await run_in_threadpool(lambda: load(decode.inflate(bytes(body), encoding, plain)))
