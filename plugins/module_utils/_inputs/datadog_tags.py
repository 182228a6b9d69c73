# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_tags: the tags of a host, and problems with them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._objects.marks import NAME, NAME_RULE
from .._tags import build_tags, tag_problem
from .checked import Checked, Host

# Variables that the role sets for the following ones, and the inputs that they get.
OUTPUTS = {"datadog_tags_result": "result"}


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: in addition to the inputs, ``result``, the sorted tags.
    """
    fleet, problems = inputs["fleet"], []
    if fleet and not NAME.match(str(fleet)):
        problems.append(f"datadog_tags_fleet is {fleet!r}. Write {NAME_RULE}.")
    sources: dict[str, dict[str, Any]] = {
        "literals": {"literals": inputs["literals"]},
        "groups": {"groups": inputs["groups"], "group_key": inputs["group_key"]},
        "variables": {"variables": _values(inputs["variables"], host.variables)},
        "facts": {"facts": _values(inputs["facts"], host.facts)},
    }
    wrong_key = tag_problem(f"{inputs['group_key']}:x") or ("" if inputs["group_key"] else "is empty. Write a word.")
    if inputs["groups"] and (wrong_key or ":" in str(inputs["group_key"])):
        wrong_key = wrong_key or "contains a colon. Write only the key."
        problems.append(f"datadog_tags_group_key {inputs['group_key']!r} {wrong_key}")
        del sources["groups"]
    tags = [f"kennel_fleet:{fleet}"] if fleet else []
    for name, source in sources.items():
        found, wrong = build_tags(source.pop("literals", []), **source)
        tags += found
        problems += [f"datadog_tags_{name}: {problem}" for problem in wrong]
    return Checked(problems, {"result": sorted(set(tags))})


def _values(paths: Any, container: Mapping[str, Any]) -> Any:
    """Return the value at each path. A missing one counts as empty, which the rules refuse by name."""
    return {key: _at(path, container) for key, path in paths.items()} if isinstance(paths, Mapping) else paths


def _at(path: Any, container: Any) -> Any:
    """Return the value at the dotted path, or an empty text."""
    for part in str(path).split("."):
        if isinstance(container, Mapping) and part in container:
            container = container[part]
        elif isinstance(container, (list, tuple)) and part.isdecimal() and int(part) < len(container):
            container = container[int(part)]
        else:
            return ""
    return container
