# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the changes between the items of a list and the existing objects. Pure.

``match`` pairs items with the objects of the account, the gateway fetches these completely, ``plan`` compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .diff import difference
from .marks import Mark
from .schema import Body, Schema

# These actions give an object a new ID.
CREATING = ("created", "replaced")
LONGEST_TITLE = 80


class Refused(Exception):
    """Nothing was changed because of these problems, each with its fix."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


@dataclass
class Change:
    """The change of one object.

    :ivar item: the item of the list; None for an object that will be deleted.
    :ivar found: the object as it is listed; empty if there is none.
    :ivar whole: the same with everything that is compared; empty if another run has deleted it in the meantime.
    :ivar action: as reported, except for ``replaced``, an update that recreates the object.
    :ivar former: the object that will be deleted.
    :ivar body: what to send, once its references have IDs.
    :ivar wanted, actual: both sides of the comparison; None for an object that does not exist.
    """

    key: str
    item: Body | None
    found: Body = field(default_factory=dict)
    adopted: bool = False
    note: str = ""
    whole: Body = field(default_factory=dict)
    action: str = "deleted"
    former: Body = field(default_factory=dict)
    body: Body = field(default_factory=dict)
    wanted: Body | None = None
    actual: Body | None = None
    done: bool = False


def by_key(schema: Schema, fleet: str, listed: Iterable[Body]) -> tuple[dict[str, list[Body]], list[Body]]:
    """Return the objects of the fleet by key, the oldest first, and those without a mark."""
    owned: dict[str, list[Body]] = {}
    unmarked = []
    # By ID: while objects are created and deleted, a page may repeat an object of the previous one.
    for found in sorted({found["id"]: found for found in listed}.values(), key=schema.age):
        mark = schema.mark(found)
        if mark is None:
            unmarked.append(found)
        elif mark.fleet == fleet:
            owned.setdefault(mark.key, []).append(found)
    return owned, unmarked


def match(
    schema: Schema, params: Mapping[str, Any], listed: Iterable[Body]
) -> tuple[list[Change], dict[str, list[Body]]]:
    """Pair the list of ``params`` with the objects of the account.

    :arg params: ``fleet``, ``adopt``, ``prune`` and the list, without problems, under the schema's name in the plural.
    :return: one change for each item that should be present, in order, and then for each object to delete; and the
        fleet's other objects by key.
    :raises Refused: if it is not clear which object to adopt.
    """
    owned, unmarked = by_key(schema, params["fleet"], listed)
    kept, surplus = [], []
    taken: dict[Any, str] = {}
    problems: list[str] = []
    for item in params[f"{schema.name}s"]:
        key = item["key"]
        own = owned.pop(key, [])
        if item.get("state") == "absent":
            surplus += [Change(key, None, found) for found in own]
            continue
        adopted = not own and params["adopt"]
        if adopted:
            own = [found for found in unmarked if schema.matches(item, found)]
            problems += _adoption_problems(key, own, taken)
        kept.append(Change(key, item, own[0] if own else {}, bool(own) and adopted))
        note = f"duplicate of {own[0]['id']}, which has the same key and is older" if own else ""
        surplus += [Change(key, None, found, note=note) for found in own[1:]]
    if problems:
        raise Refused(problems)
    if params["prune"]:
        surplus += [Change(key, None, found) for key, own in owned.items() for found in own]
        owned = {}
    return kept + surplus, owned


def _adoption_problems(key: str, candidates: list[Body], taken: dict[Any, str]) -> list[str]:
    ids = ", ".join(str(found["id"]) for found in candidates)
    if len(candidates) > 1:
        return [f"{key}: {ids} all match, so none is adopted. Rename or delete those that should not be adopted."]
    other = taken.setdefault(candidates[0]["id"], key) if candidates else key
    return [] if other == key else [f"{key}: {ids} also matches {other}. Give the two different names."]


def plan(schema: Schema, fleet: str, changes: list[Change], left: dict[str, list[Body]]) -> list[Change]:
    """Compare what ``match`` has paired, and return the changes in the order of the list, deletions last.

    :raises Refused: if an object would be deleted that others refer to.
    """
    kept = [change for change in changes if change.item is not None]
    names: dict[Any, str] = {}
    # Objects that others refer to come first, so that references are compared by key.
    for change in sorted(kept, key=lambda change: bool(schema.references(change.item or {}))):
        _compare(schema, Mark(fleet, change.key), change, names)
        if change.action not in CREATING and change.found:
            names[change.found["id"]] = change.key
    deleted = [change for change in changes if change.item is None and change.whole]
    for change in deleted:
        change.former, change.actual = change.found, schema.comparable(change.whole)
    deleted.sort(key=lambda change: not schema.references(change.former))
    if problems := _needed(schema, kept + deleted, left):
        raise Refused(problems)
    return kept + deleted


def _needed(schema: Schema, changes: list[Change], left: dict[str, list[Body]]) -> list[str]:
    """Return which objects cannot be deleted since others, including unlisted ones, refer to them."""
    gone = {change.former["id"]: change.key for change in changes if change.former}
    stay = [(change.key, change.body) for change in changes if change.action != "deleted"]
    stay += [(key, found) for key, own in left.items() for found in own]
    return [
        f"{key}: it refers to {schema.name} {number} ({gone[number]}), which would be deleted."
        " Change or delete it as well."
        for key, body in stay
        for number in sorted(schema.references(body) & set(gone), key=str)
    ]


def _compare(schema: Schema, mark: Mark, change: Change, names: Mapping[Any, str]) -> None:
    """Compare an item with its object. References to remaining objects are compared by key: NAMES maps IDs to keys."""
    change.body = schema.body(change.item or {}, mark)
    wanted = change.wanted = schema.comparable(schema.with_names(change.body, names))
    if not change.whole:
        change.found, change.action, change.note = {}, "created", schema.new_note(wanted)
        if schema.expired(wanted):
            change.action, change.note = "unchanged", "it has expired"
        return
    actual = change.actual = schema.aligned(schema.comparable(schema.with_names(change.whole, names)), wanted)
    change.action = "adopted" if change.adopted else "unchanged" if actual == wanted else "updated"
    if actual != wanted and (reason := schema.replace_reason(wanted, actual, change.found)):
        change.action, change.former, change.note = "replaced", change.found, f"recreated: {reason}"


def ids(changes: Iterable[Change]) -> dict[str, Any]:
    """Return the IDs of the remaining objects by key."""
    return {change.key: change.found["id"] for change in changes if change.action != "deleted" and change.found}


def report(schema: Schema, change: Change, url: str | None) -> Body:
    """Return the module's result for one object."""
    entry = {
        "key": change.key,
        "id": change.found.get("id"),
        schema.title: (change.wanted or change.actual or {}).get(schema.title),
        "url": url,
        "action": "updated" if change.action == "replaced" else change.action,
    }
    return {**entry, "note": change.note} if change.note else entry


def unlisted(schema: Schema, found: Body, url: str | None) -> Body:
    """Return the module's result for an object of the fleet that is not in the list and remains."""
    mark = schema.mark(found)
    title = _title(schema, schema.comparable(found))
    return {"kind": schema.name, "key": mark.key if mark else "", "id": found["id"], "title": title, "url": url}


def _title(schema: Schema, body: Body) -> str:
    """Return the title of an object in one short line."""
    lines = str(body.get(schema.title) or "").strip().splitlines() or [""]
    return lines[0] if len(lines[0]) <= LONGEST_TITLE else f"{lines[0][: LONGEST_TITLE - 3]}..."


def diff(schema: Schema, change: Change, before_url: str | None, after_url: str | None) -> Body:
    """Return the differences in Ansible's format; for a new object, everything that is written."""
    mark = schema.mark(change.body) if change.action == "adopted" else None
    wanted = change.wanted
    if wanted is not None:
        new = change.actual is None and change.item is not None
        wanted = {
            **(schema.written(wanted, change.item or {}) if new else wanted),
            **({"mark": mark.line} if mark else {}),
        }
    before, after = difference(change.actual, wanted)

    def header(body: Body | None, url: str | None) -> str:
        title = _title(schema, body or change.wanted or change.actual or {})
        return f"{schema.name} {change.key}{': ' if title else ''}{title}{f' ({url})' if url else ''}"

    return {
        "before_header": header(change.actual, before_url),
        "before": before,
        "after_header": header(change.wanted, after_url),
        "after": after,
    }
