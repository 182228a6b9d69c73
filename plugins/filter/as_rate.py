# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: as_rate
short_description: Make a Datadog query return rates per second
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Appends V(.as_rate(\)) to the query of one metric, and replaces V(.as_count(\)). This affects counts and rates, but
    not gauges.
positional: _input
options:
  _input:
    description: A query of one metric.
    type: str
    required: true
seealso:
  - plugin: kennel.fleet.as_count
    plugin_type: filter
  - plugin: kennel.fleet.metric_query
    plugin_type: filter
  - name: Type modifiers
    description: What type modifiers do.
    link: https://docs.datadoghq.com/metrics/custom_metrics/type_modifiers/
"""

EXAMPLES = r"""
- name: Show rates per second
  ansible.builtin.debug:
    msg: "{{ 'sum:trace.flask.request.hits{*}' | kennel.fleet.as_rate }}"
    # => sum:trace.flask.request.hits{*}.as_rate()
"""

RETURN = r"""
_value:
  description: The query.
  type: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def as_rate(query: Any) -> str:
    """Return QUERY with the modifier; raise AnsibleFilterError if it is not a query of one metric."""
    from ansible_collections.kennel.fleet.plugins.module_utils._query import build

    try:
        return build.counted(query, "as_rate")
    except ValueError as error:
        raise AnsibleFilterError(f"as_rate: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"as_rate": as_rate}
