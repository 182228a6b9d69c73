# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: mysql_account_problems
short_description: List accounts of mysql_users that have more rights than asked for, and that Kennel did not make
version_added: 0.2.0
author: Kennel contributors (@kennel)
description:
  - The role mysql would take these rights away. An account that sets O(_input.append_privs) has said what it wants.
positional: _input, answers
options:
  _input:
    description: Accounts, as the role mysql takes them.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The account's name.
        type: str
        required: true
      host:
        description: Where it logs in from.
        type: str
        default: localhost
      priv:
        description: The rights that it is to have.
        type: str
        required: true
      append_privs:
        description: Whether it keeps the others that it has.
        type: bool
  answers:
    description: Results of what P(kennel.fleet.mysql_account_questions#filter) asks.
    type: list
    elements: list
    required: true
"""

EXAMPLES = r"""
- name: List the problems
  ansible.builtin.debug:
    msg: "{{ mysql_users | kennel.fleet.mysql_account_problems(asked.query_result) }}"
  # => ["mysql_users, account 'shop'@'localhost': Kennel did not make it, and it would lose ALL on blog.*: ..."]
"""

RETURN = r"""
_value:
  description: Problems, each naming the account and the fix. Empty when there are none.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._mysql.accounts import account_problems


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"mysql_account_problems": account_problems}
