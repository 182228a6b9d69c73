# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_mysql_user_problems
short_description: List what is wrong with the inputs of the role datadog_mysql_user
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks each server's account, password, connection and options, the latter by the rules of the integration, and what
    Database Monitoring takes where it is on, so that nothing is changed with bad inputs.
options:
  _input:
    description:
      - Dictionary with the role's variables, without their prefix.
      - Also V(users), V(databases) and V(server), which are C(mysql_users), C(mysql_databases) and C(mysql_settings),
        the V(flavour) of server that is expected, and V(own_names), the host's names and addresses.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: List the problems
  ansible.builtin.set_fact:
    datadog_mysql_user_problems: "{{ inputs | kennel.fleet.datadog_mysql_user_problems }}"
"""

RETURN = r"""
_value:
  description: Problems, each naming its variable and the fix. Empty when the inputs are fine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.mysql import mysql_user_problems


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_mysql_user_problems": mysql_user_problems}
