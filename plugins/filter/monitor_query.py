# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: monitor_query
short_description: Write the query of a Datadog metric monitor
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Writes V(avg(last_5m\):QUERY > 800), or with O(anomalies) the query of an anomaly monitor, in which O(threshold)
    is a share of the values of O(alert_window).
  - A monitor of anomalies needs the options C(threshold_windows.trigger_window) equal to O(alert_window).
positional: _input, threshold, window, comparator, aggregation
options:
  _input:
    description: What is measured.
    type: str
    required: true

  threshold:
    description: The value that makes an alert. It equals C(options.thresholds.critical) of the monitor.
    type: float
    required: true
  window:
    description: Time that is looked at, such as V(last_5m), V(last_1h), V(last_1d) or V(current_1mo).
    type: str
    default: last_5m
  comparator:
    description: How the value compares with O(threshold) in an alert.
    type: str
    choices: [">", ">=", "<", "<=", "==", "!="]
    default: ">"
  aggregation:
    description: What becomes of the values of the window.
    type: str
    choices: [avg, sum, min, max, last, count, percentile]
    default: avg
  anomalies:
    description: Algorithm that finds unusual values. The options that follow are for it.
    type: str
    choices: [basic, agile, robust]
  bounds:
    description: Width of the band of expected values in deviations.
    type: float
    default: 2
  alert_window:
    description: Time over which unusual values are counted, such as V(last_15m). Required with O(anomalies).
    type: str
  direction:
    description: Which values are unusual.
    type: str
    choices: [both, above, below]
    default: both
  interval:
    description: Seconds of an interval in which points are gathered, at most a fifth of O(alert_window).
    type: int
    default: 60
  count_default_zero:
    description: Whether a count without points is zero.
    type: bool
    default: true
  seasonality:
    description: Length of the pattern that the algorithms agile and robust look for.
    type: str
    choices: [hourly, daily, weekly]
  timezone:
    description: Time zone of that pattern, such as V(Europe/Paris).
    type: str
seealso:
  - plugin: kennel.fleet.metric_query
    plugin_type: filter
  - plugin: kennel.fleet.anomalies
    plugin_type: filter
  - name: Monitors
    description: The form of their queries.
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
    """Return the query of a monitor; raise AnsibleFilterError for parts that make none."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query import build

    try:
        return build.monitor_query(query, threshold, window, comparator, aggregation, **options)
    except ValueError as error:
        raise AnsibleFilterError(f"monitor_query: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"monitor_query": monitor_query}
