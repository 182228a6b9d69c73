# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards in Terraform's state, as DataDog/terraform-provider-datadog keeps them there. Pure.

Source: datadog/resource_datadog_dashboard.go and the tests of each widget in version 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .schema import Body

JSON, BLOCKS = "datadog_dashboard_json", "datadog_dashboard"


def dashboards_in_state(state: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the dashboards of a state file, or of what ``terraform show -json`` says, as text or as a body."""
    for kind, values in _resources(state):
        if kind == JSON and isinstance(values.get("dashboard"), str):
            yield values["dashboard"]


def _resources(state: Mapping[str, Any]) -> Iterator[tuple[str, Body]]:
    """Yield type and attributes of every resource that Terraform manages."""
    for resource in state.get("resources") or ():
        if resource.get("mode") == "managed":
            yield from ((resource["type"], one.get("attributes") or {}) for one in resource.get("instances") or ())
    root = (state.get("values") or {}).get("root_module")
    modules = [root] if root else []
    while modules:
        module = modules.pop()
        modules += module.get("child_modules") or []
        for resource in module.get("resources") or ():
            if resource.get("mode") == "managed":
                yield resource["type"], resource.get("values") or {}
