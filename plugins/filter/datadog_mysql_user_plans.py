# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_mysql_user_plans
short_description: Decide what to do with each server, from what it says of itself
version_added: 0.2.0
author: Kennel contributors (@kennel)
description:
  - Takes the kind and version of each server from its answers, and says which rights the Agent's user needs there,
    which statements prove them, and whether an account that is there must be left alone.
positional: _input, answers
options:
  _input:
    description: Servers, as P(kennel.fleet.datadog_mysql_user_servers#filter) describes them.
    type: list
    elements: dict
    required: true
  answers:
    description: For each of them a result of M(community.mysql.mysql_query).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the rights that the user needs on each server
  ansible.builtin.debug:
    msg: "{{ servers | kennel.fleet.datadog_mysql_user_plans(asked.results) | map(attribute='privileges') }}"
"""

RETURN = r"""
_value:
  description:
    - For each server V(answered), V(problem), V(sha2), V(folder), V(service), V(procedures), V(privileges) and
      V(statements).
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._mysql.servers import plans


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_mysql_user_plans": plans}
