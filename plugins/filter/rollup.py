# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: rollup
short_description: Set the rollup of a Datadog query
version_added: 0.1.0
author: Kennel contributors (@kennel)
description: Appends V(.rollup(sum, 3600\)) to the query of one metric, and replaces an existing rollup.
positional: _input, method, interval
options:
  _input:
    description: A query of one metric.
    type: str
    required: true

  method:
    description: How to aggregate the points of an interval.
    type: str
    choices: [avg, sum, min, max, count]
    default: avg
  interval:
    description: Interval in seconds, or V(daily), V(weekly) or V(monthly). By default, Datadog chooses it.
    type: raw
seealso:
  - plugin: kennel.fleet.metric_query
    plugin_type: filter
  - plugin: kennel.fleet.as_count
    plugin_type: filter
  - name: Rollup
    description: What a rollup is.
    link: https://docs.datadoghq.com/dashboards/functions/rollup/
"""

EXAMPLES = r"""
- name: Show hourly sums
  ansible.builtin.debug:
    msg: "{{ 'sum:my_metric{*}' | kennel.fleet.rollup('sum', 3600) }}"
    # => sum:my_metric{*}.rollup(sum, 3600)
"""

RETURN = r"""
_value:
  description: The query.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def rollup(query: Any, method: str = "avg", interval: Any = None) -> str:
    """Return QUERY with the rollup; raise AnsibleFilterError if it is not a query of one metric."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query import build

    try:
        return build.rollup(query, method, interval)
    except ValueError as error:
        raise AnsibleFilterError(f"rollup: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rollup": rollup}
