# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: mysql_problems
short_description: List what is wrong with the inputs of the role mysql
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks settings, databases and users, so that nothing is changed with bad inputs.
options:
  _input:
    description:
      - Dictionary with the keys V(settings), V(monitoring_settings), V(databases), V(users) and V(flavour), and as
        V(monitor) the V(name) and V(host) of the account that the role datadog_mysql_user makes, if there is one.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: List the problems
  ansible.builtin.debug:
    msg: >-
      {{ {'settings': {}, 'monitoring_settings': {}, 'databases': [], 'users': [{'name': 'shop'}],
          'flavour': 'mariadb', 'monitor': {}} | kennel.fleet.mysql_problems }}
"""

RETURN = r"""
_value:
  description: Problems, each naming its variable and the fix. Empty when the inputs are fine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.mysql import mysql_problems


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"mysql_problems": mysql_problems}
