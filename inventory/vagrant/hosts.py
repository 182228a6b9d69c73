#!/usr/bin/env python3
"""Variables of Vagrant's machines in addition to group_vars; Vagrant itself lists the machines and their groups.

If DD_API_KEY and DD_APP_KEY are in the environment, it adds nothing: packages, intake and API are the real ones.
Otherwise they are those of the lab in KENNEL_STATE (.kennel/lab), if it listens on an address that other machines can
reach.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def inventory(state: Path) -> dict[str, Any]:
    """Turn `lab.json` into what Ansible expects of an inventory script's `--list`."""
    everything: dict[str, Any] = {"kennel_passwords": f"{state}-vagrant", "kennel_standin_keys": ""}
    monitored: dict[str, Any] = {}
    plan = state / "lab.json"
    lab = json.loads(plan.read_text(encoding="utf-8")) if plan.exists() else {}
    if lab.get("listen") and not (os.environ.get("DD_API_KEY") and os.environ.get("DD_APP_KEY")):
        everything |= {"kennel_standin_keys": f"{state}/secrets", "datadog_api_url": lab["datadog"]["url"]}
        packages = lab["listen"]["packages_url"]
        monitored = {
            "datadog_agent_dd_url": lab["listen"]["url"],
            "datadog_agent_apt_url": packages,
            "datadog_agent_apt_key_urls": [f"{packages}DATADOG_APT_KEY_CURRENT.public"],
        }
        pip = json.loads((state / "pip.json").read_text(encoding="utf-8"))
        monitored |= {f"flask_apm_pip_{name}": value for name, value in pip.items()}
    return {"_meta": {"hostvars": {}}, "all": {"vars": everything}, "monitored": {"hosts": [], "vars": monitored}}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--host"]:
        print("{}")  # All variables are under _meta and the groups.
    else:
        folder = os.environ.get("KENNEL_STATE") or ROOT / ".kennel" / "lab"
        print(json.dumps(inventory(Path(folder).resolve()), indent=2))
