# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A small Datadog API on a loopback port, for tests of the client and of modules that run on the controller."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class FakeApi:
    """Serves its routes. ``faults`` come first, one per call.

    The route of a GET is its path. Routes of writes start with the method, and get the body instead of the query.
    ``late_faults`` replace the responses to writes, after the write has taken effect.
    """

    api_key = "a1" * 16
    app_key = "b2" * 20

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.routes: dict[str, Callable[[Any], Answer]] = {
            "/api/v1/validate": lambda query: (200, {"valid": True}),
            "/api/v1/hosts": lambda query: (200, {"host_list": [], "total_matching": 0, "total_returned": 0}),
        }
        self.faults: list[Answer] = []
        self.late_faults: list[Answer] = []
        self.calls: list[tuple[str, dict[str, str]]] = []
        self.writes: list[tuple[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def write(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        self.writes.append((f"{method} {path}", body))
        answer = self.answer(f"{method} {path}", body, headers)
        return self.late_faults.pop(0) if self.late_faults else answer

    def answer(self, path: str, query: dict[str, str], headers: dict[str, str]) -> Answer:
        self.calls.append((path, query))
        self.headers.append(headers)
        if self.faults:
            return self.faults.pop(0)
        right_api_key = headers.get("dd-api-key") == self.api_key
        right_app_key = headers.get("dd-application-key") == self.app_key or path == "/api/v1/validate"
        if "/api/" in path and not (right_api_key and right_app_key):
            return 403, {"errors": ["Forbidden"]}
        route = self.routes.get(path)
        return route(query) if route else (404, {"errors": ["Not found"]})


@contextmanager
def serve() -> Iterator[FakeApi]:
    """Serve a fake API until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.respond(fake.answer(url.path, dict(parse_qsl(url.query)), headers))

        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(self.rfile.read(int(headers.get("content-length", 0))) or "null")
            self.respond(fake.write(self.command, urlsplit(self.path).path, headers, body))

        do_PUT = do_PATCH = do_DELETE = do_POST

        def respond(self, answer: Answer) -> None:
            status, body, *more = answer
            text = body if isinstance(body, str | bytes) else json.dumps(body)
            data = text.encode() if isinstance(text, str) else text
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **(more[0] if more else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
            # A Content-Length larger than the body, as if the connection broke in the middle.
            self.close_connection = bool(more) and "Content-Length" in more[0]

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake = FakeApi(server)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
