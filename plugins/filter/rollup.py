# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: rollup
short_description: Set how a Datadog query gathers points in time
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Puts V(.rollup(sum, 3600\)) on the query of one metric, in place of a rollup that it has.
positional: _input, method, interval
options:
  _input:
    description: The query of one metric.
    type: str
    required: true

  method:
    description: How the points of an interval become one.
    type: str
    choices: [avg, sum, min, max, count]
    default: avg
  interval:
    description: Seconds of an interval, or V(daily), V(weekly) or V(monthly). By default Datadog chooses it.
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
- name: Show the sums of each hour
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
    """Return QUERY with the rollup; raise AnsibleFilterError for anything but a query of one metric."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query import build

    try:
        return build.rollup(query, method, interval)
    except ValueError as error:
        raise AnsibleFilterError(f"rollup: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"rollup": rollup}
