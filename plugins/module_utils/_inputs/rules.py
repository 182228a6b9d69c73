# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules that the inputs of several roles have in common. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import merge_secrets
from ansible_collections.kennel.fleet.plugins.module_utils._tags import tag_problem


def is_between(value: Any, least: int, most: int) -> bool:
    """Whether this is such a whole number, or text that says one."""
    digits = not isinstance(value, bool) and re.fullmatch("[0-9]{1,9}", str(value))
    return bool(digits) and least <= int(value) <= most


def port_problems(variable: str, value: Any, least: int = 1) -> list[str]:
    """What is wrong with a port."""
    return [] if is_between(value, least, 65535) else [f"{variable} is {value!r}: write a port from {least} to 65535"]


def tags_problems(variable: str, tags: Any) -> list[str]:
    """What is wrong with a list of tags."""
    if not isinstance(tags, (list, tuple)):
        return [f"{variable} is not a list: write 'key:value' strings"]
    found = ((tag, tag_problem(tag) if isinstance(tag, str) else "is not a 'key:value' string") for tag in tags)
    return [f"{variable}: {tag!r} {problem}" for tag, problem in found if problem]


def place_problems(variable: str, config: dict[str, Any], secrets: Any) -> list[str]:
    """Secrets whose place does not exist in the configuration."""
    try:
        merge_secrets(config, secrets if isinstance(secrets, dict) else {})
    except ValueError as error:
        return [f"{variable}: {error}"]
    return []


def holds(config: Any, place: str) -> bool:
    """Whether a configuration has something at this place, a dotted path."""
    name, _dot, rest = place.partition(".")
    return isinstance(config, dict) and name in config and (not rest or holds(config[name], rest))


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """The base with the other's values over it; dictionaries that both have are merged in the same way."""
    result = dict(base)
    for name, value in over.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result
