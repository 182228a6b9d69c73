"""Plan a lab, and create its keys, secrets and ports unless they exist.

    python3 lab/plan.py --state FOLDER [--suite SUITE] [--count N | --hosts JSON] [--datadog-names NAME ...]
        [--listen ADDRESS]

Writes FOLDER/lab.json and prints {"changed": bool, "lab": <the same>}. Does not touch containers: the plan is complete
before anything is started, so that an interrupted start can be continued.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import platform
import re
import secrets
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from common import ROOT, Refusal, alone, end, run, short_name

ADDRESS = "127.0.0.1"
DEFAULT_COUNT, MOST = 3, 50
# Below the kernel's range for outgoing connections, so that the ports of a stopped lab stay free.
FIRST_PORT, SPAN, BLOCKS = 20000, 100, 120
INPUT_KEYS = ("name", "node", "aliases", "groups", "suite", "vars")
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
# The certificates that programs on this machine trust.
TRUSTED = "/etc/ssl/certs/ca-certificates.crt"


def write(path: Path, text: str) -> bool:
    """Write a private file atomically; return whether that changed anything."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(name, path)
    return True


def key_pair(path: Path, comment: str) -> bool:
    """Create an SSH key pair unless it exists. The private half comes last: if it exists, the pair is complete."""
    if path.exists():
        return False
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        fresh = Path(folder) / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(fresh))
        os.replace(f"{fresh}.pub", f"{path}.pub")
        os.replace(fresh, path)
    return True


def secret(path: Path, length: int) -> bool:
    """Create a random secret of `length` hexadecimal digits unless it exists."""
    return not path.exists() and write(path, secrets.token_hex(length // 2))


def pip_settings(listing: str) -> dict[str, str]:
    """Return from `pip config list` how this machine reaches its package index, as far as a host can do the same.

    A host cannot use an index in a folder or on this machine's loopback. If pip has no setting for certificates, a host
    should trust what this machine trusts.

    Returns: {index_url, ca_bundle}, each empty if there is none.
    """
    lines = (line.partition("=") for line in listing.splitlines())
    said = {name: value.strip("'") for name, _equals, value in lines}
    index, bundle = (
        next((said[name] for place in (":env:", "install", "global") if (name := f"{place}.{setting}") in said), "")
        for setting in ("index-url", "cert")
    )
    address = urlsplit(index)
    away = address.scheme in ("http", "https") and address.hostname not in ("localhost", "127.0.0.1", "::1")
    bundle = bundle or TRUSTED
    return {"index_url": index if away else "", "ca_bundle": bundle if os.path.isfile(bundle) else ""}


def default_host(number: int) -> dict[str, Any]:
    """Describe host `number` of an ordinary lab.

    The inventory name, node name and Agent host name of the first one all differ, as in real fleets, so that code that
    confuses them fails here first. From the fourth on, hosts are only monitored.
    """
    groups = {1: ["mysql", "apm"], 2: ["mysql", "apm"], 3: ["mysql"]}
    host: dict[str, Any] = {"name": f"lab{number}", "groups": groups.get(number, [])}
    if number == 1:
        host |= {"node": "node-a7", "vars": {"datadog_agent_hostname": "alpha.kennel.test"}}
    return host


def refuse_unusable(hosts: list[Any]) -> None:
    """Refuse hosts in `lab_hosts` that a lab cannot have."""
    if not 1 <= len(hosts) <= MOST:
        raise Refusal(f"a lab cannot have {len(hosts)} hosts. Use 1 to {MOST}.")
    names = ["datadog", "packages"]
    for host in hosts:
        own = {host.get("name"), host.get("node", host.get("name"))} if isinstance(host, dict) else {None}
        if not all(NAME.fullmatch(str(name)) for name in own) or None in own:
            raise Refusal(
                f"lab_hosts: {host!r} is not valid. Use lowercase letters, digits and dashes in `name` and `node`."
            )
        if unknown := sorted(set(host) - set(INPUT_KEYS)):
            raise Refusal(f"lab_hosts: {host['name']} has unknown keys {unknown}. Use {', '.join(INPUT_KEYS)}.")
        names += own
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refusal(f"lab_hosts: duplicate names {', '.join(twice)}. Choose other names.")


def refuse_foreign(address: str) -> None:
    """Refuse an address that the stand-in Datadog cannot listen on, since it does not belong to this machine."""
    fix = "Use --listen with one of those that `ip -4 address` shows, or --listen 127.0.0.1 for this machine only."
    try:
        wildcard = ipaddress.IPv4Address(address).is_unspecified
    except ValueError:
        raise Refusal(f"--listen: '{address}' is not an IPv4 address. {fix}") from None
    if wildcard:
        raise Refusal(f"--listen: {address} means every network of this machine. {fix}")
    with socket.socket() as server, socket.socket() as client:
        try:
            server.bind((address, 0))
            server.listen()
            client.connect(server.getsockname())  # Fails for broadcast addresses, although bind accepts them.
        except OSError as error:
            raise Refusal(f"--listen: {address} is not an address of this machine ({error.strerror}). {fix}") from None


def listen_at(address: str, datadog: int, packages: int) -> dict[str, Any] | None:
    """Return where other machines reach the stand-in Datadog and the packages; None if only loopback is used."""
    if ipaddress.IPv4Address(address).is_loopback:
        return None
    at = {"address": address, "packages_port": packages}
    return {**at, "url": f"http://{address}:{datadog}", "packages_url": f"http://{address}:{packages}/"}


def free_port(start: int, taken: set[int]) -> int:
    """Return the next loopback port from `start` on that nobody listens on."""
    for port in sorted(set(range(start, start + 10 * SPAN)) - taken):
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, port)) != 0:
                return port
    raise Refusal(f"no free port on {ADDRESS} from {start} on. Stop programs that listen there.")


def all_ports(lab: dict[str, Any]) -> list[int]:
    """Return the ports that a plan reserves, running or not."""
    published = [lab["listen"]["packages_port"]] if lab.get("listen") else []
    return [lab["datadog"]["port"], *(host["port"] for host in lab["hosts"]), *published]


def plan(
    state: Path,
    suite: str | None,
    count: int | None,
    hosts: list[Any] | None,
    datadog_names: list[str] | None = None,
    listen: str | None = None,
) -> dict[str, Any]:
    """Return the plan of the lab, keeping the decisions of an earlier plan.

    Returns: {name, checkout, state, suite, suites, wanted: the hosts as given, datadog: {container, address, port,
        url, aliases}, listen: {address, url, packages_port, packages_url} or None,
        hosts: [{name, node, aliases, container, address, port, user, suite, groups, vars}]}
    """
    file = state / "lab.json"
    before = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    name = short_name(state)
    suite = suite or before.get("suite") or platform.freedesktop_os_release()["VERSION_CODENAME"]
    if hosts is None and count is None:
        hosts = before.get("wanted")
    if hosts is None:
        hosts = [default_host(number) for number in range(1, (DEFAULT_COUNT if count is None else count) + 1)]
    refuse_unusable(hosts)

    listened = before.get("listen") or {}
    listen = listen or listened.get("address", ADDRESS)
    refuse_foreign(listen)

    ports: dict[str, int] = {}
    packages = f"{name}-packages"
    if before.get("name") == name:  # Otherwise it was copied here, and the ports belong to the original lab.
        ports = {entry["container"]: entry["port"] for entry in (before["datadog"], *before["hosts"])}
        ports |= {packages: listened["packages_port"]} if listened else {}
    plans = set((ROOT / ".kennel").glob("*/lab.json")) - {file}
    taken = {port for other in plans for port in all_ports(json.loads(other.read_text(encoding="utf-8")))}
    for service in (f"{name}-datadog", *(f"{name}-{host['name']}" for host in hosts), packages):
        if service not in ports:
            ports[service] = free_port(FIRST_PORT + int(name[-6:], 16) % BLOCKS * SPAN, {*ports.values(), *taken})

    def at(container: str) -> dict[str, Any]:
        return {"container": container, "address": ADDRESS, "port": ports[container]}

    datadog = at(f"{name}-datadog")
    if datadog_names is None:
        datadog_names = before.get("datadog", {}).get("aliases", [])
    result = [
        {
            **at(f"{name}-{host['name']}"),
            "name": host["name"],
            "node": host.get("node", host["name"]),
            "aliases": host.get("aliases", []),
            "user": "kennel",
            "suite": host.get("suite") or suite,
            "groups": ["monitored", *(group for group in host.get("groups", []) if group != "monitored")],
            "vars": host.get("vars", {}),
        }
        for host in hosts
    ]
    return {
        "name": name,
        "checkout": short_name(ROOT),
        "state": str(state),
        "suite": suite,
        # The stand-in Datadog runs on the machine's own suite, regardless of the hosts.
        "suites": sorted({suite, *(host["suite"] for host in result)}),
        "wanted": hosts,
        "datadog": {**datadog, "url": f"http://{ADDRESS}:{datadog['port']}", "aliases": datadog_names},
        "listen": listen_at(listen, ports[datadog["container"]], ports[packages]),
        "hosts": result,
    }


def prepare(state: Path, lab: dict[str, Any]) -> bool:
    """Create the keys and secrets of a lab, pin the keys of its hosts, and save the plan; return whether it changed."""
    vault, host_keys = state / "secrets", state / "host_keys"
    for folder in (vault, host_keys):
        folder.mkdir(exist_ok=True)
    # The lengths of Datadog's own keys.
    changed = [secret(vault / "api_key", 32), secret(vault / "app_key", 40)]
    changed.append(key_pair(state / "id_ed25519", lab["name"]))
    pins = []
    for host in lab["hosts"]:
        changed += [secret(vault / f"{user}_{host['name']}", 32) for user in ("mysql", "flask_apm")]
        changed.append(key_pair(host_keys / host["name"], host["container"]))
        kind, key, *_ = (host_keys / f"{host['name']}.pub").read_text(encoding="utf-8").split()
        pins.append(f"[{host['address']}]:{host['port']} {kind} {key}\n")
    changed.append(write(state / "known_hosts", "".join(pins)))
    # Private, and not in the plan, which is printed: the URL of the index may contain a password.
    asked = run(sys.executable, "-m", "pip", "config", "list")
    changed.append(write(state / "pip.json", json.dumps(pip_settings(asked)) + "\n"))
    changed.append(write(state / "lab.json", json.dumps(lab, indent=2) + "\n"))
    return any(changed)


@alone(__file__)
def main() -> dict[str, Any]:
    """Plan, prepare, and save the plan."""
    parser = argparse.ArgumentParser(description="Plan a lab.")
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--suite")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--count", type=int)
    size.add_argument("--hosts", type=json.loads)
    parser.add_argument("--datadog-names", nargs="*", help="additional names of the stand-in Datadog on the network")
    parser.add_argument("--listen", metavar="ADDRESS", help="an address to listen on in addition to loopback")
    given = parser.parse_args()
    os.umask(0o077)
    state: Path = given.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    lab = plan(state, given.suite, given.count, given.hosts, given.datadog_names, given.listen)
    return {"changed": prepare(state, lab), "lab": lab}


if __name__ == "__main__":
    end(main)
