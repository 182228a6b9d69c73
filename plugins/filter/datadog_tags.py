# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_tags
short_description: Build the Datadog tags of a host
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Combines C(key:value) tags from literals, inventory groups, variables and facts in one sorted list without
    duplicates.
  - Normalizes tags as Datadog does. Letters become lowercase, characters other than letters, digits and C(_-:./)
    become underscores, repeated underscores become one, and a trailing underscore is removed.
  - Fails if a tag cannot be made valid, and lists all problems with their sources. Invalid tags are those with an empty
    key or value, without a colon, that do not start with a letter, with more than 200 characters, or with the key
    V(host), and those whose value is a dictionary or null.
positional: _input
options:
  _input:
    description: List of C(key:value) strings, or a dictionary that maps tag keys to values.
    type: raw
    required: true
  groups:
    description: Group names. Each becomes a tag with O(group_key) as its key.
    type: list
    elements: str
    default: []
  group_key:
    description: Key of the tags that are built from O(groups).
    type: str
    default: ansible_group
  variables:
    description:
      - Dictionary that maps tag keys to values. A value is a string, a number or a boolean, or a list of these, which
        produces several tags.
    type: dict
    default: {}
  facts:
    description: Same as O(variables), for values from facts. Error messages distinguish between the two.
    type: dict
    default: {}
seealso:
  - name: Datadog tags
    description: Datadog's rules for tags.
    link: https://docs.datadoghq.com/getting_started/tagging/
"""

EXAMPLES = r"""
- name: Show the tags of a web host
  ansible.builtin.debug:
    msg: >-
      {{ ['env:Staging', 'team:web shop']
         | kennel.fleet.datadog_tags(groups=['apm', 'monitored'],
                                     variables={'role': ['frontend', 'api']},
                                     facts={'os': 'Debian'}) }}
  # => ['ansible_group:apm', 'ansible_group:monitored', 'env:staging', 'os:debian', 'role:api', 'role:frontend',
  #     'team:web_shop']
"""

RETURN = r"""
_value:
  description: Valid tags, sorted and without duplicates.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def datadog_tags(literals: Any, **sources: Any) -> list[str]:
    """Return the tags; raise AnsibleFilterError with all problems if one of them cannot be made valid."""
    from ansible_collections.kennel.fleet.plugins.module_utils._tags import build_tags

    tags, problems = build_tags(literals, **sources)
    if problems:
        raise AnsibleFilterError("These tags cannot be sent to Datadog:\n" + "\n".join(problems))
    return tags


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_tags": datadog_tags}
