# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_check_problems
short_description: List what is wrong with checks of the Agent
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Checks names, intervals, tags and the shape of instances, and compiles the code of custom checks,
    so that nothing is changed with bad inputs. No code is run.
positional: _input, code, elsewhere
options:
  _input:
    description: Checks as the role datadog_custom_check takes them.
    type: list
    elements: dict
    required: true
  code:
    description: The text of each custom check's source file, by the check's name.
    type: dict
    default: {}
  elsewhere:
    description: What to use instead, by the name of each check that another role configures on the host.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ [{'name': 'jobs', 'source': 'jobs.py'}] | kennel.fleet.datadog_check_problems({'jobs': 'def'}) }}"
  # => ["datadog_custom_check_checks, check jobs: jobs.py, line 1 is not Python: invalid syntax"]
"""

RETURN = r"""
_value:
  description: Problems, each naming the check and the fix. Empty when the checks are fine.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checks import check_problems


def datadog_check_problems(
    checks: Any, code: dict[str, str] | None = None, elsewhere: dict[str, str] | None = None
) -> list[str]:
    """Return the problems of the checks, empty when there are none."""
    return check_problems(checks, code or {}, elsewhere)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_check_problems": datadog_check_problems}
