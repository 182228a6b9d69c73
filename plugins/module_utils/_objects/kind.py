# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a kind of object is, and what is wrong with a list of them. ``datadog_objects`` brings such lists about."""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import NAME, NAME_RULE, Mark

Body = dict[str, Any]


class Kind(ABC):
    """One kind of object. ``found`` is an object as the API lists it, ``item`` one as a user writes it.

    :cvar name: what it is called, also in the API's address.
    :cvar title: the field that people know it by.
    :cvar fields: what a user may write.
    :cvar answered: what only the server writes; taken in an item and left out, so that an answer of the API is one.
    """

    name: str
    title: str
    version = "v1"
    fields: frozenset[str]
    answered: frozenset[str]

    @abstractmethod
    def problems(self, item: Body) -> list[str]:
        """Return what is wrong with the fields of an item whose fields are all known."""

    @abstractmethod
    def body(self, item: Body, mark: Mark) -> Body:
        """Return what to send to have the item, with its mark."""

    @abstractmethod
    def mark(self, found: Body) -> Mark | None:
        """Return the mark of an object."""

    @abstractmethod
    def canonical(self, body: Body) -> Body:
        """Return an item or an object so that what means the same is equal, without its mark."""

    def parts(self, body: Body) -> frozenset[Any]:
        """Return the keys and ids of others of its kind that an item or an object is made of."""
        return frozenset()

    def named(self, body: Body, names: Mapping[Any, Any]) -> Body:
        """Return an item or an object with those of its parts that are among the names called by the other name."""
        return body

    def part_problems(self, items: list[Body]) -> dict[str, list[str]]:
        """Return by key what is wrong with the parts of items, given all items that there are to be."""
        return {}

    def seen(self, actual: Body, wanted: Body) -> Body:
        """Return the canonical actual object without what the wanted one need not equal."""
        return actual

    def plain(self, found: Body) -> Body:
        """Return an object as a user would write it."""
        return self.canonical(found)

    def over(self, wanted: Body) -> bool:
        """Return whether the canonical wanted object has had its time, so that there is nothing to make."""
        return False

    def age(self, found: Body) -> tuple[Any, ...]:
        """Return what orders objects from the one that came first."""
        return (found["id"],)

    def same(self, item: Body, found: Body) -> bool:
        """Return whether an unmarked object is this item made by hand."""
        return item.get(self.title) == found.get(self.title)

    @abstractmethod
    def page(self, found: Body) -> str:
        """Return its place in the web page."""

    def everything(self, client: Client, fleet: str | None) -> Iterable[Body]:
        """Yield the objects of the account; those of other fleets may be left out where a fleet is given."""
        return client.pages(self.name)

    def whole(self, client: Client, found: Body, wanted: Body) -> Body:
        """Return the object with everything that is compared with the canonical wanted one."""
        return found

    def refusals(self, client: Client, body: Body, found: Body) -> list[str]:
        """Return why Datadog would not take this body for what is found, if anything, without a change there."""
        return []

    def create(self, client: Client, body: Body, find: Callable[[], Body | None]) -> Body:
        """Make it and return it as it is listed."""
        return client.post(self.name, body, find=find)

    def update(self, client: Client, body: Body, found: Body, wanted: Body, actual: Body) -> None:
        """Turn what is found into the body."""
        client.put(f"{self.name}/{found['id']}", body)

    def delete(self, client: Client, found: Body) -> None:
        """Remove it."""
        client.delete(f"{self.name}/{found['id']}", version=self.version)

    def replaced(self, wanted: Body, actual: Body, found: Body) -> str:
        """Return why the API cannot turn the one into the other, if so: then it is recreated."""
        return ""


def input_problems(kind: Kind, params: Mapping[str, Any]) -> list[str]:
    """Return everything that is wrong with the module's arguments; nothing is asked of the API for it."""
    plural = f"{kind.name}s"
    problems = [] if NAME.match(params["fleet"]) else [f"fleet {params['fleet']!r} is no name: it has {NAME_RULE}."]
    seen: set[str] = set()
    for number, item in enumerate(params[plural]):
        place = f"{plural}[{number}]"
        if not isinstance(item, dict):
            problems.append(f"{place} is no dictionary: each {kind.name} has a key and its fields.")
            continue
        key = item.get("key")
        if not isinstance(key, str) or not NAME.match(key):
            problems.append(f"{place}.key {key!r} is no key: it has {NAME_RULE}.")
        elif key in seen:
            problems.append(f"{place}.key {key!r} is there twice: each object has a key of its own.")
        else:
            seen.add(key)
            place = f"{plural}[{number}] ({key})"
        state = item.get("state", "present")
        if state not in ("present", "absent"):
            problems.append(f"{place}: state is {state!r}: it is present or absent.")
        known = kind.fields | kind.answered | {"key", "state"}
        for name in item:
            if name not in known:
                near = difflib.get_close_matches(str(name), kind.fields, 1)
                mend = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(kind.fields))}."
                problems.append(f"{place}: there is no field {name}: {mend}")
        if state == "present":
            problems += [f"{place}: {problem}" for problem in kind.problems(item)]
    return problems


def list_problems(body: Body, names: Iterable[str], of: type = str, place: str = "") -> list[str]:
    """Return which of these fields are given and are no list of text, or of dictionaries."""
    what = "text" if of is str else "dictionaries"
    return [
        f"{place}{name} is {body[name]!r}: it is a list of {what}."
        for name in names
        if body.get(name) is not None
        and not (isinstance(body[name], (list, tuple)) and all(isinstance(each, of) for each in body[name]))
    ]
