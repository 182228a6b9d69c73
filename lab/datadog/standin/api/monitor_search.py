"""Searches for monitors and their groups.

Source: https://docs.datadoghq.com/monitors/manage/search/
"""

from collections import Counter

from ..alert.search import FACETS, FIELDS, entry, finder
from ..wire.bodies import Json
from .calls import Call, Room, on

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
        return [entry(monitor, bool(self.downtimes.matching(monitor, active))) for monitor in found]


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


def _answer(name: str, entries: list[Json], call: Call) -> Json:
    found = list(filter(finder(call.query.get("query", "")), entries))
    size, page = call.integer("per_page", _PER_PAGE) or _PER_PAGE, call.integer("page", 0)
    order, _, direction = call.query.get("sort", "name,asc").partition(",")
    keys = {"name": "title", "monitor_name": "title"}
    by = FIELDS.get(keys.get(order, order), FIELDS["title"])
    found.sort(key=lambda entry: str(by(entry)).lower(), reverse=direction == "desc")
    counts = {facet: Counter(value for entry in found for value in read(entry)) for facet, read in FACETS.items()}
    return {
        name: found[page * size : (page + 1) * size],
        "counts": {
            facet: [{"name": value, "count": count} for value, count in counted.most_common()]
            for facet, counted in counts.items()
        },
        "metadata": {"total_count": len(found), "page": page, "per_page": size, "page_count": -(-len(found) // size)},
    }
