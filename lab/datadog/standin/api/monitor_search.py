"""The searches over monitors and their groups.

Source: https://docs.datadoghq.com/monitors/manage/search/
"""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from ..alert.monitor_bodies import METRIC_TYPES
from ..alert.monitors import scopes
from ..clock import seconds
from ..errors import Refused
from ..query import lucene
from ..wire import user
from ..wire.bodies import Json
from .calls import Call, Room, on

_STATUSES = ("alert", "warn", "no data", "ok", "ignored", "skipped")
_PER_PAGE = 30


class MonitorSearch(Room):
    @on("GET", "/api/v1/monitor/search")
    def find_monitors(self, call: Call) -> Json:
        return _answer("monitors", self._every(), call)

    @on("GET", "/api/v1/monitor/groups/search")
    def find_groups(self, call: Call) -> Json:
        found = [one for entry in self._every() for one in _groups(entry, self.monitors.state(entry["id"]))]
        return _answer("groups", found, call)

    def _every(self) -> list[Json]:
        ahead = self.downtimes.ahead()
        active = [found for found in ahead if found["status"] == "active"]
        found = [self.monitors.shown(monitor, ahead) for monitor in self.monitors.all()]
        return [_entry(monitor, bool(self.downtimes.matching(monitor, active))) for monitor in found]


def _entry(monitor: Json, muted: bool) -> Json:
    classes = {**dict.fromkeys(METRIC_TYPES, "metric"), "service check": "custom"}
    words = re.findall(r"(?:^|[:( ])([a-zA-Z][\w.]*)\{", monitor["query"])
    return {
        **{name: monitor[name] for name in ("id", "name", "org_id", "priority", "query", "tags", "type")},
        "status": monitor["overall_state"],
        "restricted_roles": monitor["restricted_roles"] or [],
        "classification": classes.get(monitor["type"], monitor["type"].removesuffix(" alert")),
        "scopes": scopes(monitor["query"]),
        "metrics": words,
        "creator": {name: user.CREATOR[name] for name in ("id", "name", "handle")},
        "notifications": [
            {"handle": handle, "name": handle}
            for handle in sorted(set(re.findall(r"@([\w.@+-]+\w)", monitor["message"])))
        ],
        "muted": muted,
        "muted_until_ts": next(iter(monitor["options"]["silenced"].values()), None),
        "last_triggered_ts": None,
        "overall_state_modified": seconds(monitor["overall_state_modified"]),
    }


def _groups(monitor: Json, state: Json) -> list[Json]:
    own = {name: monitor[name] for name in ("priority", "muted", "muted_until_ts", "type", "classification")}
    tagged = {kind: [tag for tag in monitor["tags"] if tag.startswith(f"{kind}:")] for kind in ("env", "team")}
    return [
        {
            **own,
            "monitor_id": monitor["id"],
            "monitor_name": monitor["name"],
            "all_tags": monitor["tags"],
            "env_tags": tagged["env"],
            "team_tags": tagged["team"],
            "muted_remaining": None,
            "downtimes": [],
            "group": name,
            "group_tags": name.split(","),
            "status": group["status"],
            **{stamp: group.get(stamp) or 0 for stamp in ("last_triggered_ts", "last_nodata_ts")},
        }
        for name, group in state["groups"].items()
    ]


_FACETS: dict[str, Callable[[Json], list[Any]]] = {
    "status": lambda item: [item["status"]],
    "muted": lambda item: [item["muted"]],
    "tag": lambda item: item["tags"] if "tags" in item else item["all_tags"],
    "type": lambda item: [item["classification"]],
}
_FIELDS: dict[str, Callable[[Json], list[Any]]] = {
    **_FACETS,
    "title": lambda item: [item.get("name", item.get("monitor_name"))],
    "id": lambda item: [item.get("id", item.get("monitor_id"))],
    "group": lambda item: [item.get("group", "")],
    "scope": lambda item: item.get("scopes", []),
    "metric": lambda item: item.get("metrics", []),
    "notification": lambda item: [found["handle"] for found in item.get("notifications", [])],
    "priority": lambda item: [f"p{item['priority']}" if item["priority"] else ""],
}
# Where a part of what is there is enough; words without a field are looked for in the title.
_PARTLY = ("", "title", "metric", "notification")


def _values(item: Json, key: str) -> list[str]:
    if key and key not in _FIELDS:
        # env:prod is short for tag:"env:prod".
        return [tag[len(key) + 1 :] for tag in _FIELDS["tag"](item) if tag.startswith(f"{key}:")]
    return [str(value) for value in _FIELDS[key or "title"](item)]


def _test(query: str) -> lucene.Test:
    for text in re.findall(r'\bstatus:(\([^()]*\)|"[^"]*"|\S+)', query):
        words = [one.strip('"').lower() for one in re.findall(r'"[^"]*"|[^\s()]+', text) if one != "OR"]
        if bad := [word for word in words if word not in _STATUSES]:
            raise Refused(400, f"Query parsing error: '{bad[0]}' is not a valid monitor status")
    return lucene.parse(query, _values, lambda why: Refused(400, f"Query parsing error: {why}"), _PARTLY)


def _answer(name: str, entries: list[Json], call: Call) -> Json:
    found = list(filter(_test(call.query.get("query", "")), entries))
    size, page = call.integer("per_page", _PER_PAGE) or _PER_PAGE, call.integer("page", 0)
    order, _, direction = call.query.get("sort", "name,asc").partition(",")
    keys = {"name": "title", "monitor_name": "title"}
    by = _FIELDS.get(keys.get(order, order), _FIELDS["title"])
    found.sort(key=lambda entry: str(by(entry)).lower(), reverse=direction == "desc")
    counts = {facet: Counter(value for entry in found for value in read(entry)) for facet, read in _FACETS.items()}
    return {
        name: found[page * size : (page + 1) * size],
        "counts": {
            facet: [{"name": value, "count": count} for value, count in counted.most_common()]
            for facet, counted in counts.items()
        },
        "metadata": {"total_count": len(found), "page": page, "per_page": size, "page_count": -(-len(found) // size)},
    }
