# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: dashboard_import
short_description: Read Datadog dashboards from files
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Finds the dashboards in JSON from scripts, from a dashboard's export, from API responses or in Terraform state, and
    returns each in the current format of the Datadog API.
  - Converts timeboards (C(graphs)) and screenboards (C(board_title)), the formats of the deprecated C(/api/v1/dash) and
    C(/api/v1/screen), to dashboards. Leaves out what the current format does not support.
  - In Terraform state, reads only the resources C(datadog_dashboard_json) and C(datadog_dashboard).
  - P(kennel.fleet.dashboard_export#filter) converts the result to items of M(kennel.fleet.datadog_dashboards).
options:
  _input:
    description: Contents of files by file name.
    type: dict
    required: true
seealso:
  - plugin: kennel.fleet.dashboard_export
    plugin_type: filter
  - module: kennel.fleet.datadog_dashboards
"""

EXAMPLES = r"""
- name: Show a timeboard as an item
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
  description: Dashboards of all files.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def dashboard_import(texts: Any) -> list[dict[str, Any]]:
    """Return the dashboards in files; raise AnsibleFilterError with the name of a file that contains none."""
    from ansible_collections.kennel.fleet.plugins.module_utils._objects.imports import of_files

    if not isinstance(texts, Mapping):
        raise AnsibleFilterError("dashboard_import: the value is not a dictionary. Pass file names and their contents.")
    try:
        return of_files(texts)
    except ValueError as error:
        raise AnsibleFilterError(f"dashboard_import: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"dashboard_import": dashboard_import}
