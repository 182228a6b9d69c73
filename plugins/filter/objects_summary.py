# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: objects_summary
short_description: Sum up what became of dashboards, monitors and downtimes
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Sorts what M(kennel.fleet.datadog_dashboards), M(kennel.fleet.datadog_monitors) and
    M(kennel.fleet.datadog_downtimes) have returned by what became of each object, or in check mode would become of it.
options:
  _input:
    description: The lists that the modules returned, by their names C(dashboards), C(monitors) and C(downtimes).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Fail where a dashboard differs from what is wanted
  ansible.builtin.assert:
    that: not summary.differs
  vars:
    summary: "{{ {'dashboards': checked.dashboards} | kennel.fleet.objects_summary }}"
"""

RETURN = r"""
_value:
  description: The summary.
  type: dict
  contains:
    differs:
      description: Whether anything is not V(unchanged).
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
"""

from collections.abc import Callable
from typing import Any

OUTCOMES = {
    "created": "created",
    "updated": "changed",
    "adopted": "changed",
    "deleted": "deleted",
    "unchanged": "unchanged",
}


def objects_summary(results: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the results by kind and outcome, how many of each outcome there are, and whether any differs."""
    outcomes = dict.fromkeys(OUTCOMES.values())
    objects = {
        kind: {outcome: [_entry(one) for one in entries if OUTCOMES[one["action"]] == outcome] for outcome in outcomes}
        for kind, entries in results.items()
    }
    counts = {outcome: sum(len(sorted_out[outcome]) for sorted_out in objects.values()) for outcome in outcomes}
    return {
        "differs": any(count for outcome, count in counts.items() if outcome != "unchanged"),
        "counts": counts,
        "objects": objects,
    }


def _entry(one: dict[str, Any]) -> dict[str, Any]:
    # People know each kind by a field of its own, which stands between id and url.
    known = {"key", "id", "url", "action", "note"}
    entry = {"key": one["key"], "id": one["id"], "title": None, "url": one["url"]}
    entry["title"] = next((value for name, value in one.items() if name not in known), None)
    if one["action"] == "adopted":
        entry["adopted"] = True
    return {**entry, "note": one["note"]} if one.get("note") else entry


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"objects_summary": objects_summary}
