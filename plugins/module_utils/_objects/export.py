# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards and monitors of an account as a user would have written them. Pure."""

from __future__ import annotations

import re
from typing import Any

from .schema import Body, Schema

# An underscore and a number fit behind it.
_LONGEST = 90


def export(schema: Schema, value: Any, only: str | None = None) -> Any:
    """Return one object, or a list of them, as the module of its schema takes it back without a change.

    :arg value: as Datadog's API returns it.
    :arg only: of a list, "taken" for those that the module takes, "refused" for what is wrong with each other one.
    :return: without what the server added, nulls, defaults and the mark; ``key`` is that of the mark, else made of
        the title. In a list, titles that make the same key are numbered, and a composite monitor names others by their
        keys where they are in the list and of the same fleet.
    :raises ValueError: where the value, or without ``only`` one of the list, is none that the module takes.
    """
    if not isinstance(value, (list, tuple)):
        return _one(schema, value)
    exported: list[tuple[str | None, Body]] = []
    names: dict[tuple[str | None, Any], str] = {}
    refused: list[str] = []
    keys: set[str] = set()
    for found in value:
        try:
            item = _one(schema, found)
        except ValueError as error:
            if not only:
                raise
            refused.append(f"{_name(schema, found)}: {error}")
            continue
        item["key"] = _unused(item["key"], keys)
        mark = schema.mark(found)
        fleet = mark.fleet if mark else None
        names[fleet, found.get("id")] = item["key"]
        exported.append((fleet, item))
    if only == "refused":
        return refused
    return [
        schema.with_names(item, {id_: key for (of, id_), key in names.items() if of == fleet})
        for fleet, item in exported
    ]


def _one(schema: Schema, found: Any) -> Body:
    # Items are refused for what these are read for, so what passes here is whole.
    known = {name: item for name, item in found.items() if name in schema.fields} if isinstance(found, dict) else {}
    if problems := schema.problems(known):
        raise ValueError(f"this is not a {schema.name} that the module takes: {' '.join(problems)}")
    mark = schema.mark(found)
    return {"key": mark.key if mark else _key(found[schema.title], schema.name), **schema.exported(found)}


def _name(schema: Schema, found: Any) -> str:
    title, number = (found.get(schema.title), found.get("id")) if isinstance(found, dict) else (found, None)
    return f"{schema.name} {title!r}" + (f" ({number})" if number else "")


def _key(title: str, otherwise: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:_LONGEST].rstrip("_")
    return words if re.match("[a-z]", words) else f"{otherwise}_{words}".rstrip("_")


def _unused(key: str, keys: set[str]) -> str:
    number, unused = 1, key
    while unused in keys:
        number += 1
        unused = f"{key}_{number}"
    keys.add(unused)
    return unused
