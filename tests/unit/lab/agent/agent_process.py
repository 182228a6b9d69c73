# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the stand-in Agent's processes for tests, with an intake on a loopback port that decodes what they send."""

from __future__ import annotations

import gzip
import http.client
import http.server
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

AGENT = Path(__file__).parents[4] / "lab" / "agent"
sys.path.append(str(AGENT))
_wire = importlib.import_module("standin_agent.wire")

# The Agent's code, and the contents of bin/agent/dist in its package.
PATH = f"{AGENT}:{AGENT / 'dist'}"
KEY = "0123456789abcdef0123456789abcdef"
_UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress}
_MESSAGES = {"/api/v0.2/traces": _wire.AgentPayload, "/api/beta/sketches": _wire.SketchPayload}


class Post(NamedTuple):
    """A request to the intake: its decompressed body, and the document in it."""

    path: str
    headers: dict[str, str]
    body: bytes
    document: Any


class Agent:
    """A folder with an Agent's configuration, its processes, and in `posts` everything that they have sent."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder, self.posts = folder, list[Post]()
        self.port, self.debug_port, self.statsd_port = (free_port() for _ in range(3))
        self._processes: list[subprocess.Popen[bytes]] = []
        posts = self.posts

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                body = _UNPACK[self.headers["Content-Encoding"]](sent)
                reader: Callable[[bytes], Any] = json.loads
                if self.headers["Content-Type"] != "application/json":
                    reader = _MESSAGES[self.path].FromString if self.path in _MESSAGES else msgpack.unpackb
                posts.append(Post(self.path, {k.lower(): v for k, v in self.headers.items()}, body, reader(body)))
                self.send_response(202)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        for name in ("conf.d", "checks.d", "run"):
            (folder / name).mkdir()
        url = f"http://127.0.0.1:{self._server.server_port}"
        apm = {
            "apm_dd_url": url,
            "receiver_port": self.port,
            "receiver_socket": str(folder / "apm.socket"),
            "debug": {"port": self.debug_port},
            "log_file": str(folder / "trace-agent.log"),
        }
        document = {
            "api_key": KEY,
            "dd_url": url,
            "hostname": "agent-name",
            "env": "Test Env",
            "confd_path": str(folder / "conf.d"),
            "additional_checksd": str(folder / "checks.d"),
            "run_path": str(folder / "run"),
            "log_file": str(folder / "agent.log"),
            "dogstatsd_port": self.statsd_port,
            "dogstatsd_socket": str(folder / "dsd.socket"),
            **settings,
        }
        document["apm_config"] = apm | settings.get("apm_config", {})
        (folder / "datadog.yaml").write_text(json.dumps(document), encoding="utf-8")

    def send(self, code: str, **environment: str) -> None:
        """Run a sender, a Python program, until it ends."""
        _printed(_done("-c", code, **environment))

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the Agent's command line."""
        return _done("-m", "standin_agent", "-c", str(self.folder), *arguments, PYTHONPATH=PATH)

    def verb(self, *arguments: str) -> str:
        """Return the output of an Agent command. Raises OSError if it fails."""
        return _printed(self.ask(*arguments))

    def start_traces(self) -> subprocess.Popen[bytes]:
        return self._start("standin_agent.traces", "--config", str(self.folder / "datadog.yaml"))

    def start_core(self) -> subprocess.Popen[bytes]:
        return self._start("standin_agent", "-c", str(self.folder), "run")

    def _start(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", module, *arguments]
        environment = _environment(PYTHONPATH=PATH)
        self._processes.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        return self._processes[-1]

    def stop(self) -> None:
        """Stop the processes as systemd does, so that they send what is left."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            assert process.wait(10) == 0

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self._server.shutdown()
        self._server.server_close()

    def documents(self, path: str) -> list[Any]:
        return [post.document for post in self.posts if post.path == path]

    def get(self, path: str, port: int = 0) -> Any:
        """Return the trace agent's JSON response."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=10)
        try:
            connection.request("GET", path)
            return json.load(connection.getresponse())
        finally:
            connection.close()


def _environment(**own: str) -> dict[str, str]:
    """Return this process's environment without Datadog's variables, plus others."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DD_")} | own


def _done(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command, own = [sys.executable, *arguments], _environment(**environment)
    return subprocess.run(command, env=own, capture_output=True, text=True, check=False, timeout=60)


def _printed(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode:
        raise OSError(done.stderr)
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Poll until a call returns something true, and return that. Errors count as false."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = condition()
        except OSError:
            found = None
        if found:
            return found
        assert time.monotonic() < end, "still false after the time limit"
        # Another process writes it, without any notice.
        time.sleep(0.05)
