# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What dashboards, monitors and downtimes have in common, and the validation of lists of them. Pure."""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .marks import NAME, NAME_RULE, Mark

Body = dict[str, Any]
# A tag that a query selects, and not one that it excludes.
_FLEET = re.compile(r"(?<![\w!-])kennel_fleet:([a-z][a-z0-9_-]*)")


class Schema(ABC):
    """A kind of object. ``item`` is an object as a user writes it, ``found`` as the API lists it.

    :cvar name: its name, which is also part of API paths.
    :cvar title: the field by which people identify an object.
    :cvar fields: fields that a user may set.
    :cvar read_only: fields that only the server sets; ignored in an item, so that API responses are valid items.
    """

    name: str
    title: str
    fields: frozenset[str]
    read_only: frozenset[str]

    @abstractmethod
    def problems(self, item: Body) -> list[str]:
        """Return problems with the fields of an item that has only known fields."""

    def doubts(self, item: Body, fleet: str) -> list[str]:
        """Return what is probably wrong with an item without problems, in whole sentences."""
        return other_fleets(item, fleet)

    @abstractmethod
    def body(self, item: Body, mark: Mark) -> Body:
        """Return the item in the format of the API, with its mark."""

    @abstractmethod
    def mark(self, found: Body) -> Mark | None:
        """Return the mark of an object."""

    @abstractmethod
    def comparable(self, body: Body) -> Body:
        """Return an item or an object in a normalized form for comparison, without its mark."""

    def aligned(self, actual: Body, wanted: Body) -> Body:
        """Return the comparable actual object without differences that do not matter to the wanted one."""
        return actual

    def written(self, wanted: Body, item: Body) -> Body:
        """Return the comparable item with its other fields, such as those that are set to their defaults."""
        more = {name: value for name, value in item.items() if name in self.fields and name not in wanted}
        return {name: value for name, value in {**wanted, **more}.items() if value not in (None, "", [], {})}

    def matches(self, item: Body, found: Body) -> bool:
        """Return whether an object without a mark is this item, created by hand."""
        return item.get(self.title) == found.get(self.title)

    def references(self, body: Body) -> frozenset[Any]:
        """Return the keys and IDs of objects of the same kind that an item or an object refers to."""
        return frozenset()

    def with_names(self, body: Body, names: Mapping[Any, Any]) -> Body:
        """Return an item or an object with its references renamed according to NAMES."""
        return body

    def reference_problems(self, items: list[Body]) -> dict[str, list[str]]:
        """Return by key the problems with references, given all items that should be present."""
        return {}

    def refusals(self, body: Body, found: Body) -> list[str]:
        """Return why the API would reject this body for what is found, if that is known without asking it."""
        return []

    def replace_reason(self, wanted: Body, actual: Body, found: Body) -> str:
        """Return why the API cannot update one to the other, so that it is recreated; empty if it can."""
        return ""

    def create_body(self, body: Body) -> Body:
        """Return what to send to create the body."""
        return body

    def update_body(self, body: Body, found: Body, wanted: Body, actual: Body) -> Body:
        """Return what to send to update what is found to the body."""
        return body

    def exported(self, found: Body) -> Body:
        """Return an object as a user would write it."""
        return self.comparable(found)

    def new_note(self, wanted: Body) -> str:
        """Return a note about a new object."""
        return ""

    def expired(self, wanted: Body) -> bool:
        """Return whether the comparable item has expired, so that there is nothing to create."""
        return False

    def age(self, found: Body) -> tuple[Any, ...]:
        """Return a key that sorts objects, the oldest first."""
        return (found["id"],)

    @abstractmethod
    def page(self, found: Body) -> str:
        """Return the path of its page in the web interface."""


def input_problems(schema: Schema, params: Mapping[str, Any]) -> list[str]:
    """Return all problems with the module's arguments, without calling the API."""
    plural = f"{schema.name}s"
    fleet, items = params["fleet"], params[plural]
    problems = [] if NAME.match(fleet) else [f"fleet {fleet!r} is not a valid name. Use {NAME_RULE}."]
    problems += [f"{plural}{problem}" for problem in item_problems(schema, items)]
    present = [item for item in items if isinstance(item, dict) and item.get("state", "present") == "present"]
    for key, wrong in schema.reference_problems(present).items():
        problems += [f"{plural} ({key}): {problem}" for problem in wrong]
    return problems


def input_doubts(schema: Schema, params: Mapping[str, Any]) -> list[str]:
    """Return what is probably wrong with the items of the module's arguments, which have no problems."""
    return [
        f"{schema.name} {item['key']}: {doubt}"
        for item in params[f"{schema.name}s"]
        if item.get("state", "present") == "present"
        for doubt in schema.doubts(item, params["fleet"])
    ]


def other_fleets(item: Body, fleet: str) -> list[str]:
    """Return a sentence if a text of an item, such as a query, contains the tag of another fleet."""
    texts = _texts({name: value for name, value in item.items() if name not in ("tags", "message", "description")})
    named = {name for text in texts for name in _FLEET.findall(text)} - {fleet}
    if not named:
        return []
    return [
        f"it queries kennel_fleet:{', '.join(sorted(named))}, but this fleet is {fleet}. Change it if it was copied."
    ]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list, tuple)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def item_problems(schema: Schema, items: Iterable[Any]) -> list[str]:
    """Return problems with each item of a list, starting with its position, such as ``[0] (key): ``."""
    problems: list[str] = []
    keys: set[str] = set()
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            problems.append(f"[{number}] is not a dictionary. Write the key and the fields of the {schema.name}.")
            continue
        place, key = f"[{number}]", item.get("key")
        if not isinstance(key, str) or not NAME.match(key):
            problems.append(f"{place}.key {key!r} is not a valid key. Use {NAME_RULE}.")
        elif key in keys:
            problems.append(f"{place}.key {key!r} is used twice. Give each object its own key.")
        else:
            keys.add(key)
            place = f"[{number}] ({key})"
        state = item.get("state", "present")
        if state not in ("present", "absent"):
            problems.append(f"{place}: state is {state!r}. Write present or absent.")
        for name in item:
            if name not in schema.fields | schema.read_only | {"key", "state"}:
                near = difflib.get_close_matches(str(name), schema.fields, 1)
                fix = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(sorted(schema.fields))}."
                problems.append(f"{place}: {name} is not a known field. {fix}")
        if state == "present":
            problems += [f"{place}: {problem}" for problem in schema.problems(item)]
    return problems


def list_problems(body: Body, names: Iterable[str], of: type = str, place: str = "") -> list[str]:
    """Return problems with these fields if they are set and are not a list of strings, or of dictionaries."""
    what = "strings" if of is str else "dictionaries"
    return [
        f"{place}{name} is {body[name]!r}. Write a list of {what}."
        for name in names
        if body.get(name) is not None
        and not (isinstance(body[name], (list, tuple)) and all(isinstance(each, of) for each in body[name]))
    ]
