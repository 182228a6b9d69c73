"""Clients that connect to a server on loopback and then send nothing, or very slowly."""

from __future__ import annotations

import contextlib
import resource
import socket
import time
from collections.abc import Iterator

import pytest

IDLE = 1500


def connect(port: int, source: str = "127.0.0.1") -> socket.socket:
    """Open a connection from this loopback address."""
    return socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0))


def is_open(connection: socket.socket) -> bool:
    """Whether the server has kept the connection open: there is nothing to read, not even end of file."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def seconds_until_closed(connection: socket.socket, sent: bytes = b"") -> float:
    """Return how long the server keeps a client that repeatedly sends `sent`, five bytes a second."""
    begun = time.monotonic()
    for number in range(100):
        if not is_open(connection):
            break
        with contextlib.suppress(OSError):
            connection.send(sent[number % len(sent) :][:1] if sent else b"")
        # A slow client's pace.
        time.sleep(0.2)
    return time.monotonic() - begun


@contextlib.contextmanager
def many_files() -> Iterator[None]:
    """Raise the limit of open files for IDLE connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = IDLE + 500
    # Only root can raise the hard limit.
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"the hard limit of open files is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
