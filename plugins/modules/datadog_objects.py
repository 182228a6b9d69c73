# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_objects
short_description: Keep dashboards, monitors and downtimes of a Datadog fleet as they are written
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Does in one call what M(kennel.fleet.datadog_dashboards), M(kennel.fleet.datadog_monitors) and
    M(kennel.fleet.datadog_downtimes) do, in this order, and sums up what became of the objects.
  - The fields of all lists are checked before anything is changed, and all problems are reported at once.
options:
  dashboards:
    description:
      - Dashboards, as M(kennel.fleet.datadog_dashboards) takes them. If not set, dashboards are left alone.
    type: list
    elements: dict
  monitors:
    description:
      - Monitors, as M(kennel.fleet.datadog_monitors) takes them. If not set, monitors are left alone.
    type: list
    elements: dict
  downtimes:
    description:
      - Downtimes, as M(kennel.fleet.datadog_downtimes) takes them. If not set, downtimes are left alone.
    type: list
    elements: dict
  reports:
    description:
      - Folder for C(objects.json), which holds RV(summary). It is created if it does not exist.
      - A report of the run and not part of what it keeps. It is written in check mode, too, and is not a change.
    type: path
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_objects
seealso:
  - module: kennel.fleet.datadog_dashboards
  - module: kennel.fleet.datadog_monitors
  - module: kennel.fleet.datadog_downtimes
"""

EXAMPLES = r"""
- name: Keep a monitor and its downtime
  kennel.fleet.datadog_objects:
    fleet: shop
    monitors:
      - key: load
        name: Load
        type: query alert
        query: avg(last_5m):avg:system.load.1{*} by {host} > 8
        message: The load is high. @ops@example.com
    downtimes:
      - key: weekends
        monitor_key: load
        scope: "*"
        schedule: {days: [sat, sun], all_day: true, timezone: Europe/Paris}
    reports: /var/tmp/reports
  delegate_to: localhost
"""

RETURN = r"""
summary:
  description: What became of the objects, or in check mode would become of them.
  returned: always
  type: dict
  contains:
    fleet:
      description: Name of the fleet.
      type: str
    check:
      description: Whether it was check mode.
      type: bool
    differs:
      description: Whether any object is not C(unchanged).
      type: bool
    counts:
      description: How many objects are C(created), C(changed), C(deleted) and C(unchanged).
      type: dict
    objects:
      description:
        - By kind, and then by C(created), C(changed), C(deleted) and C(unchanged), a list of objects. Each has C(key),
          C(id), C(title), C(url), and a C(note) if there is one.
        - One that was made by hand and becomes the fleet's is C(changed), with C(adopted) as V(true).
      type: dict
reports:
  description: Paths of the reports that were written.
  returned: with O(reports)
  type: list
  elements: str
urls:
  description: Addresses of the dashboards.
  returned: always
  type: list
  elements: str
  sample: [https://app.datadoghq.com/dashboard/abc-def-ghi/the-shop]
diff:
  description: What differs, as YAML, one entry for each object that is not C(unchanged).
  returned: always
  type: list
  elements: dict
unlisted:
  description:
    - Objects of the fleet that are not in the list and stay, each with C(kind), C(key), C(id), C(title) and C(url).
      V(absent) as their C(state), or O(prune=true), deletes them.
  returned: always
  type: list
  elements: dict
problems:
  description: What is wrong with the input, each with its fix. Nothing was changed then.
  returned: when the input is refused
  type: list
  elements: str
"""

from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import run_together


def main() -> None:
    run_together()


if __name__ == "__main__":
    main()
