# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Summarize the results of objects, for people and for programs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

OUTCOMES = {
    "created": "created",
    "updated": "changed",
    "adopted": "changed",
    "deleted": "deleted",
    "unchanged": "unchanged",
}


def summary(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the results by kind and outcome, the number of each outcome, and whether any object differs."""
    outcomes = dict.fromkeys(OUTCOMES.values())
    objects = {
        kind: {outcome: [_entry(one) for one in entries if OUTCOMES[one["action"]] == outcome] for outcome in outcomes}
        for kind, entries in results.items()
    }
    counts = {outcome: sum(len(sorted_out[outcome]) for sorted_out in objects.values()) for outcome in outcomes}
    differs = any(count for outcome, count in counts.items() if outcome != "unchanged")
    return {"differs": differs, "counts": counts, "objects": objects}


def _entry(one: Mapping[str, Any]) -> dict[str, Any]:
    # The title is in a different field for each kind.
    known = {"key", "id", "url", "action", "note"}
    title = next((value for name, value in one.items() if name not in known), None)
    entry = {"key": one["key"], "id": one["id"], "title": title, "url": one["url"]}
    if one["action"] == "adopted":
        entry["adopted"] = True
    return {**entry, "note": one["note"]} if one.get("note") else entry
