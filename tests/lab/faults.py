"""Faults that tests do to runs and hosts, and what a host and the account hold afterwards, to be compared.

A run is killed when its output names a task, and not after so many seconds: the same point on every machine.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from conftest import Going, Lab, Run

# Seconds for what is waited for, on a busy machine.
PATIENCE = 180
# What Datadog gives an object.
GIVEN = {
    *(
        "id",
        "public_id",
        "url",
        "author_handle",
        "author_name",
        "creator",
        "canceled",
        "relationships",
        "state",
        "status",
    ),
    *("created", "created_at", "modified", "modified_at", "overall_state", "overall_state_modified"),
    *("matching_downtimes", "current_downtime"),
}
DPKG_IS_AT_WORK = "[ \"$(dpkg-query -Wf '${db:Status-Status}' datadog-agent)\" != installed ]"
HOST_STATE = Path(__file__).with_name("host_state.py").read_text(encoding="utf-8")


def reach(run: Going, text: str) -> None:
    """Wait until the run has printed this text."""
    wait_for(lambda: text in run.output or run.process.poll() is not None, text)
    assert text in run.output, f"the run ended without {text!r}: {run.output[-3000:]}"


def kill(run: Going) -> Run:
    """End the controller and all that it has started at once, as a machine does that loses its power."""
    for pid in [*descendants(run.process.pid), run.process.pid]:
        # It may have ended by itself.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return run.end()


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and theirs. Workers of Ansible are in sessions of their own."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = list(parents.get(pid, []))
    for child in found:
        found += parents.get(child, [])
    return found


def wait_for(question: Any, what: str, patience: float = PATIENCE) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + patience
    while not question():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        # Nothing tells of it by itself, and asking costs little.
        time.sleep(0.02)


def wait_on_host(lab: Lab, host: str, command: str) -> None:
    """Wait until a command succeeds on the host."""
    # Nothing tells of it by itself, and asking costs little.
    loop = f"until {command}; do sleep 0.02; done"
    done = lab.on(host, f"timeout {PATIENCE} sh -c {shlex.quote(loop)} >&2")
    assert done.returncode == 0, f"waited in vain: {command}"


def state_of(lab: Lab, host: str) -> dict[str, Any]:
    """All that the roles may have changed on a host, by path or name."""
    done = lab.on(host, f"python3 - <<'END'\n{HOST_STATE}END\n")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def differences(clean: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What is not the same, by path or name: how it is after a clean run, and how it was found."""
    return {
        name: (clean.get(name), found.get(name))
        for name in sorted({*clean, *found})
        if clean.get(name) != found.get(name)
    }


def ask(lab: Lab, path: str) -> Any:
    """What the stand-in Datadog answers."""
    key, app_key = ((lab.state / "secrets" / name).read_text(encoding="utf-8") for name in ("api_key", "app_key"))
    headers = {"DD-API-KEY": key.strip(), "DD-APPLICATION-KEY": app_key.strip()}
    answer = requests.get(lab.plan["datadog"]["url"] + path, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def number_of_objects(lab: Lab) -> int:
    """How many dashboards, monitors and downtimes the account has by now."""
    return sum(map(len, (ask(lab, "/api/v1/dashboard")["dashboards"], ask(lab, "/api/v1/monitor"), downtimes(lab))))


def downtimes(lab: Lab) -> list[Any]:
    """Those that have not been canceled."""
    data = ask(lab, "/api/v2/downtime")["data"]
    return [item for item in data if item["attributes"]["status"] not in ("canceled", "ended")]


def account_of(lab: Lab) -> dict[str, list[Any]]:
    """The objects of the account without what differs each time: ids, times, states."""
    dashboards = [ask(lab, f"/api/v1/dashboard/{item['id']}") for item in ask(lab, "/api/v1/dashboard")["dashboards"]]
    monitors = ask(lab, "/api/v1/monitor")
    names = {str(monitor["id"]): monitor["name"] for monitor in monitors}
    found = {"dashboards": dashboards, "monitors": monitors, "downtimes": downtimes(lab)}
    return {kind: sorted((_plain(item, names) for item in items), key=json.dumps) for kind, items in found.items()}


def _plain(item: Any, names: dict[str, str]) -> Any:
    """An object without what Datadog gives it. Monitors to which it refers are called by their names."""
    if isinstance(item, dict):
        return {key: _plain(value, names) for key, value in item.items() if key not in GIVEN}
    if isinstance(item, list):
        return [_plain(value, names) for value in item]
    return re.sub(r"\b\d+\b", lambda found: names.get(found[0], found[0]), item) if isinstance(item, str) else item
