# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_account_info
short_description: Check the keys of a Datadog account
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks that the API key is valid and that the application key can read hosts, metrics, dashboards, monitors and
    downtimes. Write permissions are not checked.
  - Does not fail if a key is invalid or the API is unreachable. The module returns such problems as RV(problems), so
    that a play can report them together with others.
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_info
seealso:
  - module: kennel.fleet.datadog_verify
"""

EXAMPLES = r"""
- name: Check the keys
  kennel.fleet.datadog_account_info:
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
    site: datadoghq.eu
  delegate_to: localhost
  run_once: true
  register: account

- name: Stop if a key does not work
  ansible.builtin.assert:
    that: account.problems | length == 0
    fail_msg: "{{ account.problems | join('\n') }}"
"""

RETURN = r"""
api_key_valid:
  description: Whether Datadog accepts the API key. None if Datadog could not be reached.
  returned: always
  type: bool
app_key_valid:
  description:
    - Whether the application key has all the read permissions that are checked.
    - None if this could not be checked because the API key is invalid or Datadog could not be reached.
  returned: always
  type: bool
api_url:
  description: URL of the API.
  returned: always
  type: str
  sample: https://api.datadoghq.com
problems:
  description: Problems found. Each names the variable and the fix. Empty if both keys work.
  returned: always
  type: list
  elements: str
  sample:
    - "datadog_app_key is not set. Set it in the inventory (vaulted), or DD_APP_KEY in the environment."
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._api.client import (
    Client,
    DatadogError,
    client_from_module,
    datadog_argument_spec,
)

# One cheap request for each read permission that the roles need: its name in Datadog, path, parameters.
READS = (
    ("hosts_read", "hosts", lambda now: {"count": 1}),
    ("timeseries_query", "query", lambda now: {"from": now - 60, "to": now, "query": "avg:datadog.agent.running{*}"}),
    ("dashboards_read", "dashboard", lambda now: {"count": 1}),
    ("monitors_read", "monitor", lambda now: {"page": 0, "page_size": 1}),
    ("monitors_downtime", "downtime", lambda now: {"version": "v2", "page[limit]": 1}),
)


def ask(client: Client) -> dict[str, Any]:
    """Return the module's result. Every DatadogError becomes a problem; none is raised."""
    result: dict[str, Any] = {"api_key_valid": None, "app_key_valid": None, "api_url": client.public_url}
    problems = list(client.problems.values())
    if not set(client.problems) - {"datadog_app_key"}:
        try:
            result["api_key_valid"] = _api_key_valid(client, problems)
            if result["api_key_valid"] and not client.problems:
                result["app_key_valid"] = _app_key_valid(client, problems)
        except DatadogError as error:
            problems.append(str(error))
    return {**result, "problems": problems}


def _api_key_valid(client: Client, problems: list[str]) -> bool:
    try:
        if client.get("validate", need_app_key=False).get("valid"):
            return True
        words = "valid: false"
    except DatadogError as error:
        if error.kind != "key":
            raise
        words = f"{error.status} {error.words}"
    problems.append(
        f"datadog_api_key is not valid at {client.public_url} ({words}). Check it, and that it belongs to datadog_site."
    )
    return False


def _app_key_valid(client: Client, problems: list[str]) -> bool:
    refused = {}
    for permission, path, parameters in READS:
        try:
            client.get(path, **parameters(int(time.time())))
        except DatadogError as error:
            if error.kind != "key":
                raise
            refused[permission] = f"{error.status} {error.words}"
    if len(refused) == len(READS):
        words = refused["hosts_read"]
        problems.append(
            f"datadog_app_key cannot read anything at {client.public_url} ({words}). Check that it is an application"
            " key of the same account as datadog_api_key and, if it is restricted, give it the scopes"
            f" {', '.join(refused)}."
        )
    else:
        problems.extend(
            f"datadog_app_key lacks the scope {permission} ({words}). Add it to the key in Datadog."
            for permission, words in refused.items()
        )
    return not refused


def main() -> None:
    module = AnsibleModule(argument_spec=datadog_argument_spec(), supports_check_mode=True)
    # Preflight should report an unreachable API soon, so it makes fewer attempts than calls that write.
    module.exit_json(changed=False, **ask(client_from_module(module, attempts=3)))


if __name__ == "__main__":
    main()
