# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: check_inputs
short_description: Check the inputs of Kennel's roles
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Compares the variables of roles with their argument specifications and rules, and changes nothing.
  - Asks the host for its groups, where a variable names some.
  - Reports every problem at once, each with host, variable and fix. What may be wrong is a warning.
  - Returns what the roles then work with, of the types of their specifications and without secrets.
options:
  roles:
    description: Names of roles of this collection, in the order in which they run.
    type: list
    elements: str
    required: true
  checked:
    description: Result of an earlier check in this run. Roles in it are not checked again.
    type: dict
    default: {}
  known:
    description: Problems of the host that were found before, to be reported with the others.
    type: list
    elements: str
    default: []
  refuse:
    description: Whether problems make the task fail. If not, they are only returned.
    type: bool
    default: true
attributes:
  check_mode:
    description: Can run in check mode, and returns what it returns without it.
    support: full
  diff_mode:
    description: Changes nothing, so that there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Check the inputs
  kennel.fleet.check_inputs:
    roles: [datadog_tags, datadog_agent]
    refuse: false
  register: checked

- name: Show what is wrong
  ansible.builtin.debug:
    var: checked.problems
"""

RETURN = r"""
inputs:
  description: Effective inputs by the name of their role, and in that by their variable's name without the prefix.
  returned: success
  type: dict
  sample: {datadog_tags: {result: ["env:production"]}}
expects:
  description: What Datadog must show once the roles have run, by the name of the role.
  returned: success
  type: dict
  sample: {datadog_agent: {present: [system.load.1]}}
problems:
  description: What is wrong with the inputs.
  returned: success
  type: list
  elements: str
"""
