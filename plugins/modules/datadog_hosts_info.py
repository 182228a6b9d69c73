# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_hosts_info
short_description: List the hosts of a Datadog account
version_added: 0.1.0
author: Kennel contributors (@kennel)
description: Returns all hosts of the infrastructure list, however many there are.
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_info
options:
  filter:
    description:
      - Search by name, alias or tag, as in the infrastructure list.
      - If not set, all hosts are returned.
    type: str
  since:
    description:
      - Only return hosts that have reported since this time, in seconds since the epoch. Datadog keeps seven days.
      - If not set, three hours ago.
    type: int
  metadata:
    description:
      - Whether to return the metadata that Agents report about their machines, such as processors, platform and
        version, as C(meta).
    type: bool
    default: false
seealso:
  - module: kennel.fleet.datadog_verify
"""

EXAMPLES = r"""
- name: List the hosts of production
  kennel.fleet.datadog_hosts_info:
    filter: env:production
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
  delegate_to: localhost
  run_once: true
  register: production

- name: Show those that are not reporting
  ansible.builtin.debug:
    msg: "{{ production.hosts | rejectattr('up') | map(attribute='name') }}"
"""

RETURN = r"""
hosts:
  description: Hosts as the API returns them.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the host.
      type: str
    aliases:
      description: Other names of the host.
      type: list
    apps:
      description: Integrations that report from the host.
      type: list
    up:
      description: Whether the host is reporting.
      type: bool
    is_muted:
      description: Whether the host is muted.
      type: bool
    last_reported_time:
      description: Time of its last report in seconds since the epoch.
      type: int
    tags_by_source:
      description: Tags by source.
      type: dict
    meta:
      description: Metadata that the Agent reports about the machine. Only returned with O(metadata).
      type: dict
  sample:
    - name: web1.example.com
      up: true
      last_reported_time: 1764000000
      tags_by_source: {Datadog: ['env:production']}
"""

from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import run_module


def read(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the module's result."""
    asked = {"filter": params["filter"], "from": params["since"]}
    asked = {name: value for name, value in asked.items() if value not in (None, "")}
    asked |= {"include_muted_hosts_data": "true", "include_hosts_metadata": str(params["metadata"]).lower()}
    return {"hosts": list(client.pages("hosts", **asked))}


def main() -> None:
    run_module(
        read,
        {"filter": {"type": "str"}, "since": {"type": "int"}, "metadata": {"type": "bool", "default": False}},
    )


if __name__ == "__main__":
    main()
