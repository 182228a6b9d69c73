# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists of dashboards, monitors or downtimes as they are wanted: read, compare, apply, report.

What a kind of object is, and what Datadog makes of it, is a ``Kind`` of its own; here is what all have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import (
    Client,
    DatadogError,
    datadog_argument_spec,
)
from ansible_collections.kennel.fleet.plugins.module_utils._objects.diff import difference
from ansible_collections.kennel.fleet.plugins.module_utils._objects.kind import Body, Kind, input_problems
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import Mark


class Refused(Exception):
    """Nothing was changed, because of these problems, each with its mend."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


# What these actions leave has a new id.
MADE = ("created", "replaced")


@dataclass
class Change:
    """What is to be done about one object.

    :ivar action: as reported, but for ``replaced``, an update that recreates it.
    :ivar found: the object as it is listed, empty where there is none.
    :ivar former: the object that is to be deleted.
    :ivar body: what to send, once its parts have ids.
    :ivar wanted, actual: both sides of the comparison, None for an object that is not there.
    """

    action: str
    key: str
    found: Body = field(default_factory=dict)
    former: Body = field(default_factory=dict)
    body: Body = field(default_factory=dict)
    wanted: Body | None = None
    actual: Body | None = None
    note: str = ""
    done: bool = False


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
    result: Body = {}
    try:
        changes = plan(kind, client, params)
        _ask(kind, client, changes)
        _do(kind, client, changes, check)
        if not check:
            _settle(kind, client, params["fleet"], changes)
    except (Refused, DatadogError) as error:
        undone = [change.key for change in changes if not change.done and change.action != "unchanged"]
        left = f" Not done: {', '.join(undone)}." if undone and any(change.done for change in changes) else ""
        result = {"failed": True, "msg": f"{error}{left}"}
        if isinstance(error, Refused):
            result["problems"] = error.problems
    done = [change for change in changes if change.done]
    changed = [change for change in done if change.action != "unchanged"]
    return {
        **result,
        "changed": bool(changed),
        "diff": [_diff(kind, change) for change in changed],
        f"{kind.name}s": [_report(kind, client, change) for change in done],
    }


def plan(kind: Kind, client: Client, params: Mapping[str, Any]) -> list[Change]:
    """Read what there is and return what is to be done, in the order of the list, deletions last.

    :raises Refused: with all problems of the input.
    """
    fleet, items = params["fleet"], params[f"{kind.name}s"]
    problems = input_problems(kind, params)
    wanted = [item for item in items if isinstance(item, dict) and item.get("state", "present") == "present"]
    for key, wrong in kind.part_problems(wanted).items():
        problems += [f"{kind.name}s ({key}): {problem}" for problem in wrong]
    if problems:
        raise Refused(problems)
    owned, unmarked = _sorted_by_owner(kind, client, fleet, everybody=params["adopt"])
    kept: dict[str, Change] = {}
    deleted: list[Change] = []
    taken: dict[Any, str] = {}
    names: dict[Any, str] = {}
    # Parts first, so that what is made of them is compared by their keys.
    for item in sorted(items, key=lambda item: bool(kind.parts(item))):
        key = item["key"]
        own = owned.pop(key, [])
        if item.get("state") == "absent":
            deleted += [Change("deleted", key, found, found) for found in own]
            continue
        adopted = not own and params["adopt"]
        if adopted:
            own = [found for found in unmarked if kind.same(item, found)]
            problems += _adoption_problems(kind, key, own, taken)
        mark = Mark(fleet, key)
        change = kept[key] = _compared(kind, client, item, mark, own[0] if own else {}, bool(own) and adopted, names)
        if change.action not in MADE and change.found:
            names[change.found["id"]] = key
        note = f"a second one with this key; {own[0]['id']} is older and stays" if own else ""
        deleted += [Change("deleted", key, found, found, note=note) for found in own[1:]]
    if problems:
        raise Refused(problems)
    if params["prune"]:
        deleted += [Change("deleted", key, found, found) for key, own in owned.items() for found in own]
    for change in deleted:
        whole = _whole(kind, client, change.found, {})
        change.actual = kind.canonical(whole) if whole else None
    deleted.sort(key=lambda change: not kind.parts(change.former))
    changes = [kept[item["key"]] for item in items if item["key"] in kept]
    changes += [change for change in deleted if change.actual is not None]
    if problems := _needed(kind, changes, {} if params["prune"] else owned):
        raise Refused(problems)
    return changes


def _needed(kind: Kind, changes: list[Change], left: dict[str, list[Body]]) -> list[str]:
    """Return which objects cannot be deleted, since others, those that are LEFT alone among them, are made of them."""
    gone = {change.former["id"]: change.key for change in changes if change.former}
    stay = [(change.key, change.body) for change in changes if change.action != "deleted"]
    stay += [(key, found) for key, own in left.items() for found in own]
    return [
        f"{key}: it is made of {kind.name} {number} ({gone[number]}), which is to be deleted: change or delete it, too."
        for key, body in stay
        for number in sorted(kind.parts(body) & set(gone), key=str)
    ]


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


def _compared(
    kind: Kind, client: Client, item: Body, mark: Mark, found: Body, adopted: bool, names: Mapping[Any, str]
) -> Change:
    """Compare an item with what is found. Parts that stay are compared by their keys: NAMES has those by id."""
    body = kind.body(item, mark)
    wanted = kind.canonical(kind.named(body, names))
    whole = _whole(kind, client, found, wanted) if found else {}
    if not whole:
        if kind.over(wanted):
            return Change("unchanged", mark.key, {}, {}, body, wanted, note="its time is over")
        return Change("created", mark.key, {}, {}, body, wanted)
    actual = kind.seen(kind.canonical(kind.named(whole, names)), wanted)
    if actual == wanted:
        return Change("adopted" if adopted else "unchanged", mark.key, found, {}, body, wanted, actual)
    if note := kind.replaced(wanted, actual, found):
        return Change("replaced", mark.key, found, found, body, wanted, actual, note=f"recreated: {note}")
    return Change("adopted" if adopted else "updated", mark.key, found, {}, body, wanted, actual)


def _ask(kind: Kind, client: Client, changes: list[Change]) -> None:
    problems = []
    ids, unmade = _ids(changes), {change.key for change in changes if change.action in MADE}
    for change in changes:
        # Datadog refuses what is made of something that is not there yet; what else is wrong it says when that is.
        if change.action in ("unchanged", "deleted") or kind.parts(change.body) & unmade:
            continue
        found = {} if change.action == "replaced" else change.found
        body = kind.named(change.body, ids)
        problems += [f"{change.key}: {problem}" for problem in kind.refusals(client, body, found)]
    if problems:
        raise Refused(problems)


def _ids(changes: list[Change]) -> dict[str, Any]:
    """Return the ids of those that stay, by key."""
    return {change.key: change.found["id"] for change in changes if change.action != "deleted" and change.found}


def _do(kind: Kind, client: Client, changes: list[Change], check: bool) -> None:
    """Make and change, parts before what is made of them; then delete, the other way round.

    Datadog deletes no monitor that others are made of. So one that is to be replaced goes only when its successor is
    there and has its place in them.
    """
    used = frozenset().union(*(kind.parts(change.found) for change in changes))
    for change in sorted(changes, key=lambda change: bool(kind.parts(change.body))):
        if change.action == "deleted":
            continue
        body = change.body if check else kind.named(change.body, _ids(changes))
        if check or change.action == "unchanged":
            pass
        elif change.action in MADE:
            if change.former and change.former["id"] not in used:
                _delete(kind, client, change.former)
                change.former = {}
            change.found = _create(kind, client, body, change.former)
        else:
            kind.update(client, body, change.found, change.wanted or {}, change.actual or {})
        change.done = True
    for change in sorted(changes, key=lambda change: not kind.parts(change.former)):
        if change.former and not check:
            _delete(kind, client, change.former)
        change.done = True


def _create(kind: Kind, client: Client, body: Body, former: Body) -> Body:
    """Make it. Where the answer is lost, what carries its mark by now is it, unless it is what it replaces."""
    mark = kind.mark(body)

    def find() -> Body | None:
        everything = kind.everything(client, mark.fleet if mark else None)
        made = [found for found in everything if kind.mark(found) == mark and found["id"] != former.get("id")]
        return min(made, key=kind.age) if made else None

    return kind.create(client, body, find)


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
    made = [change for change in changes if change.action in MADE]
    if not made:
        return
    owned, _unmarked = _sorted_by_owner(kind, client, fleet, everybody=False)
    lost: dict[str, Body] = {}
    for change in made:
        twins = owned.get(change.key, [])
        mine = change.found["id"]
        if twins and twins[0]["id"] != mine:
            # Not listed, it is gone: a third run has seen both before.
            if mine in [twin["id"] for twin in twins]:
                lost[change.key] = change.found
            change.found = twins[0]
            change.note = f"another run made {twins[0]['id']} at the same time, which stays; {mine} is deleted"
    for change in changes:
        if change.key not in lost and kind.parts(change.body) & set(lost):
            body = kind.named(change.body, _ids(changes))
            kind.update(client, body, change.found, change.wanted or {}, change.actual or {})
    for found in sorted(lost.values(), key=lambda found: not kind.parts(found)):
        _delete(kind, client, found)


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
