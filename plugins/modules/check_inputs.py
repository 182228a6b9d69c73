# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: check_inputs
short_description: Check the inputs of Kennel's roles
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Validates the variables of roles against their argument specifications and rules. Changes nothing.
  - Asks the host for its groups if a variable names some.
  - Reports all problems at once, each with host, variable and fix. Warns about values that are probably wrong.
  - Returns the effective inputs of the roles, converted to the types of their specifications and without secrets.
options:
  roles:
    description: Names of roles in this collection, in the order in which they run.
    type: list
    elements: str
    required: true
  checked:
    description: Result of an earlier check in this run. Roles that it contains are not checked again.
    type: dict
    default: {}
  known:
    description: Problems of the host that are already known, to be reported with the others.
    type: list
    elements: str
    default: []
  refuse:
    description: Whether to fail if there are problems. If not, they are only returned.
    type: bool
    default: true
extends_documentation_fragment: kennel.fleet.datadog_info
"""

EXAMPLES = r"""
- name: Check the inputs
  kennel.fleet.check_inputs:
    roles: [datadog_tags, datadog_agent]
    refuse: false
  register: checked

- name: Show the problems
  ansible.builtin.debug:
    var: checked.problems
"""

RETURN = r"""
inputs:
  description: Effective inputs by role name, and then by variable name without the prefix of the role.
  returned: success
  type: dict
  sample: {datadog_tags: {result: ["env:production"]}}
expects:
  description: What Datadog must show after the roles have run, by role name.
  returned: success
  type: dict
  sample: {datadog_agent: {present: [system.load.1]}}
problems:
  description: Problems with the inputs.
  returned: success
  type: list
  elements: str
"""
