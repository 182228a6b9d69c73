# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: anomalies
short_description: Add the band of expected values to a Datadog query
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Returns V(anomalies(QUERY, 'basic', 2\)). For a monitor, use P(kennel.fleet.monitor_query#filter) with
    O(kennel.fleet.monitor_query#filter:anomalies).
positional: _input, algorithm, bounds
options:
  _input:
    description: A query.
    type: str
    required: true

  algorithm:
    description: Algorithm that detects unusual values.
    type: str
    choices: [basic, agile, robust]
    default: basic
  bounds:
    description: Width of the band in deviations.
    type: float
    default: 2
  alert_window:
    description: Time window over which a monitor counts unusual values, such as V(last_15m).
    type: str
  direction:
    description: Side of the band on which values are unusual.
    type: str
    choices: [both, above, below]
  interval:
    description: Rollup interval in seconds.
    type: int
  count_default_zero:
    description: Whether to treat missing values of a count as zero.
    type: bool
  seasonality:
    description: Seasonal pattern of the values. For the algorithms V(agile) and V(robust).
    type: str
    choices: [hourly, daily, weekly]
  timezone:
    description: Time zone of the seasonal pattern, such as V(Europe/Paris).
    type: str
seealso:
  - plugin: kennel.fleet.monitor_query
    plugin_type: filter
  - plugin: kennel.fleet.metric_query
    plugin_type: filter
  - name: Anomalies
    description: Algorithms and their arguments.
    link: https://docs.datadoghq.com/monitors/types/anomaly/
"""

EXAMPLES = r"""
- name: Show a query with its band
  ansible.builtin.debug:
    msg: "{{ 'avg:mysql.performance.user_time{*}' | kennel.fleet.anomalies('basic', 2) }}"
    # => anomalies(avg:mysql.performance.user_time{*}, 'basic', 2)
"""

RETURN = r"""
_value:
  description: The query.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def anomalies(query: Any, algorithm: str = "basic", bounds: Any = 2, **options: Any) -> str:
    """Return QUERY with the band; raise AnsibleFilterError for an invalid query or argument."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query import build

    try:
        return build.anomalies(query, algorithm, bounds, **options)
    except ValueError as error:
        raise AnsibleFilterError(f"anomalies: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"anomalies": anomalies}
