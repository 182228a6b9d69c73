"""Runs the stand-in Datadog as a separate process, for genuine clients and browsers."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]


def free_port() -> int:
    """Return a loopback port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Standin:
    """A stand-in with its keys, which can be stopped and restarted with the same data."""

    folder: Path
    port: int
    api_key: str = field(default_factory=lambda: secrets.token_hex(16))
    app_key: str = field(default_factory=lambda: secrets.token_hex(20))
    process: subprocess.Popen | None = None
    options: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        """Its output so far."""
        return (self.folder / "output").read_text(encoding="utf-8")

    def start(self) -> None:
        """Start it, and wait until it responds."""
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps({"api_key": self.api_key, "app_key": self.app_key}), encoding="utf-8")
        path = f"{ROOT / 'lab' / 'datadog'}:{ROOT / 'plugins'}"
        with (self.folder / "output").open("a", encoding="utf-8") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "standin",
                    "--port",
                    str(self.port),
                    "--data",
                    str(self.folder / "data"),
                    "--keys",
                    str(keys),
                    *self.options,
                ],
                env={**os.environ, "PYTHONPATH": path},
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                if self.get("/")[0] == 200:
                    return
            except OSError:
                # It does not listen yet.
                time.sleep(0.05)
        raise RuntimeError(f"the stand-in Datadog did not start:\n{self.output}")

    def stop(self) -> int:
        """Stop it as systemd does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Send a request without a client library; return status and body. `dd_api_key=` is the header dd-api-key."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Send a GET request; return status and body."""
        return self.request("GET", path, **headers)
