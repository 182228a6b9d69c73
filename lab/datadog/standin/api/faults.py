"""Failures on demand: the next matching calls fail, before or after their work is done."""

import asyncio
import re
import threading
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import Refused

_HTML = "<!doctype html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_LIMITS = {"limit": "500", "period": "10", "remaining": "0", "reset": "1", "name": "lab_fault"}
_HEADERS = {f"x-ratelimit-{name}": value for name, value in _LIMITS.items()}


_ANSWERS: dict[str, Response] = {
    "429": JSONResponse({"errors": ["Too many requests"]}, 429, _HEADERS),
    "429_html": HTMLResponse(_HTML.format("429 Too Many Requests"), 429, _HEADERS),
    "500": JSONResponse({"errors": ["Internal Server Error"]}, 500),
    "html": HTMLResponse(_HTML.format("502 Bad Gateway"), 502),
    "html_200": HTMLResponse(_HTML.format("Sign in")),
}
KINDS = (*_ANSWERS, "cut", "slow")


@dataclass
class Fault:
    """What happens to the next `count` calls of `method` whose path `path` is found in; `seconds` for slow ones."""

    kind: str
    count: int = 1
    when: str = "before"
    method: str = ""
    path: str = ""
    seconds: float = 5.0

    def __post_init__(self) -> None:
        numbers = isinstance(self.count, int) and self.count > 0 and isinstance(self.seconds, (int, float))
        texts = isinstance(self.method, str) and self.kind in KINDS and self.when in ("before", "after")
        if not numbers or not texts:
            kinds = f"kind: one of {', '.join(KINDS)}; when: before, after"
            raise ValueError(f"{kinds}; method: a text; count: 1 or more; seconds: a number")
        re.compile(self.path)


class Faults:
    def __init__(self) -> None:
        self._set: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, wish: Any) -> None:
        try:
            # "429" may be written as a number.
            fault = Fault(**{**wish, "kind": str(wish["kind"])})
        except (KeyError, TypeError, ValueError, re.error) as error:
            raise Refused(400, f"not a fault: {error}") from None
        with self._lock:
            self._set.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._set.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for a call, and count it down."""
        with self._lock:
            for fault in self._set:
                if fault.method.upper() in ("", method) and re.search(fault.path, path):
                    fault.count -= 1
                    if not fault.count:
                        self._set.remove(fault)
                    return fault
        return None


class FaultyApp:
    """Wrap an application so that its calls under /api fail as `faults` says."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = scope["type"] == "http" and scope["path"].startswith("/api/")
        fault = self._faults.take(scope["method"], scope["path"]) if api else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        answered: list[Message] = []

        async def collect(message: Message) -> None:
            answered.append(message)

        if fault.when == "after":
            await self._app(scope, receive, collect)
        if fault.kind == "cut":
            await _cut(receive, send)
        elif fault.kind != "slow":
            await _ANSWERS[fault.kind](scope, receive, send)
        else:
            # The test asked for the delay.
            await asyncio.sleep(fault.seconds)
            if fault.when == "before":
                await self._app(scope, receive, send)
            for message in answered:
                await send(message)


async def _cut(receive: Receive, send: Send) -> None:
    """Drop the connection. ASGI cannot do this, so it uses uvicorn's transport behind `send`."""
    send.__self__.transport.abort()  # type: ignore[attr-defined]
    while (await receive())["type"] != "http.disconnect":
        pass
