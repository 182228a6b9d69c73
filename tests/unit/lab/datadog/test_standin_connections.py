"""The stand-in Datadog and clients that connect and then send nothing, or very slowly."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from idle_clients import IDLE, connect, is_open, many_files, seconds_until_closed
from standin_process import Standin, free_port

# The timeout for idle connections, in seconds.
PATIENCE = 2


@contextlib.contextmanager
def running(folder: Path, patience: int, most: int = 1024) -> Iterator[Standin]:
    """A stand-in with a limit of connections, and a timeout in seconds."""
    started = Standin(folder, free_port(), options=("--patience", str(patience), "--connections", str(most)))
    started.start()
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standin]:
    with running(tmp_path_factory.mktemp("standin"), PATIENCE) as started:
        yield started


def answers(standin: Standin) -> float:
    """Return how long a POST with a key and a page without one take together, in seconds."""
    begun = time.monotonic()
    body = json.dumps({"series": [{"metric": "m", "points": [[int(begun), 1]]}]}).encode()
    assert standin.request("POST", "/api/v1/series", body, dd_api_key=standin.api_key)[0] == 202
    assert standin.get("/metrics")[0] == 200
    return time.monotonic() - begun


def test_idle_connections_are_closed_and_do_not_block_others(tmp_path: Path) -> None:
    patience, slowest = 10, 0.0
    with many_files(), running(tmp_path, patience) as standin, contextlib.ExitStack() as stack:
        begun, idle = time.monotonic(), []
        other = stack.enter_context(connect(standin.port, "127.0.0.2"))
        for number in range(IDLE):
            idle.append(stack.enter_context(connect(standin.port)))
            if number % 150 == 149:
                slowest = max(slowest, answers(standin))
        still = [is_open(one) for one in idle]
        assert time.monotonic() - begun < patience, "too slow to tell the limit from the timeout"
        # The newest stay; the oldest were closed to make room for them and for other clients.
        assert 900 < sum(still) <= 1024
        assert not any(still[: IDLE - 1100])
        assert all(still[-900:])
        # Another client's connection is older than any of them.
        assert is_open(other)
        # No client had to wait until an idle connection was closed.
        assert slowest < patience
        while any(map(is_open, idle)) and time.monotonic() - begun < 2 * patience:
            # The server checks all of them from time to time.
            time.sleep(0.2)
        assert not any(map(is_open, idle))
        assert answers(standin) < patience
        assert "Too many open files" not in standin.output


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"", b""),
        (b"GET / HTTP/1.1\r\nhost: h\r\nx-slow: ", b"x"),
        (b"POST /api/v1/series HTTP/1.1\r\nhost: h\r\ndd-api-key: KEY\r\ncontent-length: 1000\r\n\r\n", b"x"),
    ],
    ids=["silent", "slow head", "slow body"],
)
def test_slow_request_is_cut_off(standin: Standin, begin: bytes, more: bytes) -> None:
    with connect(standin.port) as connection:
        connection.sendall(begin.replace(b"KEY", standin.api_key.encode()))
        assert PATIENCE - 1 < seconds_until_closed(connection, more) < PATIENCE + 2


def test_slow_reader_is_cut_off(standin: Standin) -> None:
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}
    # A megabyte in the request, and five on the page.
    note = {"definition": {"type": "note", "content": "", "title": "<" * 1_250_000}}
    body = json.dumps({"title": "long", "layout_type": "ordered", "widgets": [note]}).encode()
    status, made = standin.request("POST", "/api/v1/dashboard", body, content_type="application/json", **keys)
    assert status == 200
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", standin.port))
        connection.sendall(f"GET /dashboard/{json.loads(made)['id']} HTTP/1.1\r\nhost: h\r\n\r\n".encode())
        # Longer than the server's timeout.
        time.sleep(PATIENCE + 1.5)
        connection.settimeout(5)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                taken += len(part)
        assert 0 < taken < 4_000_000


def test_slow_response_is_not_cut_off(standin: Standin) -> None:
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}
    slow = json.dumps({"kind": "slow", "seconds": PATIENCE + 1, "path": "/api/v1/validate"}).encode()
    assert standin.request("POST", "/lab/faults", slow, **keys)[0] < 300
    begun = time.monotonic()
    assert standin.get("/api/v1/validate", dd_api_key=standin.api_key)[0] == 200
    assert time.monotonic() - begun > PATIENCE


def test_excess_connection_is_refused_if_all_are_busy(tmp_path: Path) -> None:
    with running(tmp_path, PATIENCE, most=4) as standin, ThreadPoolExecutor(4) as pool:
        keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key}
        slow = json.dumps({"kind": "slow", "seconds": 2, "count": 4, "path": "/api/v1/validate"}).encode()
        assert standin.request("POST", "/lab/faults", slow, **keys)[0] < 300
        busy = [pool.submit(standin.get, "/api/v1/validate", **keys) for _ in range(4)]
        # Until all four have arrived.
        time.sleep(0.7)
        assert standin.get("/metrics") == (503, b"")
        assert [one.result()[0] for one in busy] == [200] * 4
        assert standin.get("/metrics")[0] == 200


@pytest.mark.parametrize("unit", ["kennel-datadog", "kennel-packages"])
def test_unit_allows_more_open_files_than_connections(standin: Standin, unit: str) -> None:
    text = (Path(__file__).parents[4] / "lab" / "datadog" / f"{unit}.service").read_text(encoding="utf-8")
    (limit,) = (int(line.partition("=")[2]) for line in text.splitlines() if line.startswith("LimitNOFILE="))
    with Path(f"/proc/{standin.process.pid}/limits").open(encoding="utf-8") as limits:
        (soft,) = (int(line.split()[3]) for line in limits if line.startswith("Max open files"))
    assert min(limit, soft) >= 2048
