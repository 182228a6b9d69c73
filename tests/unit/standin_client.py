"""A client of the stand-in Datadog's application, without a server between them."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
access, app, store = (importlib.import_module(f"standin.{name}") for name in ("access", "app", "store"))

KEYS = [(b"dd-api-key", b"k"), (b"dd-application-key", b"a"), (b"host", b"lab.example:8080")]


class Client:
    """Calls the application as a server would; `store` is what lies under it."""

    def __init__(self, folder: Path) -> None:
        self.store = store.Store(folder, retention=86400)
        self.app = app.make(self.store, access.Keys("k", "a"))

    def call(
        self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None, headers: list | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) of an answer."""
        parts = [{"type": "http.request", "body": b"" if body is None else json.dumps(body).encode()}]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode(query or {}).encode(),
            "headers": KEYS if headers is None else headers,
            "scheme": "http",
            "server": ("127.0.0.1", 8080),
        }
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            # A client that has sent everything says nothing more until it is answered.
            return parts.pop() if parts else await asyncio.Event().wait()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        asyncio.run(self.app(scope, receive, send))
        head = {name.decode(): value.decode() for name, value in said[0]["headers"]}
        return said[0]["status"], head, b"".join(part.get("body", b"") for part in said[1:])

    def json(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The body of an answer that has to be a success."""
        status, _, answer = self.call(method, path, query, body)
        assert status < 300, answer
        return json.loads(answer) if answer else None
