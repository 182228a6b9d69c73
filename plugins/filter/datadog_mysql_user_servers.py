# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_mysql_user_servers
short_description: Describe each server that the role datadog_mysql_user takes care of
version_added: 0.2.0
author: Kennel contributors (@kennel)
description:
  - Merges each item of C(datadog_mysql_user_instances) with the single variables, and says how to reach the server as
    root and as the Agent, and what the Agent's configuration has of it.
  - The result holds no password, so that tasks can loop over it and show it.
options:
  _input:
    description:
      - The inputs of P(kennel.fleet.datadog_mysql_user_problems#filter), in which nothing is wrong, with
        V(inventory_hostname).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say which servers there are
  ansible.builtin.debug:
    msg: "{{ inputs | kennel.fleet.datadog_mysql_user_servers | map(attribute='label') }}"
  # => ["datadog at /run/mysqld/mysqld.sock", "datadog at db2.example.com:3306"]
"""

RETURN = r"""
_value:
  description: The servers, in the order of the items.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._mysql.servers import servers


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_mysql_user_servers": servers}
