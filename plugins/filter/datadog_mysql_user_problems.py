# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_mysql_user_problems
short_description: List what is wrong with the inputs of the role datadog_mysql_user
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks the name, the password, the connection, the tags and, where it is on, what Database Monitoring takes, so
    that nothing is changed with bad inputs.
options:
  _input:
    description:
      - Dictionary with the keys V(name), V(password), V(connection), V(options), V(tags), V(dbm), V(schemas),
        V(settings), V(server), V(agent_version) and V(flavour).
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
  description: Problems, each naming its variable and the mend. Empty when the inputs are fine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils.mysql_rules import mysql_user_problems


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_mysql_user_problems": mysql_user_problems}
