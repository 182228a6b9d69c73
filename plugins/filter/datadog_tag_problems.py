# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_tag_problems
short_description: List what is wrong with the tags of a host
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Takes what P(kennel.fleet.datadog_tags#filter) takes and returns its problems instead of failing,
    so that they can be reported together with those of other hosts.
positional: _input
extends_documentation_fragment:
  - kennel.fleet.datadog_tag_sources
seealso:
  - plugin: kennel.fleet.datadog_tags
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what is wrong
  ansible.builtin.debug:
    msg: "{{ ['1st:x', 'webserver'] | kennel.fleet.datadog_tag_problems(groups=['web'], variables={'role': ''}) }}"
  # => ["literal tag '1st:x' does not start with a letter: rename its key",
  #     "literal tag 'webserver' is not of the form key:value: write for example 'team:web'",
  #     "variable tag 'role' has an empty value: give it one, or leave the tag out"]
"""

RETURN = r"""
_value:
  description: Problems, each naming its source and the mend. Empty when every tag is valid or can be made valid.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any


def datadog_tag_problems(literals: Any, **sources: Any) -> list[str]:
    """Return the problems of the tags, empty when there are none."""
    from ansible_collections.kennel.fleet.plugins.module_utils._tags import build_tags

    return build_tags(literals, **sources)[1]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_tag_problems": datadog_tag_problems}
