"""The server of the lab's package repository: its files, and clients that send very slowly."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from idle_clients import IDLE, connect, is_open, many_files, seconds_until_closed
from standin_process import ROOT, free_port

# The timeout for idle connections, in seconds.
PATIENCE = 8
NAME = "pool/datadog-agent_7.99.0~lab-1_all.deb"
PACKAGE = bytes(range(256)) * 4000


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server of a folder, which has one file in a subfolder."""
    folder = tmp_path_factory.mktemp("packages") / "served"
    (folder / NAME).parent.mkdir(parents=True)
    (folder / NAME).write_bytes(PACKAGE)
    (folder.parent / "other").write_text("not served", encoding="ascii")
    port = free_port()
    limits = ["--patience", str(PATIENCE), "--connections", "1024"]
    command = [sys.executable, "-m", "standin.packages", "--port", str(port), "--folder", str(folder), *limits]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT / "lab" / "datadog")}) as process:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            try:
                get(port, NAME)
                break
            except OSError:
                # The server does not listen yet.
                time.sleep(0.05)
        yield port
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", f"/{path}", None, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_files_are_served_as_apt_requests_them(port: int) -> None:
    assert get(port, NAME) == (200, PACKAGE)
    assert get(port, NAME.replace("~", "%7e")) == (200, PACKAGE)
    assert get(port, NAME, range="bytes=1000-") == (206, PACKAGE[1000:])
    assert get(port, NAME, if_modified_since="Sun, 06 Nov 2050 08:49:37 GMT") == (304, b"")
    for path in ("dists/stable/InRelease", "../other", "%2e%2e/other", "pool/%2e%2e/%2e%2e/other", "", "pool"):
        assert get(port, path)[0] == 404


def test_idle_connections_are_closed_and_do_not_block_others(port: int) -> None:
    with many_files(), contextlib.ExitStack() as stack:
        begun, idle = time.monotonic(), []
        for number in range(IDLE):
            idle.append(stack.enter_context(connect(port)))
            if number % 150 == 149:
                assert get(port, NAME)[0] == 200
        still = [is_open(one) for one in idle]
        assert time.monotonic() - begun < PATIENCE, "too slow to tell the limit from the timeout"
        assert 900 < sum(still) <= 1024
        while any(map(is_open, idle)) and time.monotonic() - begun < 2 * PATIENCE:
            # The server checks all of them from time to time.
            time.sleep(0.2)
        assert not any(map(is_open, idle))
        assert get(port, NAME)[0] == 200


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\nhost: h\r\nx-slow: "], ids=["silent", "slow head"])
def test_slow_request_is_cut_off(port: int, begin: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(begin)
        assert PATIENCE - 1 < seconds_until_closed(connection, b"x" if begin else b"") < PATIENCE + 3
