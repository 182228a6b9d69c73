# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Convert dashboards and monitors of an account to items of the modules. Pure."""

from __future__ import annotations

import re
from typing import Any

from .schema import Body, Schema

# This leaves room for an underscore and a number.
_LONGEST = 90


def export(schema: Schema, value: Any, only: str | None = None) -> Any:
    """Return an object, or a list of them, as items that the module accepts without reporting a change.

    :arg value: as Datadog's API returns it.
    :arg only: for a list, "taken" returns the objects that the module accepts, "refused" the problems of the others.
    :return: without what the server added, nulls, defaults and the mark. ``key`` is that of the mark, or else derived
        from the title. In a list, duplicate keys are numbered, and a composite monitor refers to others by key if they
        are in the list and belong to the same fleet.
    :raises ValueError: if the value, or without ``only`` one in the list, is not an object that the module accepts.
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
    # The same fields are validated as in items, so an object that passes is complete.
    known = {name: item for name, item in found.items() if name in schema.fields} if isinstance(found, dict) else {}
    if problems := schema.problems(known):
        raise ValueError(f"this is not a {schema.name} that the module accepts: {' '.join(problems)}")
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
