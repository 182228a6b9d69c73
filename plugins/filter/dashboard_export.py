# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: dashboard_export
short_description: Write a Datadog dashboard as one would have written it
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Turns a dashboard as Datadog's API returns it into an item of M(kennel.fleet.datadog_dashboards),
    which takes it back without a change.
  - What the server added is dropped, with ids, defaults, nulls and the mark of a fleet.
  - Its C(key) is that of its mark, or else made of its title. In a list, keys that are the same are numbered.
positional: _input
options:
  _input:
    description: A dashboard, or a list of them.
    type: raw
    required: true
  only:
    description:
      - What of a list, in which one that the module would refuse is an error otherwise.
      - V(taken) leaves those out, V(refused) returns a text about each of those.
    type: str
    choices: [taken, refused]
seealso:
  - module: kennel.fleet.datadog_dashboards
  - module: kennel.fleet.datadog_dashboards_info
"""

EXAMPLES = r"""
- name: Show what to write for a dashboard that exists
  ansible.builtin.debug:
    msg: "{{ found | kennel.fleet.dashboard_export }}"
  vars:
    found: >-
      {{ {'id': 'abc-def-ghi', 'title': 'The shop', 'layout_type': 'ordered', 'description': none,
          'author_handle': 'a@example.com', 'widgets': [{'id': 1, 'definition': {'type': 'note', 'content': 'Hi'}}]} }}
  # => {'key': 'the_shop', 'title': 'The shop', 'layout_type': 'ordered',
  #     'widgets': [{'definition': {'type': 'note', 'content': 'Hi'}}]}
"""

RETURN = r"""
_value:
  description: An item, or a list of them.
  type: raw
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def dashboard_export(found: Any, only: str | None = None) -> Any:
    """Return the dashboard, or each of a list, as an item; raise AnsibleFilterError for what is none."""
    from ansible_collections.kennel.fleet.plugins.module_utils._objects.dashboards import Dashboards
    from ansible_collections.kennel.fleet.plugins.module_utils._objects.export import export

    try:
        return export(Dashboards(), found, only)
    except ValueError as error:
        raise AnsibleFilterError(f"dashboard_export: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"dashboard_export": dashboard_export}
