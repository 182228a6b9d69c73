# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: flask_apm_problems
short_description: List what is wrong with the inputs of the role flask_apm
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks addresses, ports, tags, environment, database and package index, so that nothing is changed with bad inputs.
options:
  _input:
    description:
      - The role's inputs, under the names of its variables without their prefix.
      - V(pip_ca_bundle_found) says whether the controller has that file.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: List the problems
  ansible.builtin.set_fact:
    flask_apm_problems: "{{ inputs | kennel.fleet.flask_apm_problems }}"
"""

RETURN = r"""
_value:
  description: Problems, each naming its variable and the mend. Empty when the inputs are fine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.flask_apm import flask_apm_problems


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"flask_apm_problems": flask_apm_problems}
