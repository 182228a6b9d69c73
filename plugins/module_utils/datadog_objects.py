# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of dashboards, monitors or downtimes as they are wanted: read, compare, apply, report.

What a kind of object is, and what Datadog makes of it, is a ``Kind`` of its own; here is what all have in common.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils.datadog_client import (
    Client,
    DatadogError,
    datadog_argument_spec,
)
from ansible_collections.kennel.fleet.plugins.module_utils.datadog_objects_diff import difference
from ansible_collections.kennel.fleet.plugins.module_utils.datadog_objects_marks import NAME, NAME_RULE, Mark

Body = dict[str, Any]


class Refused(Exception):
    """Nothing was changed, because of these problems, each with its mend."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


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
        """Return why the API cannot turn the one into the other, if so: then it is made anew."""
        return ""


@dataclass
class Change:
    """What is to be done about one object.

    :ivar action: as reported, but for ``replaced``, an update that makes it anew.
    :ivar found: the object as it is listed, empty where there is none.
    :ivar body: what to send.
    :ivar wanted, actual: both sides of the comparison, None for an object that is not there.
    """

    action: str
    key: str
    found: Body = field(default_factory=dict)
    body: Body = field(default_factory=dict)
    wanted: Body | None = None
    actual: Body | None = None
    note: str = ""


def object_argument_spec(plural: str) -> dict[str, dict[str, Any]]:
    """Return the arguments of a module for one kind; mirrored by the fragment ``datadog_objects``."""
    return {
        **datadog_argument_spec(),
        "fleet": {"type": "str", "required": True},
        plural: {"type": "list", "elements": "dict", "required": True},
        "adopt": {"type": "bool", "default": False},
        "prune": {"type": "bool", "default": False},
    }


def run(kind: Kind, client: Client, params: Mapping[str, Any], check: bool) -> Body:
    """Bring the objects of ``params["fleet"]`` in line with its list, or in check mode say what would be done.

    :arg params: ``fleet``, ``adopt``, ``prune`` and the list under the kind's name in the plural.
    :return: the module's result, with ``failed`` and ``msg`` where it could not be done.
    """
    changes: list[Change] = []
    done: list[Change] = []
    result: Body = {}
    try:
        changes = plan(kind, client, params)
        _ask(kind, client, changes)
        for change in changes:
            if not check:
                _apply(kind, client, change)
            done.append(change)
        if not check:
            _settle(kind, client, params["fleet"], changes)
    except (Refused, DatadogError) as error:
        undone = [change.key for change in changes[len(done) :] if change.action != "unchanged"]
        left = f" Not done: {', '.join(undone)}." if done and undone else ""
        result = {"failed": True, "msg": f"{error}{left}"}
        if isinstance(error, Refused):
            result["problems"] = error.problems
    report = [_report(kind, client, change) for change in done]
    changed = [change for change in done if change.action != "unchanged"]
    return {
        **result,
        "changed": bool(changed),
        "diff": [_diff(kind, change) for change in changed],
        f"{kind.name}s": report,
    }


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


def plan(kind: Kind, client: Client, params: Mapping[str, Any]) -> list[Change]:
    """Read what there is and return what is to be done, in the order of the list, deletions last.

    :raises Refused: with all problems of the input.
    """
    if problems := input_problems(kind, params):
        raise Refused(problems)
    fleet, items = params["fleet"], params[f"{kind.name}s"]
    owned, unmarked = _sorted_by_owner(kind, client, fleet, everybody=params["adopt"])
    changes: list[Change] = []
    deleted: list[Change] = []
    taken: dict[Any, str] = {}
    for item in items:
        key = item["key"]
        own = owned.pop(key, [])
        if item.get("state") == "absent":
            deleted += [Change("deleted", key, found) for found in own]
            continue
        adopted = not own and params["adopt"]
        if adopted:
            own = [found for found in unmarked if kind.same(item, found)]
            problems += _adoption_problems(kind, key, own, taken)
        changes.append(_compared(kind, client, item, Mark(fleet, key), own[0] if own else {}, bool(own) and adopted))
        note = f"a second one with this key; {own[0]['id']} is older and stays" if own else ""
        deleted += [Change("deleted", key, found, note=note) for found in own[1:]]
    if problems:
        raise Refused(problems)
    if params["prune"]:
        deleted += [Change("deleted", key, found) for key, own in owned.items() for found in own]
    for change in deleted:
        whole = _whole(kind, client, change.found, {})
        change.actual = kind.canonical(whole) if whole else None
    # A composite monitor goes before those it is made of.
    deleted.sort(key=lambda change: change.found.get("type") != "composite")
    return changes + [change for change in deleted if change.actual is not None]


def _sorted_by_owner(
    kind: Kind, client: Client, fleet: str, *, everybody: bool
) -> tuple[dict[str, list[Body]], list[Body]]:
    """Return the objects of the fleet by key, the oldest first, and those without a mark."""
    owned: dict[str, list[Body]] = {}
    unmarked = []
    # By id: while objects come and go, a page may repeat one of the page before.
    everything = {found["id"]: found for found in kind.everything(client, None if everybody else fleet)}
    for found in sorted(everything.values(), key=kind.age):
        mark = kind.mark(found)
        if mark is None:
            unmarked.append(found)
        elif mark.fleet == fleet:
            owned.setdefault(mark.key, []).append(found)
    return owned, unmarked


def _adoption_problems(kind: Kind, key: str, candidates: list[Body], taken: dict[Any, str]) -> list[str]:
    ids = ", ".join(str(found["id"]) for found in candidates)
    if len(candidates) > 1:
        return [f"{key}: {ids} all could be adopted: rename those that are not it, or delete them."]
    other = taken.setdefault(candidates[0]["id"], key) if candidates else key
    return [] if other == key else [f"{key}: {ids} would be adopted by {other} too: give them different names."]


def _whole(kind: Kind, client: Client, found: Body, wanted: Body) -> Body:
    """Return the object with everything that is compared, nothing where another run has just deleted it."""
    try:
        return kind.whole(client, found, wanted)
    except DatadogError as error:
        if error.status != 404:
            raise
        return {}


def _compared(kind: Kind, client: Client, item: Body, mark: Mark, found: Body, adopted: bool) -> Change:
    body = kind.body(item, mark)
    wanted = kind.canonical(body)
    whole = _whole(kind, client, found, wanted) if found else {}
    if not whole:
        if kind.over(wanted):
            return Change("unchanged", mark.key, {}, body, wanted, note="its time is over")
        return Change("created", mark.key, {}, body, wanted)
    actual = kind.seen(kind.canonical(whole), wanted)
    if actual == wanted:
        return Change("adopted" if adopted else "unchanged", mark.key, found, body, wanted, actual)
    if note := kind.replaced(wanted, actual, found):
        return Change("replaced", mark.key, found, body, wanted, actual, note=f"made anew: {note}")
    return Change("adopted" if adopted else "updated", mark.key, found, body, wanted, actual)


def _ask(kind: Kind, client: Client, changes: list[Change]) -> None:
    problems = []
    for change in changes:
        if change.action not in ("unchanged", "deleted"):
            found = {} if change.action == "replaced" else change.found
            problems += [f"{change.key}: {problem}" for problem in kind.refusals(client, change.body, found)]
    if problems:
        raise Refused(problems)


def _apply(kind: Kind, client: Client, change: Change) -> None:
    if change.action in ("deleted", "replaced"):
        _delete(kind, client, change.found)
    if change.action in ("created", "replaced"):
        change.found = _create(kind, client, change)
    elif change.action in ("updated", "adopted"):
        kind.update(client, change.body, change.found, change.wanted or {}, change.actual or {})


def _create(kind: Kind, client: Client, change: Change) -> Body:
    """Make it. Where the answer is lost, what carries its mark by now is it."""
    mark = kind.mark(change.body)

    def find() -> Body | None:
        everything = kind.everything(client, mark.fleet if mark else None)
        made = [found for found in everything if kind.mark(found) == mark]
        return min(made, key=kind.age) if made else None

    return kind.create(client, change.body, find)


def _delete(kind: Kind, client: Client, found: Body) -> None:
    try:
        kind.delete(client, found)
    except DatadogError as error:
        # Somebody else was quicker: it is gone, as wanted.
        if error.status != 404:
            raise


def _settle(kind: Kind, client: Client, fleet: str, changes: list[Change]) -> None:
    """Look again after creating: of twins that two runs made at once, the older stays and its maker deletes the other.

    Both runs see the same two, so that each knows without asking the other.
    """
    made = [change for change in changes if change.action in ("created", "replaced")]
    if not made:
        return
    owned, _unmarked = _sorted_by_owner(kind, client, fleet, everybody=False)
    for change in made:
        twins = owned.get(change.key, [])
        mine = change.found["id"]
        if twins and twins[0]["id"] != mine:
            # Not listed, it is gone: a third run has seen both before.
            if mine in [twin["id"] for twin in twins]:
                _delete(kind, client, change.found)
            change.found = twins[0]
            change.note = f"another run made {twins[0]['id']} at the same time, which stays; {mine} is deleted"


def _report(kind: Kind, client: Client, change: Change) -> Body:
    found = change.found
    entry = {
        "key": change.key,
        "id": found.get("id"),
        kind.title: (change.wanted or change.actual or {}).get(kind.title),
        "url": client.web_address(kind.page(found)) if found and change.action != "deleted" else None,
        "action": "updated" if change.action == "replaced" else change.action,
    }
    return {**entry, "note": change.note} if change.note else entry


def _diff(kind: Kind, change: Change) -> Body:
    name = f"{kind.name} {change.key}"
    mark = kind.mark(change.body) if change.action == "adopted" else None
    marked = {"mark": mark.line} if mark else {}
    before, after = difference(change.actual, None if change.wanted is None else {**change.wanted, **marked})
    return {
        "before_header": f"{name} ({change.found['id']})" if change.actual else name,
        "before": before,
        "after_header": name,
        "after": after,
    }
