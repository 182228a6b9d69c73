# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: mysql_account_questions
short_description: Write the statements that ask a server about accounts
version_added: 0.2.0
author: Kennel contributors (@kennel)
description:
  - They ask which of the accounts there are, whether Kennel made them, and which rights they have.
  - The statements hold hashes of the passwords. A task that runs them needs C(no_log).
positional: _input, where
options:
  _input:
    description: Accounts, each with the keys V(name), V(host) and V(password).
    type: list
    elements: dict
    required: true
  where:
    description: What their salts are made of, beside their names.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Ask about the accounts
  community.mysql.mysql_query:
    query: "{{ mysql_users | kennel.fleet.mysql_account_questions(inventory_hostname) }}"
    login_unix_socket: /run/mysqld/mysqld.sock
  no_log: true
"""

RETURN = r"""
_value:
  description: Statements, whose results P(kennel.fleet.mysql_account_problems#filter) takes.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._mysql.accounts import account_questions


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"mysql_account_questions": account_questions}
