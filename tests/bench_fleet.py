"""Measures how the cost of the playbooks grows with the fleet. Prints seconds, and CPU seconds of the controller.

    python3 tests/bench_fleet.py [--sizes 1 10 50 200] [--plays preflight hosts objects verify]

All hosts are this machine, over local connections, and Datadog is the stand-in, filled with their data. CPU seconds are
those of ansible-playbook and its processes, without the modules, which normally run on hosts. Not measured are ssh,
whose client costs the controller more per call, slow networks and hosts, Datadog's response times and rate limits, and
hosts with MySQL or the app. hosts.yml runs in check mode, as on bare hosts, because it must not change this machine.
Modules and the stand-in share the controller's cores, so real fleets take fewer seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from bench_plays import Cost, play
from standin_process import Standin, free_port
from unit.gpg import gnupg

SIZES = (1, 10, 50, 200)
EMPTY = "empty play"
PLAYS = {
    EMPTY: ("tests/empty_play.yml",),
    "preflight": ("playbooks/preflight.yml",),
    "hosts": ("playbooks/hosts.yml", "--check"),
    "objects": ("playbooks/objects.yml",),
    "verify": ("playbooks/verify.yml",),
}
# Records the cost of a host's modules, which is not the controller's.
INTERPRETER = """#!/bin/bash
/usr/bin/python3 "$@"
rc=$?
times >>{folder}/modules.$$
exit $rc
"""
# Status of a running Agent, because this machine has none.
AGENT = {
    "systemctl": "printf '%s\\n' LoadState=loaded ActiveState=active UnitFileState=enabled "
    "'ActiveEnterTimestamp=Thu 2026-01-01 00:00:00 UTC' NeedDaemonReload=no MainPID=1",
    "runuser": """case "$*" in *--json) echo '{"forwarderStats": {"APIKeyStatus": {"": "API Key valid"}}}' ;; esac""",
}
METRICS = ("my_metric", "system.load.1", "system.mem.usable", "system.cpu.user", "datadog.agent.running")
CHECKS = ("datadog.agent.up", "mysql.can_connect")
TAGS = ("env:bench", "team:web", "zone:a", "os:linux")
INTERVAL = 45


class Fleet:
    """A fleet of hosts that are all this machine, with its data in Datadog."""

    def __init__(self, folder: Path, size: int, datadog: Standin, key: str) -> None:
        self.folder, self.datadog = folder, datadog
        self.name = f"bench{size}"
        self.names = [f"host{number:03}" for number in range(size)]
        self.counts = folder / "counts"
        self.counts.mkdir()
        interpreter = folder / "python3"
        interpreter.write_text(INTERPRETER.format(folder=self.counts), encoding="utf-8")
        interpreter.chmod(0o755)
        for name, answer in AGENT.items():
            (folder / "agent").mkdir(exist_ok=True)
            (folder / "agent" / name).write_text(f"#!/bin/sh\n{answer}\n", encoding="ascii")
            (folder / "agent" / name).chmod(0o755)
        shared = {
            "ansible_connection": "local",
            "ansible_become": False,
            "ansible_python_interpreter": str(interpreter),
            "datadog_api_key": datadog.api_key,
            "datadog_app_key": datadog.app_key,
            "datadog_api_url": datadog.url,
            "datadog_agent_dd_url": datadog.url,
            "datadog_agent_apt_key_urls": [key],
            "datadog_agent_hostname": "{{ inventory_hostname }}",
            "datadog_tags_literals": list(TAGS),
            "datadog_custom_check_interval": INTERVAL,
            "datadog_objects_fleet": self.name,
            "datadog_objects_notify": "@ops@example.com",
            "datadog_verify_reports": "",
        }
        hosts = {"hosts": {name: {} for name in self.names}, "vars": shared}
        self.inventory = folder / "hosts.json"
        self.inventory.write_text(json.dumps({"monitored": hosts}), encoding="utf-8")

    def run(self, name: str) -> Cost:
        """Return the controller's cost of a playbook."""
        path = os.environ["PATH"]
        if name == "verify":
            self.report()
            path = f"{self.folder / 'agent'}:{path}"
        for count in self.counts.iterdir():
            count.unlink()
        whole = play(*PLAYS[name], "-i", str(self.inventory), variables={"PATH": path})
        modules = sum(map(seconds, self.counts.iterdir()))
        return Cost(whole.seconds, whole.cpu - modules)

    def report(self) -> None:
        """Send the data of all hosts' Agents: tags, and points from 5 minutes ago to 10 minutes ahead."""
        now = int(time.time()) // INTERVAL * INTERVAL
        points = [{"timestamp": at, "value": 1} for at in range(now - 300, now + 590, INTERVAL)]
        tags = [*TAGS, "ansible_group:monitored", f"kennel_fleet:{self.name}"]
        for name in self.names:
            host = [{"type": "host", "name": name}]
            series = [
                {"metric": metric, "type": 3, "interval": INTERVAL, "resources": host, "points": points}
                for metric in METRICS
            ]
            self.send("/api/v2/series", {"series": series})
            runs = [{"check": check, "host_name": name, "status": 0, "tags": []} for check in CHECKS]
            self.send("/api/v1/check_run", runs)
            self.send("/intake/", {"internalHostname": name, "host-tags": {"system": tags}})

    def send(self, path: str, body: Any) -> None:
        keys = {"dd_api_key": self.datadog.api_key, "content_type": "application/json"}
        status, answer = self.datadog.request("POST", path, json.dumps(body).encode(), **keys)
        assert status < 300, (path, status, answer)


class Files(SimpleHTTPRequestHandler):
    """Serves a folder without logging."""

    def log_message(self, *_arguments: object) -> None:
        pass


def seconds(path: Path) -> float:
    """Return the sum of the times that bash's `times` prints: user and system, of itself and its children."""
    parts = (text.rstrip("s").split("m") for text in path.read_text(encoding="ascii").split())
    return sum(60 * float(minutes) + float(rest) for minutes, rest in parts)


@contextmanager
def datadog() -> Iterator[tuple[Path, Standin, str]]:
    """Yield a folder, the stand-in Datadog, and the URL of a package repository's public key."""
    with tempfile.TemporaryDirectory(prefix="kennel-bench-") as name, gnupg() as gpg:
        folder = Path(name)
        (folder / "keys").mkdir()
        (folder / "keys" / "key.public").write_bytes(gpg.export(gpg.key("bench"), armor=True))
        standin = Standin(folder, free_port())
        standin.start()
        try:
            with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=folder / "keys")) as keys:
                Thread(target=keys.serve_forever, daemon=True).start()
                yield folder, standin, f"http://127.0.0.1:{keys.server_port}/key.public"
                keys.shutdown()
        finally:
            standin.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="numbers of hosts (%(default)s)"
    )
    parser.add_argument(
        "--plays", nargs="+", choices=PLAYS, default=list(PLAYS), help="playbooks to run (all); verify needs objects"
    )
    given = parser.parse_args()
    print(__doc__.split("\n\n")[2])
    print(f"\n{'hosts':>5}  {'playbook':<12} {'seconds':>8} {'CPU':>8} {'CPU per host':>13}")
    for size in given.sizes:
        with datadog() as (folder, standin, key):
            fleet = Fleet(folder, size, standin, key)
            for name in given.plays:
                found = fleet.run(name)
                print(
                    f"{size:>5}  {name:<12} {found.seconds:>8.1f} {found.cpu:>8.1f} {found.cpu / size:>13.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
