"""Faults in runs and hosts, and the state of hosts and of the account, for comparison.

A run is killed when its output names a task, not after a time, so that the point is the same on every machine.
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

# The time limit for waits, in seconds, on a busy machine.
PATIENCE = 180
# Fields that Datadog sets.
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
    """Kill the controller and all its processes at once, as in a power failure."""
    for pid in [*descendants(run.process.pid), run.process.pid]:
        # It may have ended already.
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return run.end()


def descendants(pid: int) -> list[int]:
    """Return all descendants of a process. Ansible's workers are in separate sessions."""
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
    """Poll until the condition is true."""
    deadline = time.monotonic() + patience
    while not question():
        assert time.monotonic() < deadline, f"timed out waiting for: {what}"
        # There is no notification, and polling is cheap.
        time.sleep(0.02)


def wait_on_host(lab: Lab, host: str, command: str) -> None:
    """Wait until a command succeeds on the host."""
    # There is no notification, and polling is cheap.
    loop = f"until {command}; do sleep 0.02; done"
    done = lab.on(host, f"timeout {PATIENCE} sh -c {shlex.quote(loop)} >&2")
    assert done.returncode == 0, f"timed out waiting for: {command}"


def state_of(lab: Lab, host: str) -> dict[str, Any]:
    """Return everything that roles can change on a host, by path or name."""
    done = lab.on(host, f"python3 - <<'END'\n{HOST_STATE}END\n")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def differences(clean: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return the differences by path or name: the state after a clean run, and the state found."""
    return {
        name: (clean.get(name), found.get(name))
        for name in sorted({*clean, *found})
        if clean.get(name) != found.get(name)
    }


def ask(lab: Lab, path: str) -> Any:
    """Return the stand-in Datadog's response."""
    key, app_key = ((lab.state / "secrets" / name).read_text(encoding="utf-8") for name in ("api_key", "app_key"))
    headers = {"DD-API-KEY": key.strip(), "DD-APPLICATION-KEY": app_key.strip()}
    answer = requests.get(lab.plan["datadog"]["url"] + path, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def number_of_objects(lab: Lab) -> int:
    """Return the number of dashboards, monitors and downtimes in the account."""
    return sum(map(len, (ask(lab, "/api/v1/dashboard")["dashboards"], ask(lab, "/api/v1/monitor"), downtimes(lab))))


def downtimes(lab: Lab) -> list[Any]:
    """Return the downtimes that have not been cancelled."""
    data = ask(lab, "/api/v2/downtime")["data"]
    return [item for item in data if item["attributes"]["status"] not in ("canceled", "ended")]


def account_of(lab: Lab) -> dict[str, list[Any]]:
    """Return the account's objects without variable fields: IDs, times and states."""
    dashboards = [ask(lab, f"/api/v1/dashboard/{item['id']}") for item in ask(lab, "/api/v1/dashboard")["dashboards"]]
    monitors = ask(lab, "/api/v1/monitor")
    names = {str(monitor["id"]): monitor["name"] for monitor in monitors}
    found = {"dashboards": dashboards, "monitors": monitors, "downtimes": downtimes(lab)}
    return {kind: sorted((_plain(item, names) for item in items), key=json.dumps) for kind, items in found.items()}


def _plain(item: Any, names: dict[str, str]) -> Any:
    """Return an object without fields that Datadog sets, and with names instead of IDs of monitors."""
    if isinstance(item, dict):
        return {key: _plain(value, names) for key, value in item.items() if key not in GIVEN}
    if isinstance(item, list):
        return [_plain(value, names) for value in item]
    return re.sub(r"\b\d+\b", lambda found: names.get(found[0], found[0]), item) if isinstance(item, str) else item
