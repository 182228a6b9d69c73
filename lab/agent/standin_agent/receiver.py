"""HTTP as tracers speak it with the trace agent: on TCP or a Unix socket, kept alive, of known length or in chunks."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from standin_agent import AGENT_VERSION


class Refused(Exception):
    """A request that is answered with an error: its HTTP status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 128


class UnixServer(Server):
    address_family = socket.AF_UNIX


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. A subclass has `respond`, which gets path, headers and body and gives (status, document): bytes
    are sent as they are, anything else as JSON."""

    protocol_version = "HTTP/1.1"
    # Head and body of an answer in one packet: in two, the second would wait for the first one's acknowledgement.
    wbufsize = -1
    # A connection that says nothing for so many seconds is closed.
    timeout = 60
    limit: int
    respond: Callable[[str, Any, bytes], tuple[int, Any]]

    def do_GET(self) -> None:
        try:
            if self.headers.get("Sec-Fetch-Site") == "cross-site":
                raise Refused(403, "cross-site request rejected")
            status, found = type(self).respond(urlsplit(self.path).path, self.headers, self._body())
        except Refused as error:
            # What is left of the body would be read as the next request.
            self.close_connection = True
            status, found = error.status, f"{error}\n".encode()
        plain = isinstance(found, bytes)
        body = found if plain else json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if plain else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Datadog-Agent-Version", AGENT_VERSION)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_GET

    def _body(self) -> bytes:
        """The request's body. Raises Refused: 400 where it ends early or is no chunk, 413 where it is too long."""
        chunked = self.headers.get("Transfer-Encoding", "").lower() == "chunked"
        length = self.headers.get("Content-Length", "0")
        body, more = bytearray(), True
        try:
            while more:
                size = int(self.rfile.readline(100).partition(b";")[0], 16) if chunked else int(length)
                if size < 0 or len(body) + size > self.limit:
                    raise Refused(413, "payload-too-large")
                part = self.rfile.read(size)
                if len(part) < size:
                    raise Refused(400, "unexpected-eof")
                body += part
                more = chunked and size > 0
                # The end of the chunk's line; after the last chunk, of the trailers.
                while chunked and self.rfile.readline(1000).strip() and not more:
                    pass
        except ValueError as error:
            raise Refused(400, str(error)) from None
        return bytes(body)

    def log_message(self, *_args: Any) -> None:
        """Nothing: a tracer sends every second."""


class Receiver:
    """Servers of one application, each connection in a thread of its own."""

    def __init__(self, respond: Callable[[str, Any, bytes], tuple[int, Any]], limit: int) -> None:
        self._handler = type("Bound", (Handler,), {"respond": staticmethod(respond), "limit": limit})
        self._servers: list[Server] = []

    def listen(self, address: tuple[str, int] | str) -> None:
        """Serve on a host and port or on a path, where a dead socket is replaced. Raises OSError."""
        if isinstance(address, str):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(address)
            server: Server = UnixServer(address, self._handler)  # type: ignore[arg-type]
            # Any user's tracer may write.
            os.chmod(address, 0o722)
        else:
            server = Server(address, self._handler)
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
