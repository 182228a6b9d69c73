# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: official_checks
short_description: Convert the checks of the official Datadog role
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Converts the variables C(datadog_checks) and C(datadog_custom_checks) of the official role to the list of checks for
    the role C(datadog_custom_check), and separates secrets from what diffs may show.
positional: _input, code
options:
  _input:
    description: Content of C(conf.yaml) by check name.
    type: dict
    required: true
  code:
    description: Python file of each custom check by check name.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Show the converted checks
  ansible.builtin.debug:
    msg: "{{ {'queue': {'init_config': None, 'instances': [{'url': 'http://localhost', 'password': 'geheim'}]}}
             | kennel.fleet.official_checks({'queue': 'queue.py'}) }}"
  # => [{'name': 'queue', 'source': 'queue.py', 'init_config': {}, 'instances': [{'url': 'http://localhost'}],
  #      'sections': {}, 'secrets': {'instances.0.password': 'geheim'}}]
"""

RETURN = r"""
_value:
  description:
    - The checks. A custom check without configuration has no instances. Preflight refuses it by name, since the Agent
      would not run it.
  type: list
  elements: dict
"""

from collections.abc import Callable
from typing import Any


def official_checks(checks: dict[str, Any] | None, code: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the checks as the role datadog_custom_check takes them, in their order."""
    from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import split_secrets

    checks, code = checks or {}, code or {}
    result = []
    for name in [*checks, *(name for name in code if name not in checks)]:
        content = dict(checks.get(name) or {})
        # An empty value in YAML means no settings or no instances.
        content |= {part: content.get(part) or empty for part, empty in (("init_config", {}), ("instances", []))}
        kept, secrets = split_secrets(content)
        check = {part: kept.pop(part, []) for part in ("init_config", "instances")}
        source = {"source": code[name]} if name in code else {}
        result.append({"name": name, **source, **check, "sections": kept, "secrets": secrets})
    return result


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"official_checks": official_checks}
