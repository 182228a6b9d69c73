# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: dashboard_export
short_description: Convert a Datadog dashboard to an item of datadog_dashboards
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Converts a dashboard from the format of the Datadog API to an item of M(kennel.fleet.datadog_dashboards). Applying
    the item to the same dashboard changes nothing.
  - Removes everything that the server added, such as IDs, defaults and nulls, and the mark of a fleet.
  - Takes C(key) from the mark, or else derives it from the title. In a list, duplicate keys are numbered.
positional: _input
options:
  _input:
    description: A dashboard, or a list of them.
    type: raw
    required: true
  only:
    description:
      - What to return of a list with dashboards that the module would refuse. If not set, they cause an error.
      - V(taken) leaves them out. V(refused) returns only a message about each of them.
    type: str
    choices: [taken, refused]
seealso:
  - module: kennel.fleet.datadog_dashboards
  - module: kennel.fleet.datadog_dashboards_info
"""

EXAMPLES = r"""
- name: Show an existing dashboard as an item
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
    """Return the dashboard, or each of a list, as an item; raise AnsibleFilterError for anything else."""
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
