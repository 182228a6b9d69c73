# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: monitor_query
short_description: Build the query of a Datadog metric monitor
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Builds a query such as V(avg(last_5m\):QUERY > 800). With O(anomalies), builds the query of an anomaly monitor, in
    which O(threshold) is the proportion of unusual values in O(alert_window).
  - An anomaly monitor also needs the option C(threshold_windows.trigger_window), with the value of O(alert_window).
positional: _input, threshold, window, comparator, aggregation
options:
  _input:
    description: A metric query.
    type: str
    required: true
  threshold:
    description: Alert threshold. It must be equal to C(options.thresholds.critical) of the monitor.
    type: float
    required: true
  window:
    description: Evaluation window, such as V(last_5m), V(last_1h), V(last_1d) or V(current_1mo).
    type: str
    default: last_5m
  comparator:
    description: Comparison of the value with O(threshold) that triggers an alert.
    type: str
    choices: [">", ">=", "<", "<=", "==", "!="]
    default: ">"
  aggregation:
    description: How to aggregate the values of the window.
    type: str
    choices: [avg, sum, min, max, last, count, percentile]
    default: avg
  anomalies:
    description: Algorithm that detects unusual values. The following options require it.
    type: str
    choices: [basic, agile, robust]
  bounds:
    description: Width of the band of expected values in deviations.
    type: float
    default: 2
  alert_window:
    description: Time window over which unusual values are counted, such as V(last_15m). Required with O(anomalies).
    type: str
  direction:
    description: Side of the band on which values are unusual.
    type: str
    choices: [both, above, below]
    default: both
  interval:
    description: Rollup interval in seconds, at most a fifth of O(alert_window).
    type: int
    default: 60
  count_default_zero:
    description: Whether to treat missing values of a count as zero.
    type: bool
    default: true
  seasonality:
    description: Seasonal pattern of the values. For the algorithms V(agile) and V(robust).
    type: str
    choices: [hourly, daily, weekly]
  timezone:
    description: Time zone of the seasonal pattern, such as V(Europe/Paris).
    type: str
seealso:
  - plugin: kennel.fleet.metric_query
    plugin_type: filter
  - plugin: kennel.fleet.anomalies
    plugin_type: filter
  - name: Monitors
    description: Format of their queries.
    link: https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor
"""

EXAMPLES = r"""
- name: Show queries of monitors
  ansible.builtin.debug:
    msg:
      - "{{ 'avg:my_metric{*} by {host}' | kennel.fleet.monitor_query(800) }}"
      # => avg(last_5m):avg:my_metric{*} by {host} > 800
      - "{{ 'avg:my_metric{*}' | kennel.fleet.monitor_query(1, 'last_4h', '>=', anomalies='basic',
                                                            alert_window='last_15m') }}"
      # => avg(last_4h):anomalies(avg:my_metric{*}, 'basic', 2, direction='both', interval=60,
      #    alert_window='last_15m', count_default_zero='true') >= 1
"""

RETURN = r"""
_value:
  description: The query.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def monitor_query(
    query: Any, threshold: Any, window: str = "last_5m", comparator: str = ">", aggregation: str = "avg", **options: Any
) -> str:
    """Return the query of a monitor; raise AnsibleFilterError for invalid parts."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query import build

    try:
        return build.monitor_query(query, threshold, window, comparator, aggregation, **options)
    except ValueError as error:
        raise AnsibleFilterError(f"monitor_query: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"monitor_query": monitor_query}
