"""Decide what a lab consists of and make its keys, secrets and ports, where they are not there yet.

    python3 lab/plan.py --state FOLDER [--suite SUITE] [--count N | --hosts JSON]

Writes FOLDER/lab.json and prints {"changed": bool, "lab": <the same>}. Nothing here touches a container: the plan
is complete before anything is started, so that an interrupted start can be taken up again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "127.0.0.1"
DEFAULT_COUNT, MOST = 3, 50
# Below the range that the kernel hands out for outgoing connections, so that a stopped lab finds its ports free.
FIRST_PORT, SPAN, BLOCKS = 20000, 100, 120
INPUT_KEYS = ("name", "node", "groups", "suite", "vars")
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Refusal(Exception):
    """Input that only the user can mend; the text says how."""


def short_name(folder: Path) -> str:
    """Name what belongs to a folder, so that two checkouts on one machine never meet."""
    return f"kennel-{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}"


def write(path: Path, text: str) -> bool:
    """Put a private file in place in one step; say whether that changed anything."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(name, path)
    return True


def key_pair(path: Path, comment: str) -> bool:
    """Make an SSH key pair. The private half comes last: where it is, the pair is whole."""
    if path.exists():
        return False
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        fresh = Path(folder) / "key"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(fresh)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        os.replace(f"{fresh}.pub", f"{path}.pub")
        os.replace(fresh, path)
    return True


def secret(path: Path, length: int) -> bool:
    """Make a random secret of `length` hexadecimal digits, once."""
    return not path.exists() and write(path, secrets.token_hex(length // 2))


def default_host(number: int) -> dict[str, Any]:
    """Describe host `number` of an ordinary lab.

    The first one's inventory name, node name and Agent host name all differ, as they do in the field: whatever
    mistakes one for another fails here first. From the fourth on, hosts are only monitored.
    """
    groups = {1: ["mysql", "apm"], 2: ["mysql", "apm"], 3: ["mysql"]}
    host: dict[str, Any] = {"name": f"lab{number}", "groups": groups.get(number, [])}
    if number == 1:
        host |= {"node": "node-a7", "vars": {"datadog_agent_hostname": "alpha.kennel.test"}}
    return host


def checked(host: Any) -> dict[str, Any]:
    """Check one entry of `lab_hosts`."""
    if not isinstance(host, dict) or not NAME.fullmatch(str(host.get("name", ""))):
        raise Refusal(f"lab_hosts: {host!r} has no usable name; mend: `name`, lower-case letters, digits and dashes")
    unknown = sorted(set(host) - set(INPUT_KEYS))
    if unknown:
        raise Refusal(f"lab_hosts: {host['name']} has unknown keys {', '.join(unknown)}; mend: {', '.join(INPUT_KEYS)}")
    if not NAME.fullmatch(str(host.get("node", host["name"]))):
        raise Refusal(f"lab_hosts: {host['name']} has the node name {host['node']!r}; mend: as for `name`")
    return host


def wanted_hosts(hosts: list[Any] | None, count: int | None, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Choose the hosts: those given, else so many ordinary ones, else those that are there."""
    if hosts is None and count is None and before:
        hosts = before
    if hosts is None:
        count = DEFAULT_COUNT if count is None else count
        hosts = [default_host(number) for number in range(1, count + 1)]
    if not 1 <= len(hosts) <= MOST:
        raise Refusal(f"a lab has 1 to {MOST} hosts, not {len(hosts)}")
    result = [checked(host) for host in hosts]
    names = [name for host in result for name in {host["name"], host.get("node", host["name"])}]
    twice = sorted({name for name in names if names.count(name) > 1} | ({"datadog", "packages"} & set(names)))
    if twice:
        raise Refusal(f"lab_hosts: {', '.join(twice)} would be in the lab twice; mend: choose other names")
    return result


def free_port(start: int, taken: set[int]) -> int:
    """Find the next loopback port from `start` on that nobody listens at."""
    for port in range(start, start + 10 * SPAN):
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    raise Refusal(f"no free port on {ADDRESS} from {start} on; mend: end programs that listen there")


def plan(state: Path, suite: str | None, count: int | None, hosts: list[Any] | None) -> dict[str, Any]:
    """Describe the lab, keeping what an earlier plan decided.

    Returns: {name, checkout, state, root, user, suite, suites, datadog: {container, address, port, url},
        hosts: [{name, node, container, address, port, user, suite, groups, vars}]}
    """
    file = state / "lab.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if before.get("state") != str(state):
        # Copied or moved here: containers and ports are those of the lab where it came from.
        before = {"hosts": [{**host, "port": None} for host in before.get("hosts", [])]}
    known = {host["name"]: host for host in before["hosts"]}
    # What an earlier plan said of each host, as input: the suite only where it was the host's own.
    earlier = [
        {key: host[key] for key in INPUT_KEYS if key != "suite" or host[key] != before.get("suite")}
        for host in before["hosts"]
    ]
    name = short_name(state)
    suite = suite or before.get("suite") or platform.freedesktop_os_release()["VERSION_CODENAME"]

    first = FIRST_PORT + int(name[-6:], 16) % BLOCKS * SPAN
    taken = {host["port"] for host in before["hosts"]}
    port = before.get("datadog", {}).get("port") or free_port(first, taken)
    taken.add(port)
    result = []
    for host in wanted_hosts(hosts, count, earlier):
        ssh = known.get(host["name"], {}).get("port") or free_port(first + 1, taken)
        taken.add(ssh)
        result.append(
            {
                "name": host["name"],
                "node": host.get("node", host["name"]),
                "container": f"{name}-{host['name']}",
                "address": ADDRESS,
                "port": ssh,
                "user": "kennel",
                "suite": host.get("suite") or suite,
                "groups": ["monitored", *(group for group in host.get("groups", []) if group != "monitored")],
                "vars": host.get("vars", {}),
            }
        )
    return {
        "name": name,
        "checkout": short_name(ROOT),
        "state": str(state),
        "root": str(ROOT),
        "suite": suite,
        # The stand-in Datadog runs on the machine's own suite, whatever the hosts are.
        "suites": sorted({suite, *(host["suite"] for host in result)}),
        "datadog": {
            "container": f"{name}-datadog",
            "address": ADDRESS,
            "port": port,
            "url": f"http://{ADDRESS}:{port}",
        },
        "hosts": result,
    }


def prepare(state: Path, lab: dict[str, Any]) -> bool:
    """Make the keys and secrets of a lab and pin its hosts' keys; say whether anything was new."""
    vault, host_keys = state / "secrets", state / "host_keys"
    for folder in (vault, host_keys):
        folder.mkdir(mode=0o700, exist_ok=True)
    # Lengths of Datadog's own keys.
    changed = [secret(vault / "api_key", 32), secret(vault / "app_key", 40)]
    changed.append(key_pair(state / "id_ed25519", lab["name"]))
    pins = []
    for host in lab["hosts"]:
        changed.append(secret(vault / f"mysql_{host['name']}", 32))
        changed.append(key_pair(host_keys / host["name"], host["container"]))
        kind, key, *_ = (host_keys / f"{host['name']}.pub").read_text(encoding="utf-8").split()
        pins.append(f"[{host['address']}]:{host['port']} {kind} {key}\n")
    changed.append(write(state / "known_hosts", "".join(pins)))
    return any(changed)


def main() -> int:
    """Plan, prepare, and write the plan down."""
    parser = argparse.ArgumentParser(description="Decide what a lab consists of.")
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--suite")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--count", type=int)
    size.add_argument("--hosts", type=json.loads)
    given = parser.parse_args()
    os.umask(0o077)
    state: Path = given.state.resolve()
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    lab = plan(state, given.suite, given.count, given.hosts)
    changed = prepare(state, lab)
    changed |= write(state / "lab.json", json.dumps(lab, indent=2) + "\n")
    print(json.dumps({"changed": changed, "lab": lab}))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refusal as refusal:
        sys.exit(str(refusal))
