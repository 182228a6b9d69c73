# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: datadog_query_problems
short_description: Tell what is wrong with a Datadog query
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Reads a query by Datadog's grammar and list of functions, without asking Datadog.
  - Metric queries, formulas and metric monitors are judged whole, queries of other monitors by their form.
positional: _input, type
options:
  _input:
    description: The query.
    type: str
    required: true

  type:
    description:
      - What the query is for. V(metric) for a graph, V(formula) for a formula over named queries, or the type of a
        monitor, such as V(query alert), V(service check), V(composite), V(log alert) or V(slo alert).
    type: str
    default: metric
seealso:
  - plugin: kennel.fleet.metric_query
    plugin_type: filter
  - plugin: kennel.fleet.monitor_query
    plugin_type: filter
  - name: Functions
    description: The functions of Datadog's queries.
    link: https://docs.datadoghq.com/dashboards/functions/
"""

EXAMPLES = r"""
- name: Check a query
  ansible.builtin.assert:
    that: problems == []
    fail_msg: "{{ problems | join('; ') }}"
  vars:
    problems: "{{ 'avg(last_5m):avg:my_metric{*} > 800' | kennel.fleet.datadog_query_problems('query alert') }}"
"""

RETURN = r"""
_value:
  description: The problems, each with its line and column. Empty for a right query.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any


def datadog_query_problems(query: Any, type: str = "metric") -> list[str]:
    """Return what is wrong with QUERY."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query.rules import query_problems

    if not isinstance(query, str):
        return [f"the query is {query!r}: write a text, such as avg:system.load.1{{*}}"]
    return query_problems(query, str(type))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"datadog_query_problems": datadog_query_problems}
