# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_agent_problems
short_description: List what is wrong with the inputs of the role datadog_agent
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks keys, addresses, names, the version, tags and settings, so that nothing is changed with bad inputs.
options:
  _input:
    description: The role's inputs, under the names of its variables without their prefix.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: List the problems
  ansible.builtin.set_fact:
    datadog_agent_problems: "{{ inputs | kennel.fleet.datadog_agent_problems }}"
"""

RETURN = r"""
_value:
  description: Problems, each naming its variable and the mend. Empty when the inputs are fine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.agent import agent_problems


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_agent_problems": agent_problems}
