# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""`datadog-agent run`: schedules the checks, flushes every 15 seconds, answers the command line on a local socket."""

from __future__ import annotations

import contextlib
import json
import logging
import logging.handlers
import os
import platform
import signal
import socket
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import yaml

from standin_agent import AGENT_VERSION, PACKAGE_VERSION, seam
from standin_agent.aggregator import Point
from standin_agent.collector import Collector, Running, series
from standin_agent.config import Config
from standin_agent.forwarder import KEY_INVALID, Forwarder
from standin_agent.loader import CheckLoader, read_configurations
from standin_agent.scheduler import Scheduler

FLUSH_EVERY = 15.0
METADATA_EVERY = 1800.0
METADATA_RETRY = 60.0
MAX_SERIES = 1000
STOP_SECONDS = 5.0
SOCKET = "agent.sock"


class Agent:
    """The daemon. One object a process: the seam's modules and the log belong to the process."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.log = make_log(config)
        self.collector = Collector(config)
        seam.install(config, self.collector, self.log)
        self.catalog = read_configurations(config)
        self.collector.load(self.catalog, CheckLoader(config))
        self.forwarder = Forwarder(config, self.log)
        self.scheduler = Scheduler()
        self._socket_path = Path(config.values["run_path"]) / SOCKET
        self._stop = threading.Event()
        self._metadata_due = 0.0
        self._started = time.time()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then send what is there within a few seconds."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self.log.info("Starting the lab's stand-in for Datadog Agent %s as %s", PACKAGE_VERSION, self.config.hostname)
        for name, text in {**self.catalog.errors, **self.collector.load_errors}.items():
            self.log.error("check %s: %s", name, text)
        self.forwarder.start()
        server = self._listen()
        threading.Thread(target=self._answer, args=(server,), name="commands", daemon=True).start()
        for running in self.collector.running.values():
            name, interval = running.instance.check_id, running.instance.interval
            self.scheduler.add(name, interval, lambda running=running: self._run_check(running))
        due = time.monotonic()
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + FLUSH_EVERY, time.monotonic())
            self.flush()
        self.scheduler.stop()
        self.flush()
        self.forwarder.stop(STOP_SECONDS)
        self._socket_path.unlink(missing_ok=True)
        self.log.info("Stopped")

    def _run_check(self, running: Running) -> None:
        status, name = self.collector.run(running), running.instance.name
        self.collector.service_check("", "datadog.agent.check_status", status, [f"check:{name}"], "", "")
        if running.last["LastError"]:
            self.log.error("check:%s | Error running check: %s", name, running.last["LastError"])

    def flush(self) -> None:
        """Hand everything collected so far to the forwarder."""
        host, now = self.config.hostname, round(time.time())
        self.collector.service_check("", "datadog.agent.up", 0, [], "", "")
        points, service_checks, events = self.collector.take()
        points.append(Point("datadog.agent.running", "gauge", now, 1.0, (f"version:{AGENT_VERSION}",), host))
        entries = series(points)
        for start in range(0, len(entries), MAX_SERIES):
            part = entries[start : start + MAX_SERIES]
            count = sum(len(entry["points"]) for entry in part)
            self.forwarder.submit("/api/v2/series", {"series": part}, points=count)
        self.forwarder.submit("/api/v1/check_run", service_checks)
        if events:
            by_source: dict[str, list[dict[str, Any]]] = {}
            for event in events:
                by_source.setdefault(str(event.get("source_type_name") or "api"), []).append(event)
            self.forwarder.submit("/intake/", {"apiKey": "", "internalHostname": host, "events": by_source})
        if time.monotonic() >= self._metadata_due and self.config.values["enable_metadata_collection"]:
            self._metadata_due = time.monotonic() + METADATA_EVERY
            self.forwarder.submit("/intake/", self._host_metadata(), on_drop=self._metadata_again)

    def _metadata_again(self) -> None:
        self._metadata_due = time.monotonic() + METADATA_RETRY

    def _host_metadata(self) -> dict[str, Any]:
        host, offset = self.config.hostname, time.strftime("%Z")
        machine = platform.uname()
        method = {"tool": None, "tool_version": None, "installer_version": None}
        with contextlib.suppress(OSError, yaml.YAMLError, AttributeError):
            # Written by whoever installed the Agent, as with the real one.
            text = self.config.path.with_name("install_info").read_text(encoding="utf-8")
            method.update(yaml.safe_load(text).get("install_method") or {})
        return {
            "apiKey": "",
            "agentVersion": AGENT_VERSION,
            "agent-flavor": "agent",
            "internalHostname": host,
            "uuid": uuid.uuid5(uuid.NAMESPACE_DNS, host).hex,
            "os": "linux",
            "python": platform.python_version(),
            "systemStats": {
                "cpuCores": os.cpu_count(),
                "machine": machine.machine,
                "platform": "linux",
                "pythonV": platform.python_version(),
                "processor": machine.processor or machine.machine,
            },
            "meta": {
                "socket-hostname": machine.node,
                "socket-fqdn": socket.getfqdn(),
                "hostname": host,
                "timezones": [offset],
                "host_aliases": [],
                "instance-id": "",
            },
            "host-tags": {"system": self.config.host_tags},
            "external_host_tags": self.collector.external,
            "install-method": method,
            "gohai": json.dumps({"platform": {"hostname": machine.node, "kernel_release": machine.release}}),
        }

    def status(self) -> dict[str, Any]:
        """What `status --json` prints, shaped like the real Agent's answer where that has the thing."""
        return {
            "agent_metadata": {
                "agent_version": AGENT_VERSION,
                "package_version": PACKAGE_VERSION,
                "hostname_source": self.config.hostname_source,
                "flavor": "lab stand-in for the Datadog Agent",
            },
            "version": AGENT_VERSION,
            "hostname": self.config.hostname,
            "pid": os.getpid(),
            "agent_start_nano": int(self._started * 1e9),
            "time_nano": time.time_ns(),
            "conf_file": str(self.config.path),
            "hostTags": self.config.host_tags,
            "hostnameStats": {"provider": self.config.hostname_source},
            "endpointsInfos": {self.config.intake_url: [self.config.api_key[-5:]]},
            "forwarderStats": self.forwarder.status(),
            **self.collector.status(self.catalog),
        }

    def health(self) -> dict[str, Any]:
        forwarder = self.forwarder.status()
        sick = {"forwarder": KEY_INVALID} if KEY_INVALID in forwarder["APIKeyStatus"].values() else {}
        healthy = [part for part in ("collector", "aggregator", "forwarder") if part not in sick]
        return {"healthy": healthy, "unhealthy": sick}

    def configurations(self) -> dict[str, Any]:
        """What `configcheck` shows. Settings of a check may hold secrets, so only their names are given."""
        found = [
            {"check": item.name, "source": item.source, "id": item.check_id, "settings": sorted(map(str, item.config))}
            for item in self.catalog.instances
        ]
        loading = {name: json.loads(text)[0]["message"] for name, text in self.collector.load_errors.items()}
        return {"configurations": found, "errors": {**self.catalog.errors, **loading}}

    def _listen(self) -> socket.socket:
        """The command line's socket, which only the Agent's user and root can open."""
        self._socket_path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        server.bind(str(self._socket_path))
        os.umask(mask)
        server.listen(8)
        return server

    def _answer(self, server: socket.socket) -> None:
        """Answer one verb a connection."""
        answers = {"status": self.status, "health": self.health, "configcheck": self.configurations}
        while True:
            connection, _ = server.accept()
            # A caller that goes away or says nothing must not end the answering.
            with connection, contextlib.suppress(OSError, ValueError, KeyError):
                connection.settimeout(5)
                verb = connection.recv(64).decode().strip()
                connection.sendall(json.dumps(answers[verb]()).encode())


def make_log(config: Config) -> logging.Logger:
    """A log to agent.log (10 MB, one older file) and the journal, with secrets masked."""
    log = logging.getLogger("standin_agent")
    log.propagate = False
    log.setLevel({"trace": "DEBUG", "warn": "WARNING", "off": "CRITICAL"}.get(_level(config), _level(config).upper()))
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    try:
        handlers.append(logging.handlers.RotatingFileHandler(config.values["log_file"], maxBytes=10**7, backupCount=1))
    except OSError as error:
        print(f"cannot write {config.values['log_file']}: {error.strerror}", file=sys.stderr)
    for handler in handlers:
        handler.setFormatter(_ScrubbingFormatter(config))
        log.addHandler(handler)
    return log


def _level(config: Config) -> str:
    level = str(config.values["log_level"]).lower()
    return level if level in ("trace", "debug", "info", "warn", "warning", "error", "critical", "off") else "info"


class _ScrubbingFormatter(logging.Formatter):
    """The real log's line, in UTC."""

    converter = time.gmtime

    def __init__(self, config: Config) -> None:
        super().__init__("%(asctime)s UTC | CORE | %(levelname)s | %(message)s", "%Y-%m-%d %H:%M:%S")
        self._config = config

    def format(self, record: logging.LogRecord) -> str:
        return self._config.scrub(super().format(record))
