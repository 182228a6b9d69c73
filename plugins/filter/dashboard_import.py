# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: dashboard_import
short_description: Read dashboards as people have them
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Finds the dashboards in JSON from scripts, from the export of a dashboard's page, from the answers of Datadog's
    API or in Terraform's state, and returns each as Datadog's API takes it today.
  - A timeboard (C(graphs)) or a screenboard (C(board_title)), the forms of the deprecated C(/api/v1/dash) and
    C(/api/v1/screen), becomes a dashboard. What the old form has and the present one has no place for is left out.
  - Of Terraform's state, C(datadog_dashboard_json) and C(datadog_dashboard) are read, and no other resource.
  - P(kennel.fleet.dashboard_export#filter) makes items of M(kennel.fleet.datadog_dashboards) of these.
options:
  _input:
    description: The texts of files by their names.
    type: dict
    required: true
seealso:
  - plugin: kennel.fleet.dashboard_export
    plugin_type: filter
  - module: kennel.fleet.datadog_dashboards
"""

EXAMPLES = r"""
- name: Show what to write for a timeboard
  ansible.builtin.debug:
    msg: "{{ {'shop.json': text} | kennel.fleet.dashboard_import | kennel.fleet.dashboard_export }}"
  vars:
    text: >-
      {"title": "The shop", "graphs": [{"title": "Load", "definition":
      {"viz": "timeseries", "requests": [{"q": "avg:system.load.1{*}", "type": "area"}]}}]}
  # => [{'key': 'the_shop', 'title': 'The shop', 'layout_type': 'ordered', 'widgets': [{'definition':
  #      {'title': 'Load', 'type': 'timeseries',
  #       'requests': [{'q': 'avg:system.load.1{*}', 'display_type': 'area'}]}}]}]
"""

RETURN = r"""
_value:
  description: The dashboards of all files.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def dashboard_import(texts: Any) -> list[dict[str, Any]]:
    """Return the dashboards in the texts of files; raise AnsibleFilterError with the name of one that has none."""
    from ansible_collections.kennel.fleet.plugins.module_utils._objects.imports import of_files

    if not isinstance(texts, Mapping):
        raise AnsibleFilterError("dashboard_import: give the texts of files by their names, as a dictionary")
    try:
        return of_files(texts)
    except ValueError as error:
        raise AnsibleFilterError(f"dashboard_import: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"dashboard_import": dashboard_import}
