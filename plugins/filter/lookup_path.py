# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: lookup_path
short_description: Find a value by its dotted path
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Follows a path such as V(default_ipv4.address) into dictionaries and lists.
positional: _input, container
options:
  _input:
    description: The path. Numbers are list positions.
    type: str
    required: true
  container:
    description: Where to look, for example C(ansible_facts).
    type: raw
    required: true
"""

EXAMPLES = r"""
- name: Show a fact
  ansible.builtin.debug:
    msg: "{{ 'default_ipv4.address' | kennel.fleet.lookup_path(ansible_facts) }}"
"""

RETURN = r"""
_value:
  description: The value, or an empty string where the path leads nowhere.
  type: raw
"""

from collections.abc import Callable, Mapping
from typing import Any


def lookup_path(path: str, container: Any) -> Any:
    """Return what lies at the dotted path, or an empty string."""
    for part in str(path).split("."):
        if isinstance(container, Mapping) and part in container:
            container = container[part]
        elif isinstance(container, (list, tuple)) and part.isdecimal() and int(part) < len(container):
            container = container[int(part)]
        else:
            return ""
    return container


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"lookup_path": lookup_path}
