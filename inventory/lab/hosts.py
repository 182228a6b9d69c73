#!/usr/bin/env python3
"""The lab fleet as an Ansible inventory, read from the plan of the lab in KENNEL_STATE (.kennel/lab).

Hosts download Python packages the way this machine does, as far as that works for them: lab/plan.py reads the settings
of pip.

Without a lab, the groups are empty; that is not an error.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
GROUPS = ("monitored", "mysql", "apm")


def inventory(state: Path) -> dict[str, Any]:
    """Turn `lab.json` into what Ansible expects of an inventory script's `--list`."""
    plan = state / "lab.json"
    lab = json.loads(plan.read_text(encoding="utf-8")) if plan.exists() else {"hosts": []}
    groups: dict[str, Any] = {name: {"hosts": []} for name in GROUPS}
    hostvars = {}
    for host in lab["hosts"]:
        for group in host["groups"]:
            groups.setdefault(group, {"hosts": []})["hosts"].append(host["name"])
        hostvars[host["name"]] = {
            "ansible_host": host["address"],
            "ansible_port": host["port"],
            "ansible_user": host["user"],
            **host["vars"],
        }
    shared = {
        "lab_state": str(state),
        "ansible_ssh_private_key_file": str(state / "id_ed25519"),
        # ssh needs the inner quotes, because it splits the list of files at spaces.
        "ansible_ssh_common_args": (
            f"-o 'UserKnownHostsFile=\"{state / 'known_hosts'}\"' -o GlobalKnownHostsFile=/dev/null "
            "-o StrictHostKeyChecking=yes -o IdentitiesOnly=yes"
        ),
    }
    pip = state / "pip.json"
    if pip.exists():
        settings = json.loads(pip.read_text(encoding="utf-8"))
        shared |= {f"flask_apm_pip_{name}": value for name, value in settings.items()}
    if "datadog" in lab:
        shared["datadog_api_url"] = lab["datadog"]["url"]
        # The lab's name, so that two labs that report to one account are two fleets.
        shared["datadog_objects_fleet"] = lab["name"]
    everything = {"children": list(groups), "vars": shared}
    return {"_meta": {"hostvars": hostvars}, "all": everything, **groups}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--host"]:
        print("{}")  # All variables of hosts are under _meta.
    else:
        folder = os.environ.get("KENNEL_STATE") or ROOT / ".kennel" / "lab"
        print(json.dumps(inventory(Path(folder).resolve()), indent=2))
