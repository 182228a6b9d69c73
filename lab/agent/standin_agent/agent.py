"""`datadog-agent run`: schedules the checks, flushes every 15 seconds, answers the command line on a local socket."""

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
from functools import partial
from typing import Any

import requests

from standin_agent import AGENT_VERSION, KEY_TAIL, PACKAGE_VERSION, ipc
from standin_agent.aggregator import Point, series
from standin_agent.collector import Collector, beat
from standin_agent.config import Config
from standin_agent.configurations import Instance
from standin_agent.dogstatsd import DogStatsD
from standin_agent.forwarder import Forwarder

FLUSH_EVERY = 15.0
# Between the starts of two checks.
SPREAD = 0.2
METADATA_EVERY = 1800.0
MAX_SERIES = 1000
STOP_SECONDS = 5.0


class Agent:
    """The daemon. One object a process: the modules that it installs and the log belong to the process."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.log = make_log(config, str(config.values["log_file"]), "CORE")
        self.collector = Collector(config, self.log)
        self.dogstatsd = DogStatsD(config, self.log)
        self.forwarder = Forwarder(config, self.log)
        self._stop = threading.Event()
        self._metadata_due = 0.0
        self._started = time.time()

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, then send what is there within a few seconds."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self.log.info("Starting the lab's stand-in for Datadog Agent %s as %s", PACKAGE_VERSION, self.config.hostname)
        for name, text in self.collector.config_errors.items():
            self.log.error("check %s: %s", name, text)
        self.forwarder.start()
        answers = {"status": self.status, "health": self.health, "configcheck": self.configurations}
        answers["hostname"] = lambda: self.config.hostname
        commands = (ipc.listen(self.config), ipc.read(self.config), answers)
        threading.Thread(target=ipc.answer, args=commands, name="commands", daemon=True).start()
        if self.config.values["use_dogstatsd"] is True:
            self.dogstatsd.listen()
        # A thread each: a check that hangs or is slow delays no other, and does not keep the Agent from ending.
        for number, instance in enumerate(self.collector.instances):
            job = partial(self._run_check, instance)
            arguments = (instance.interval, SPREAD * number, job, self._stop)
            threading.Thread(target=beat, args=arguments, name=instance.check_id, daemon=True).start()
        beat(FLUSH_EVERY, 0, self.flush, self._stop)
        self.flush(last=True)
        self.forwarder.stop(STOP_SECONDS)
        self.config.socket.unlink(missing_ok=True)
        self.log.info("Stopped")

    def _run_check(self, instance: Instance) -> bool:
        """One run, and False where the check cannot be loaded."""
        name, collector = instance.name, self.collector
        if not collector.start(instance):
            return False
        status = collector.run(instance)
        collector.submit_service_check(None, "", "datadog.agent.check_status", status, [f"check:{name}"], "", "")
        if instance.stats["LastError"]:
            self.log.error("check:%s | Error running check: %s", name, instance.stats["LastError"])
        return True

    def flush(self, *, last: bool = False) -> bool:
        """Hand everything collected so far to the forwarder, at last what is incomplete too; True: more is to come."""
        host, now = self.config.hostname, round(time.time())
        self.collector.submit_service_check(None, "", "datadog.agent.up", 0, [], "", "")
        from_applications = self.dogstatsd.take(everything=last)
        if from_applications.sketches:
            url = f"{self.config.intake_url}/api/beta/sketches"
            self.forwarder.send(url, from_applications.sketches, "application/x-protobuf")
        taken = zip(self.collector.take(), from_applications, strict=False)
        points, service_checks, events = (ours + theirs for ours, theirs in taken)
        points.append(Point("datadog.agent.running", "gauge", now, 1.0, (f"version:{AGENT_VERSION}",), host))
        entries = series(points)
        for start in range(0, len(entries), MAX_SERIES):
            part = entries[start : start + MAX_SERIES]
            self.forwarder.submit("/api/v2/series", {"series": part}, points=len(part))
        self.forwarder.submit("/api/v1/check_run", service_checks)
        if events:
            sources: dict[str, list[Any]] = {}
            for event in events:
                sources.setdefault(event.get("source_type_name", "api"), []).append(event)
            self.forwarder.submit("/intake/", {"apiKey": "", "internalHostname": host, "events": sources})
        if time.monotonic() >= self._metadata_due:
            self._metadata_due = time.monotonic() + METADATA_EVERY
            self.forwarder.submit("/intake/", self._host_metadata())
        return True

    def _host_metadata(self) -> dict[str, Any]:
        host, machine, python = self.config.hostname, platform.uname(), platform.python_version()
        system = {"cpuCores": os.cpu_count(), "machine": machine.machine, "platform": "linux", "pythonV": python}
        about = {"hostname": machine.node, "kernel_release": machine.release}
        names = {"socket-hostname": machine.node, "socket-fqdn": socket.getfqdn(), "hostname": host, "host_aliases": []}
        return {
            "apiKey": "",
            "agentVersion": AGENT_VERSION,
            "internalHostname": host,
            "os": "linux",
            "systemStats": system,
            "meta": names,
            "host-tags": {"system": self.config.host_tags},
            "external_host_tags": self.collector.external_tags,
            "gohai": json.dumps({"platform": about, "network": {"ipaddress": _address()}}),
        }

    def status(self) -> dict[str, Any]:
        """What `status --json` prints, shaped like the real Agent's answer where that has the thing."""
        about = {"agent_version": AGENT_VERSION, "package_version": PACKAGE_VERSION}
        return {
            "agent_metadata": {**about, "flavor": "lab stand-in for the Datadog Agent"},
            "version": AGENT_VERSION,
            "hostname": self.config.hostname,
            "hostnameStats": {"provider": self.config.hostname_source},
            "hostTags": self.config.host_tags,
            "pid": os.getpid(),
            "agent_start_nano": int(self._started * 1e9),
            "conf_file": str(self.config.path),
            "endpointsInfos": {self.config.intake_url: [self.config.api_key[-KEY_TAIL:]]},
            "forwarderStats": self.forwarder.status(),
            "dogstatsdStats": self.dogstatsd.status(),
            "apmStats": self._apm_status(),
            **self.collector.status(),
        }

    def _apm_status(self) -> dict[str, Any]:
        """What the trace agent says of itself, or why it says nothing."""
        port = self.config.apm["debug_port"]
        try:
            # It is on this host, whatever proxy the environment names.
            answer = requests.get(f"http://127.0.0.1:{port}/debug/vars", timeout=2, proxies={"http": None})
            return dict(answer.json())
        except (requests.RequestException, ValueError) as error:
            return {"port": port, "error": str(error)}

    def health(self) -> dict[str, Any]:
        """The components by their state. The forwarder is ill while its key is known to be rejected."""
        ill = {"forwarder"} if self.forwarder.key_rejected else set()
        return {"Healthy": sorted({"collector", "forwarder"} - ill), "Unhealthy": sorted(ill)}

    def configurations(self) -> dict[str, Any]:
        """What `configcheck` shows. Settings of a check may hold secrets, so only their names are given."""
        found = [
            {"check": item.name, "source": item.source, "id": item.check_id, "settings": sorted(map(str, item.config))}
            for item in self.collector.instances
        ]
        return {"configurations": found, "errors": {**self.collector.config_errors, **self.collector.load_errors}}


def _address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # An address of RFC 5737: the route is looked up, and nothing is sent.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return probe.getsockname()[0]


def make_log(config: Config, file: str, who: str) -> logging.Logger:
    """A log to a file (10 MB, one older file) and the journal, in the real one's form and with secrets masked."""
    log = logging.getLogger("standin_agent")
    log.propagate = False
    log.setLevel(getattr(logging, str(config.values["log_level"]).upper(), logging.INFO))
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout)]
    try:
        handlers.append(logging.handlers.RotatingFileHandler(file, maxBytes=10**7, backupCount=1))
    except OSError as error:
        print(f"cannot write {file}: {error.strerror}", file=sys.stderr)
    line = logging.Formatter(f"%(asctime)s UTC | {who} | %(levelname)s | %(message)s", "%Y-%m-%d %H:%M:%S")
    line.converter = time.gmtime
    write = line.format
    line.format = lambda record: config.scrub(write(record))  # type: ignore[method-assign]
    for handler in handlers:
        handler.setFormatter(line)
        log.addHandler(handler)
    return log
