"""Print the hosts and the status of a lab.

    python3 lab/status.py --state FOLDER [--json]

Exit status 1 if there is no lab.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from common import Refusal, ask, keys
from containers import listed


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def dashboards(lab: dict[str, Any]) -> list[dict[str, str]]:
    """Return the lab's own dashboards, {title, url}, from the stand-in Datadog; none if it does not answer."""
    url = lab["datadog"]["url"]
    found = (ask(f"{url}/api/v1/dashboard", keys(lab)) or {"dashboards": []})["dashboards"]
    own = [board for board in found if f"kennel_fleet:{lab['name']} " in (board["description"] or "")]
    return [{"title": board["title"], "url": f"{url}{board['url']}"} for board in own]


def status(state: Path) -> dict[str, Any]:
    """Combine the plan, what is running, and the last result.

    Returns: {name, state, page, api, listen: {address, url, packages_port, packages_url} or None,
        dashboards: [{title, url}], datadog: {container, state},
        hosts: [{name, node, container, address, port, user, groups, suite, state}],
        last: {command, time, exit, changed} or None}; the `state` of a container is podman's, or "missing"
    """
    lab = read(state / "lab.json")
    if lab is None:
        raise Refusal("there is no lab. Run ./kennel up.")
    present = listed(lab["name"])

    def stands(container: str) -> str:
        return present[container]["State"] if container in present else "missing"

    shown = ("name", "node", "container", "address", "port", "user", "groups", "suite")
    return {
        "name": lab["name"],
        "state": lab["state"],
        "page": lab["datadog"]["url"] + "/",
        "api": lab["datadog"]["url"],
        "listen": lab.get("listen"),
        "dashboards": dashboards(lab),
        "datadog": {"container": lab["datadog"]["container"], "state": stands(lab["datadog"]["container"])},
        "hosts": [{**{key: host[key] for key in shown}, "state": stands(host["container"])} for host in lab["hosts"]],
        "last": read(state / "last.json"),
    }


def table(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def text(found: dict[str, Any]) -> str:
    rows = [["HOST", "ADDRESS", "PORT", "USER", "GROUPS", "STATE"]]
    rows += [
        [host["name"], host["address"], str(host["port"]), host["user"], ",".join(host["groups"]), host["state"]]
        for host in found["hosts"]
    ]
    lines = [table(rows), "", f"Stand-in Datadog, page and API: {found['page']} ({found['datadog']['state']})"]
    if found["listen"]:
        lines.append("For other machines: {url}/, and packages at {packages_url}".format(**found["listen"]))
    lines += [f"Dashboard: {board['url']} ({board['title']})" for board in found["dashboards"]]
    last = found["last"]
    if last:
        well = "succeeded" if last["exit"] == 0 else f"failed with exit status {last['exit']}"
        changes = "" if last["changed"] is None else f", {last['changed']} changed"
        lines.append(f"Last: ./kennel {last['command']} at {last['time']} {well}{changes}")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the status of a lab.")
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    try:
        answer = status(given.state.resolve())
    except Refusal as refusal:
        sys.exit(str(refusal))
    print(json.dumps(answer, indent=2) if given.json else text(answer))
