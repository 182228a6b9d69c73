"""What monitors have been through: each change of a group's status, told or not."""

from typing import Any

from .documents import Documents

_KIND = "monitor_history"
# Changes kept of each monitor, the newest.
_MOST = 500


def note(documents: Documents, monitor: int, before: dict[str, Any] | None, after: dict[str, Any], now: float) -> None:
    """Keep what changed from one state of a monitor to the next; a state holds "groups" by name."""
    known = before["groups"] if before else {}
    changes = [
        {"time": int(now), "group": name, "from": known.get(name, {}).get("status"), "to": group["status"]}
        for name, group in after["groups"].items()
        if known.get(name, {}).get("status") != group["status"]
    ]
    if changes:
        documents.put(_KIND, monitor, {"changes": [*read(documents, monitor), *changes][-_MOST:]})


def read(documents: Documents, monitor: int) -> list[dict[str, Any]]:
    """The changes of a monitor, oldest first: {"time", "group", "from": None for a group not seen before, "to"}."""
    return (documents.get(_KIND, monitor) or {"changes": []})["changes"]


def forget(documents: Documents, monitor: int) -> None:
    """Drop what is known of a monitor that is gone."""
    documents.delete(_KIND, monitor)
