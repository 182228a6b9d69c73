# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_agent_info
short_description: Ask a host's Datadog Agent how it does
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Tells whether the Agent of the host runs, since when, under which name it reports, and what it says of its API key,
    of what it sends and of its checks. Needs root, since only the Agent's own user may ask it.
  - A host without an Agent, or whose Agent does not answer, is no failure.
options: {}
attributes:
  check_mode:
    description: Can run in check mode, where it asks as ever.
    support: full
  diff_mode:
    description: Returns a difference in diff mode. It changes nothing, so there is none.
    support: none
seealso:
  - module: kennel.fleet.datadog_verify
"""

EXAMPLES = r"""
- name: Ask the Agent how it does
  kennel.fleet.datadog_agent_info:
  become: true
  register: agent

- name: Tell what its checks complain of
  ansible.builtin.debug:
    var: agent.checks
"""

RETURN = r"""
active:
  description: Whether the service C(datadog-agent) runs.
  returned: always
  type: bool
since:
  description: When it was last started, in seconds of the epoch by the host's clock; V(0) if it does not run.
  returned: always
  type: float
  sample: 1764000000.25
hostname:
  description: Name under which the Agent reports, empty where it does not say.
  returned: always
  type: str
  sample: web1.example.com
key:
  description: What the Agent says of its API key, empty where it does not say.
  returned: always
  type: str
  sample: API Key valid
delivery:
  description: What keeps the Agent from delivering, as far as it says, empty where nothing does.
  returned: always
  type: str
  sample: 'errors by kind: ConnectionErrors 12'
checks:
  description: Error of the last run of each check that failed, or was not loaded, by the check's name.
  returned: always
  type: dict
  sample: {"mysql": "Access denied for user 'datadog'@'localhost'"}
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils.systemd_unit import read_unit

USER = "dd-agent"
# Seconds that the Agent's command line may take.
PATIENCE = 30


def key_status(status: dict[str, Any]) -> str:
    """Return what the Agent says of its API keys; of several the first that is not valid."""
    said = [text for text in _part(status, "forwarderStats", "APIKeyStatus").values() if isinstance(text, str)]
    return next((text for text in said if "invalid" in text.lower()), said[0] if said else "")


def delivery_problem(status: dict[str, Any]) -> str:
    """Return what keeps payloads from being delivered, while some wait to be sent again."""
    transactions = _part(status, "forwarderStats", "Transactions")
    if not transactions.get("RetryQueueSize"):
        return ""
    last = _part(status, "forwarderStats").get("LastError")
    kinds = {kind: count for kind, count in _part(transactions, "ErrorsByType").items() if count}
    return last or ("errors by kind: " + ", ".join(f"{k} {v}" for k, v in sorted(kinds.items())) if kinds else "")


def check_errors(status: dict[str, Any]) -> dict[str, str]:
    """Return the error of each check that failed in its last run, or could not be loaded."""
    errors = {}
    for name, found in _part(status, "checkSchedulerStats", "LoaderErrors").items():
        texts = found.values() if isinstance(found, dict) else [found]
        errors[name] = next((_said(text) for text in texts if text), "")
    for name, instances in _part(status, "runnerStats", "Checks").items():
        texts = [instance.get("LastError") for instance in instances.values() if isinstance(instance, dict)]
        errors[name] = next((_said(text) for text in texts if text), errors.get(name, ""))
    return {name: text for name, text in errors.items() if text}


def _part(document: Any, *path: str) -> dict[str, Any]:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document if isinstance(document, dict) else {}


def _said(error: Any) -> str:
    """Return an error in one line: the message where it is JSON with a traceback, as of a run, else its last line."""
    try:
        found = json.loads(error)
        return " ".join(str((found[0] if isinstance(found, list) else found)["message"]).split())[:300]
    except (KeyError, IndexError, TypeError, ValueError):
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[-1][:300] if lines else ""


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    unit = read_unit(module, "datadog-agent.service")

    def ask(*verb: str) -> str:
        prefix = ["runuser", "-u", USER, "--", "timeout", str(PATIENCE), "datadog-agent"]
        code, out, _err = module.run_command([*prefix, *verb], environ_update={"LC_ALL": "C.UTF-8"})
        return out if code == 0 else ""

    try:
        status = json.loads(ask("status", "--json")) if unit.active else {}
    except ValueError:
        status = {}
    module.exit_json(
        changed=False,
        active=unit.active,
        since=unit.since,
        hostname=ask("hostname").strip(),
        key=key_status(status),
        delivery=delivery_problem(status),
        checks=check_errors(status),
    )


if __name__ == "__main__":
    main()
