# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Combine what roles expect Datadog to show. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

# Lists of an expectation, with the type of their items.
LISTS: dict[str, type] = {
    "tags": str,
    "metrics": dict,
    "present": str,
    "service_checks": str,
    "services": dict,
    "requests": str,
}
KINDS = ("dashboards", "monitors", "downtimes")


def add_up(expectations: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Combine expectations without duplicates: all lists, and ``objects``.

    A metric whose values and interval are checked is removed from those that only have to be present.
    """
    total: dict[str, Any] = {name: [] for name in LISTS}
    objects: dict[str, Any] = {**{kind: [] for kind in KINDS}, "evaluated": True}
    for expected in expectations:
        for name in LISTS:
            total[name] += [item for item in expected.get(name) or () if item not in total[name]]
        for name, value in (expected.get("objects") or {}).items():
            if name == "evaluated":
                objects[name] = objects[name] and value
            else:
                objects[name] += [key for key in value if key not in objects[name]]
    known = {metric["name"] for metric in total["metrics"]}
    total["present"] = [name for name in total["present"] if name not in known]
    return {**total, "objects": objects}


def expectation_problems(expected: Any) -> list[str]:
    """Return problems with an expectation, each starting with the field, such as ``tags is ...``."""
    if not isinstance(expected, dict):
        return [f"is {expected!r}. Write a dictionary of {', '.join([*LISTS, 'objects'])}."]
    problems = _unknown(expected, [*LISTS, "objects"])
    for name, of in LISTS.items():
        items = expected.get(name) or []
        what = "strings" if of is str else "dictionaries with a name"
        fine = isinstance(items, list) and all(isinstance(item, of) for item in items)
        if not fine or (of is dict and not all(isinstance(item.get("name"), str) for item in items)):
            problems.append(f"{name} is {items!r}. Write a list of {what}.")
    objects = expected.get("objects") or {}
    if not isinstance(objects, dict):
        return [*problems, f"objects is {objects!r}. Write a dictionary of {', '.join(KINDS)}."]
    problems += [f"objects: {problem}" for problem in _unknown(objects, [*KINDS, "evaluated"])]
    for kind in KINDS:
        keys = objects.get(kind, [])
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            problems.append(f"objects.{kind} is {keys!r}. Write a list of keys.")
    if not isinstance(objects.get("evaluated", True), bool):
        problems.append(f"objects.evaluated is {objects['evaluated']!r}. Write true or false.")
    return problems


def _unknown(given: Mapping[str, Any], known: list[str]) -> list[str]:
    near = {name: difflib.get_close_matches(str(name), known, 1) for name in given if name not in known}
    fields = f"Use one of {', '.join(known)}."
    return [
        f"{name} is not a known field. {f'Did you mean {match[0]}?' if match else fields}"
        for name, match in near.items()
    ]
