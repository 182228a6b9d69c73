# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules for the checks of the role datadog_custom_check. Pure: inputs in, problems out."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils.datadog_files import secret_places
from ansible_collections.kennel.fleet.plugins.module_utils.input_rules import place_problems, tags_problems

_CHECK_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_CHECK_FIELDS = {"name", "source", "init_config", "instances", "sections", "secrets", "state", "metrics"}


def check_problems(checks: Any, code: dict[str, str]) -> list[str]:
    """What is wrong with a list of checks as the role datadog_custom_check takes it.

    ``code`` has the text of each check's source file by the check's name.
    """
    variable = "datadog_custom_check_checks"
    if not isinstance(checks, (list, tuple)):
        return [f"{variable} is no list: each item has a name and instances"]
    problems, seen = [], set()
    for number, check in enumerate(checks):
        if not isinstance(check, dict) or not _CHECK_NAME.match(str(check.get("name", ""))):
            problems.append(f"{variable}[{number}] has no proper name: lower case letters, digits and underscores")
            continue
        name = check["name"]
        if name in seen:
            problems.append(f"{variable} has the check {name} twice: give each its instances in one item")
        seen.add(name)
        problems += [f"{variable}, check {name}: {problem}" for problem in _one_check(check, code.get(name))]
    return problems


def _one_check(check: dict[str, Any], code: str | None) -> list[str]:
    problems = [
        f"there is no field {field}: use {', '.join(sorted(_CHECK_FIELDS))}"
        for field in check
        if field not in _CHECK_FIELDS
    ]
    if code is not None:
        source = str(check.get("source"))
        try:
            compile(code, source, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            problems.append(f"{source}{line} is no Python: {getattr(error, 'msg', error)}")
    if not isinstance(check.get("init_config") or {}, dict):
        problems.append("init_config is no dictionary")
    if not isinstance(check.get("secrets", {}), dict):
        problems.append("secrets is no dictionary of dotted path to value")
    sections = check.get("sections", {})
    if not isinstance(sections, dict) or {"init_config", "instances"} & set(sections):
        return [*problems, "sections is no dictionary of what stands beside init_config and instances, such as logs"]
    instances = check.get("instances", [{}])
    # A file may be there for its other sections alone.
    if not isinstance(instances, (list, tuple)) or not (instances or sections):
        return [*problems, "instances is no list with at least one item"]
    for number, instance in enumerate(instances):
        problems += [f"instances[{number}]{problem}" for problem in _instance(instance)]
    config = {"init_config": check.get("init_config") or {}, "instances": list(instances), **sections}
    problems += [
        f"{place} is a secret: put it into the check's secrets, by this path" for place in secret_places(config)
    ]
    return problems + place_problems("secrets", config, check.get("secrets", {}))


def _instance(instance: Any) -> list[str]:
    if not isinstance(instance, dict):
        return [" is no dictionary"]
    problems = []
    interval = instance.get("min_collection_interval", 15)
    number = isinstance(interval, (int, float)) and not isinstance(interval, bool)
    if not number or not 1 <= interval <= 86400:
        problems.append(f".min_collection_interval is {interval!r}: it takes seconds, from 1 to 86400")
    problems += [f": {problem}" for problem in tags_problems("tags", instance.get("tags", []))]
    return problems
