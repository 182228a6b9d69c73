# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_tags: the tags of a host, or what is wrong with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Checked, Host
from ansible_collections.kennel.fleet.plugins.module_utils._tags import build_tags


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: beside the inputs ``result``, the sorted tags.
    """
    literals = inputs["literals"]
    if inputs["fleet"] and isinstance(literals, (list, tuple)):
        literals = [*literals, f"kennel_fleet:{inputs['fleet']}"]
    tags, problems = build_tags(
        literals,
        groups=inputs["groups"],
        group_key=inputs["group_key"],
        variables=_values(inputs["variables"], host.variables),
        facts=_values(inputs["facts"], host.facts),
    )
    return Checked(problems, {"result": tags})


def _values(paths: Any, container: Mapping[str, Any]) -> Any:
    """Return what lies at each path. What is not there counts as empty, which the rules refuse by name."""
    return {key: _at(path, container) for key, path in paths.items()} if isinstance(paths, Mapping) else paths


def _at(path: Any, container: Any) -> Any:
    """Return what lies at the dotted path, or an empty text."""
    for part in str(path).split("."):
        if isinstance(container, Mapping) and part in container:
            container = container[part]
        elif isinstance(container, (list, tuple)) and part.isdecimal() and int(part) < len(container):
            container = container[int(part)]
        else:
            return ""
    return container
