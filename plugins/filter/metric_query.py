# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: metric_query
short_description: Build a Datadog metric query
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Builds a query such as C(avg:my_metric{env:prod} by {host}) from its parts. The result is always valid in Datadog's
    query language.
positional: _input, aggregator, scope, by
options:
  _input:
    description: Name of the metric.
    type: str
    required: true
  aggregator:
    description: How to aggregate the series of a group, such as V(avg), V(sum), V(min), V(max), V(count) or V(p95).
    type: str
    default: avg
  scope:
    description:
      - Which series to include. A string is used unchanged, such as V(env:prod,!host:a) or V($host).
      - A list contains tags that are all required.
      - A dictionary maps tag keys to values. A list of values matches any of them, and a key that starts with V(!)
        excludes its values.
    type: raw
    default: "*"
  by:
    description: Tag keys to group by, as a list or a comma-separated string.
    type: raw
    default: []
seealso:
  - plugin: kennel.fleet.rollup
    plugin_type: filter
  - plugin: kennel.fleet.as_count
    plugin_type: filter
  - plugin: kennel.fleet.anomalies
    plugin_type: filter
  - plugin: kennel.fleet.monitor_query
    plugin_type: filter
  - name: Metric queries
    description: How Datadog filters and groups metrics.
    link: https://docs.datadoghq.com/metrics/advanced-filtering/
"""

EXAMPLES = r"""
- name: Show queries
  ansible.builtin.debug:
    msg:
      - "{{ 'my_metric' | kennel.fleet.metric_query(by=['host']) }}"
      # => avg:my_metric{*} by {host}
      - "{{ 'my_metric' | kennel.fleet.metric_query('sum', {'env': 'prod', 'role': ['web', 'db'], '!host': 'a'}) }}"
      # => sum:my_metric{env:prod AND role IN (web,db) AND NOT host:a}
"""

RETURN = r"""
_value:
  description: The query.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def metric_query(metric: Any, aggregator: str = "avg", scope: Any = "*", by: Any = ()) -> str:
    """Return the query of METRIC; raise AnsibleFilterError for invalid parts."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query import build

    try:
        return build.metric_query(metric, aggregator, scope, by)
    except ValueError as error:
        raise AnsibleFilterError(f"metric_query: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"metric_query": metric_query}
