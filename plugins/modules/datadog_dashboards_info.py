# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_dashboards_info
short_description: List the dashboards of a Datadog account
version_added: 0.1.0
author: Kennel contributors (@kennel)
description: Returns all dashboards of the account, or those that match the options. Does not fail if there are none.
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_info
  - kennel.fleet.datadog_info.objects
options:
  title:
    description: Only return dashboards with exactly this title.
    type: str
  id:
    description: Only return the dashboard with this ID, with its widgets.
    type: str
  full:
    description:
      - Whether to return dashboards with their widgets, which takes one API call for each dashboard.
      - If V(false), only the fields of the dashboard list are returned, such as RV(dashboards[].title) and
        RV(dashboards[].url).
    type: bool
    default: false
seealso:
  - module: kennel.fleet.datadog_dashboards
"""

EXAMPLES = r"""
- name: Read the dashboards of the fleet lab
  kennel.fleet.datadog_dashboards_info:
    fleet: lab
    full: true
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
  delegate_to: localhost
  run_once: true
  register: lab

- name: Look for a dashboard that somebody created by hand
  kennel.fleet.datadog_dashboards_info:
    title: Web servers
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
dashboards:
  description: Dashboards as the API returns them.
  returned: always
  type: list
  elements: dict
  contains:
    id:
      description: ID of the dashboard.
      type: str
    title:
      description: Title of the dashboard.
      type: str
    description:
      description: Description, including the mark of the fleet.
      type: str
    layout_type:
      description: V(ordered) or V(free).
      type: str
    url:
      description: Path in Datadog's web interface.
      type: str
    widgets:
      description: Widgets. Only returned with O(id) or O(full).
      type: list
  sample:
    - id: abc-def-ghi
      title: Lab
      layout_type: ordered
      url: /dashboard/abc-def-ghi/lab
"""

from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import get_if_there, run_module
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import chosen, fleet_arguments, mark_in_text


def read(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the module's result."""
    if params["id"]:
        return {"dashboards": get_if_there(client, f"dashboard/{params['id']}")}
    found = [
        dashboard
        for dashboard in client.pages("dashboard")
        if params["title"] in (None, dashboard.get("title"))
        and chosen(mark_in_text(dashboard.get("description")), params)
    ]
    if params["full"]:
        # Leaves out dashboards that were deleted in the meantime.
        found = [whole for dashboard in found for whole in get_if_there(client, f"dashboard/{dashboard['id']}")]
    return {"dashboards": found}


def main() -> None:
    run_module(
        read,
        {
            "title": {"type": "str"},
            "id": {"type": "str"},
            **fleet_arguments(),
            "full": {"type": "bool", "default": False},
        },
        mutually_exclusive=[("id", "title"), ("id", "fleet")],
        required_by={"key": ["fleet"]},
    )


if __name__ == "__main__":
    main()
