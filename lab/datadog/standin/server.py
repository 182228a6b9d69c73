"""The HTTP server, with limits for the number and duration of connections.

uvicorn waits forever for the first request of a connection, for the rest of a request and for a client that does not
read; its limit_concurrency refuses everybody while there are many idle connections. So a connection that waits for its
client is closed after some time, and earlier if there are too many: the oldest one of the client with the most.
"""

import argparse
import resource
from asyncio import Transport
from collections import Counter

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds for a request to arrive, and for its response to be read; concurrent connections.
PATIENCE, MOST = 30.0, 1024
# Connections that the kernel holds until they are taken. asyncio takes so many at once, and may have done so three
# times before it tells of the first.
_BACKLOG = 256
# Open files other than connections: the database of each thread, the page's files.
_OTHERS = 256
_BESIDES = 3 * _BACKLOG + _OTHERS
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


class _Connection(H11Protocol):
    """A connection of at most `most`, which may wait for its client for `patience` seconds."""

    most = MOST
    patience = PATIENCE
    since = 0.0

    # ----------------------------------------------------------------------------------------- asyncio and uvicorn
    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.loop.time()
        self._make_room()
        self._look()

    def on_response_complete(self) -> None:
        self.since = self.loop.time()
        super().on_response_complete()

    # ------------------------------------------------------------------------------------------------------- limits
    @property
    def source(self) -> str:
        """Return the address of the client."""
        return self.client[0] if self.client else ""

    @property
    def waits(self) -> bool:
        """Whether it is the client's turn, to send the rest of its request or to read the response."""
        return self.transport.get_write_buffer_size() > 0 or self.conn.their_state in (h11.IDLE, h11.SEND_BODY)

    def _look(self) -> None:
        """Close this connection if it has waited for too long; otherwise check again later, until it is closed."""
        if self not in self.connections:
            return
        now = self.loop.time()
        if not self.waits:
            self.since = now
        elif now - self.since > self.patience:
            # Do not send what the client does not read.
            self.transport.abort()
            return
        self.loop.call_later(self.patience / 10, self._look)

    def _make_room(self) -> None:
        """If there are too many connections, close one that waits, or else this one."""
        others = [one for one in self.connections if isinstance(one, _Connection) and not one.transport.is_closing()]
        if len(others) <= self.most:
            return
        greedy = Counter(one.source for one in others if one.waits)
        oldest = min(others, key=lambda one: (not one.waits, -greedy[one.source], one.since))
        if oldest is self or not oldest.waits:
            self.transport.write(_BUSY)
            self.transport.close()
        else:
            oldest.transport.abort()


def add_arguments(parser: argparse.ArgumentParser, port: int) -> None:
    """Where to listen, and the limits for connections."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=port, help="port to listen on (default %(default)s)")
    told = "seconds for a request to arrive and its answer to be taken (%(default)s)"
    parser.add_argument("--patience", type=float, default=PATIENCE, help=told)
    parser.add_argument("--connections", type=int, default=MOST, help="connections at a time (%(default)s)")


def serve(app: ASGIApp, options: argparse.Namespace) -> None:
    """Serve until SIGTERM, with `options` from add_arguments()."""
    most = options.connections
    files, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files < most + _BESIDES:
        files = most + _BESIDES if hard == resource.RLIM_INFINITY else min(most + _BESIDES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))

    class Connection(_Connection):
        """Return a protocol with these limits."""

    Connection.patience, Connection.most = options.patience, min(most, max(16, files - _BESIDES))
    # No access log, since Agents send their key in the query string.
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        http=Connection,
        ws="none",
        backlog=_BACKLOG,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
