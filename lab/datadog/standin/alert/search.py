"""What a search for monitors covers.

Source: https://docs.datadoghq.com/monitors/manage/search/
"""

import re
from collections.abc import Callable
from typing import Any

from ..clock import seconds
from ..errors import Refused
from ..query import lucene
from ..wire import user
from ..wire.bodies import Json
from .monitor_bodies import METRIC_TYPES
from .monitors import scopes

_STATUSES = ("alert", "warn", "no data", "ok", "ignored", "skipped")


def entry(monitor: Json, muted: bool = False) -> Json:
    """A monitor with its state, in the format of the search."""
    classes = {**dict.fromkeys(METRIC_TYPES, "metric"), "service check": "custom"}
    words = re.findall(r"(?:^|[:( ])([a-zA-Z][\w.]*)\{", monitor["query"])
    return {
        **{name: monitor[name] for name in ("id", "name", "org_id", "priority", "query", "tags", "type")},
        "status": monitor["overall_state"],
        "restricted_roles": monitor.get("restricted_roles") or [],
        "classification": classes.get(monitor["type"], monitor["type"].removesuffix(" alert")),
        "scopes": scopes(monitor["query"]),
        "metrics": words,
        "creator": {name: user.CREATOR[name] for name in ("id", "name", "handle")},
        "notifications": [
            {"handle": handle, "name": handle}
            for handle in sorted(set(re.findall(r"@([\w.@+-]+\w)", monitor["message"])))
        ],
        "muted": muted,
        "muted_until_ts": next(iter((monitor["options"].get("silenced") or {}).values()), None),
        "last_triggered_ts": None,
        "overall_state_modified": seconds(monitor["overall_state_modified"]),
    }


FACETS: dict[str, Callable[[Json], list[Any]]] = {
    "status": lambda item: [item["status"]],
    "muted": lambda item: [item["muted"]],
    "tag": lambda item: item["tags"] if "tags" in item else item["all_tags"],
    "type": lambda item: [item["classification"]],
}
FIELDS: dict[str, Callable[[Json], list[Any]]] = {
    **FACETS,
    "title": lambda item: [item.get("name", item.get("monitor_name"))],
    "id": lambda item: [item.get("id", item.get("monitor_id"))],
    "group": lambda item: [item.get("group", "")],
    "scope": lambda item: item.get("scopes", []),
    "metric": lambda item: item.get("metrics", []),
    "notification": lambda item: [found["handle"] for found in item.get("notifications", [])],
    "priority": lambda item: [f"p{item['priority']}" if item["priority"] else ""],
}
# Fields that match by a part of their value. Words without a field are searched for in the title.
_PARTLY = ("", "title", "metric", "notification")


def _values(item: Json, key: str) -> list[str]:
    if key and key not in FIELDS:
        # env:prod is short for tag:"env:prod".
        return [tag[len(key) + 1 :] for tag in FIELDS["tag"](item) if tag.startswith(f"{key}:")]
    return [str(value) for value in FIELDS[key or "title"](item)]


def finder(query: str) -> lucene.Test:
    """Return the test of a search for an entry, or for a group. Raises Refused(400)."""
    for text in re.findall(r'\bstatus:(\([^()]*\)|"[^"]*"|\S+)', query):
        words = [one.strip('"').lower() for one in re.findall(r'"[^"]*"|[^\s()]+', text) if one != "OR"]
        if bad := [word for word in words if word not in _STATUSES]:
            raise Refused(400, f"Query parsing error: '{bad[0]}' is not a valid monitor status")
    return lucene.parse(query, _values, lambda why: Refused(400, f"Query parsing error: {why}"), _PARTLY)
