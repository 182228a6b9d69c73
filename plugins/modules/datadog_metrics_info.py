# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_metrics_info
short_description: Query metrics in Datadog
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Returns the time series of a metric query.
  - Validates the query before it sends it to Datadog.
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_info
options:
  query:
    description: One or more metric queries, separated by commas.
    type: str
    required: true
  from:
    description:
      - Start time in seconds since the epoch.
      - Exactly one of O(from) and O(span) is required.
    type: int
  to:
    description:
      - End time in seconds since the epoch.
      - If not set, the current time.
    type: int
  span:
    description: Length of the time range that ends at O(to), such as V(90s), V(5m), V(4h), V(1d) or V(1w).
    type: str
seealso:
  - module: kennel.fleet.datadog_snapshot
  - module: kennel.fleet.datadog_verify
"""

EXAMPLES = r"""
- name: Query my_metric over the last 5 minutes
  kennel.fleet.datadog_metrics_info:
    query: avg:my_metric{*} by {host}
    span: 5m
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
  delegate_to: localhost
  run_once: true
  register: my_metric

- name: Show the newest value of each host
  ansible.builtin.debug:
    msg: "{{ item.scope }}: {{ item.points[-1][1] }}"
  loop: "{{ my_metric.series }}"
"""

RETURN = r"""
series:
  description: Time series, in the order of the response. Empty if there is no data.
  returned: always
  type: list
  elements: dict
  contains:
    metric:
      description: Name of the metric, or the formula.
      type: str
    expression:
      description: Query of this series.
      type: str
    scope:
      description: Scope of the series.
      type: str
    tags:
      description: Tags of this series that the query groups by.
      type: list
      elements: str
    query_index:
      description: Position of its query among those separated by commas, starting at 0.
      type: int
    interval:
      description: Interval between points in seconds.
      type: int
    unit:
      description: Unit of the values. None if there is no unit.
      type: str
    points:
      description: Points in chronological order, each as seconds since the epoch and value. Points without a value are
        left out.
      type: list
      elements: list
  sample:
    - metric: my_metric
      expression: avg:my_metric{host:web1}
      scope: host:web1
      tags: ['host:web1']
      query_index: 0
      interval: 20
      unit:
      points: [[1764000000, 517.0], [1764000045, 12.0]]
from:
  description: Start time in seconds since the epoch.
  returned: always
  type: int
  sample: 1764000000
to:
  description: End time in seconds since the epoch.
  returned: always
  type: int
  sample: 1764000300
"""

from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import (
    InputError,
    run_module,
    time_arguments,
    time_range,
)
from ansible_collections.kennel.fleet.plugins.module_utils._query.rules import query_problems


def read(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Return the module's result."""
    problems = query_problems(params["query"])
    if problems:
        raise InputError("\n".join(f"query: {text}" for text in problems))
    start, end = time_range(params, "from", "to")
    found = client.series(params["query"], start, end)
    return {"series": [_series(series) for series in found], "from": start, "to": end}


def _series(series: dict[str, Any]) -> dict[str, Any]:
    # One unit, or two: the unit of the value and the unit of time that it is divided by.
    units = [unit["name"] for unit in series.get("unit") or () if unit]
    return {
        "metric": series.get("metric"),
        "expression": series.get("expression"),
        "scope": series.get("scope"),
        "tags": series.get("tag_set") or [],
        "query_index": series.get("query_index", 0),
        "interval": series.get("interval"),
        "unit": " per ".join(units) or None,
        "points": [[int(at // 1000), value] for at, value in series["pointlist"] if value is not None],
    }


def main() -> None:
    run_module(
        read,
        {"query": {"type": "str", "required": True}, **time_arguments("from", "to")},
        mutually_exclusive=[("from", "span")],
        required_one_of=[("from", "span")],
    )


if __name__ == "__main__":
    main()
