"""Monitors with their history, downtimes as a calendar, the mailbox, and events."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from module_utils._query.monitor import CheckCondition, MetricCondition
from starlette.requests import Request

from ..alert import schedule
from ..alert.observe import Asked, condition, covered, stale
from ..api.calls import on
from ..clock import zone
from ..errors import Refused
from ..graph.model import View
from ..graph.states import monitor_chart
from ..wire.bodies import Json
from .site import WORST, Pages, span
from .strips import strip

_PAGE, _MOST_RUNS = 50, 500
# Rows of a day in the calendar, and the minutes of each.
_ROW = 15


class Alerts(Pages):
    @on("GET", "/monitors")
    def every_monitor(self, request: Request) -> tuple[str, Json]:
        active = self.downtimes.active()
        word, wanted = request.query_params.get("filter", "").lower(), request.query_params.get("status", "")
        every = [self._summary(monitor, active) for monitor in self.monitors.all()]
        shown = [
            one
            for one in every
            if (not wanted or one["status"] == wanted) and word in " ".join([one["name"], *one["tags"]]).lower()
        ]
        shown.sort(key=lambda one: (WORST.index(one["status"]), one["name"].lower()))
        counts = [(status, sum(one["status"] == status for one in every)) for status in WORST]
        return "monitors.html", {"monitors": shown, "counts": counts, "total": len(every)}

    @on("GET", "/monitors/{id:int}")
    def monitor(self, request: Request) -> tuple[str, Json]:
        found = self.documents.need("monitor", request.path_params["id"], "There is no such monitor")
        chosen = _tags(request.query_params.get("group", ""))
        groups = [one for one in self.monitors.state(found["id"])["groups"].values() if chosen <= _tags(one["name"])]
        changes = (self.documents.get("monitor_state", found["id"]) or {}).get("changes", [])
        return "monitor.html", {
            "monitor": found,
            "summary": self._summary(found, self.downtimes.active()),
            "groups": sorted(groups, key=lambda group: (WORST.index(group["status"]), group["name"])),
            "changes": [one for one in changes if chosen <= _tags(one["group"])][:-201:-1],
            "mails": [mail for mail in self.mailbox.all() if mail["monitor_id"] == found["id"]][:-21:-1],
            "downtimes": self.downtimes.matching(found, self.downtimes.ahead()),
            "drawn": self._drawn(found, request, chosen),
            "strips": [one for one in self._strips(found, request) if chosen <= {f"host:{one['host']}", *one["tags"]}],
        }

    @on("GET", "/downtimes")
    def calendar(self, request: Request) -> tuple[str, Json]:
        found = [{**one, "status": self.downtimes.status(one)} for one in self.downtimes.all()]
        zones = sorted({"UTC", *(one["schedule"].get("timezone") or one["display_timezone"] for one in found)})
        local = zone(request.query_params.get("zone") or next((name for name in zones if name != "UTC"), "UTC"))
        monday = _monday(request.query_params.get("week", ""), self.clock.now(), local)
        names = {one["id"]: one["name"] for one in self.monitors.all()}
        for one in found:
            one["target"] = _target(one, names)
            one["current"] = self.downtimes.current(one) if one["status"] in ("active", "scheduled") else None
        return "downtimes.html", {
            "downtimes": sorted(found, key=lambda one: (one["status"] not in ("active", "scheduled"), one["created"])),
            "days": [_day(found, monday + timedelta(days=number), local) for number in range(7)],
            "zone": local.key,
            "zones": sorted({*zones, local.key}),
            "monday": monday,
            "weeks": [(monday + timedelta(days=days)).isoformat() for days in (-7, 7)],
            "today": datetime.fromtimestamp(self.clock.now(), local).date(),
        }

    @on("GET", "/mailbox")
    def messages(self, request: Request) -> tuple[str, Json]:
        return "mailbox.html", _page(request, self.mailbox.all()[::-1], "subject", "body", "to")

    @on("GET", "/events")
    def events(self, request: Request) -> tuple[str, Json]:
        return "events.html", _events(request, self.documents.all("event"))

    # Where Datadog has it, and so what the API gives for an event's address.
    @on("GET", "/event/event")
    def event(self, request: Request) -> tuple[str, Json]:
        asked = request.query_params.get("id", "")
        found = [one for one in self.documents.all("event") if str(one["id"]) == asked]
        if not found:
            raise Refused(404, "There is no such event")
        return "events.html", _events(request, found)

    # ----------------------------------------------------------------------------------------------------- monitors
    def _summary(self, monitor: Json, active: list[Json]) -> Json:
        """A monitor with its state, how many groups are how, when that changed, and the downtimes it is in."""
        state = self.monitors.state(monitor["id"])
        statuses = [group["status"] for group in state["groups"].values()]
        return {
            **{name: monitor[name] for name in ("id", "name", "type", "query", "tags")},
            "status": state["overall_state"],
            "since": state["overall_state_modified"],
            "problem": state["problem"],
            "counts": [(status, statuses.count(status)) for status in WORST if status in statuses],
            "muted": self.downtimes.matching(monitor, active),
        }

    def _drawn(self, monitor: Json, request: Request, chosen: set[str]) -> Json | None:
        """The chart of a monitor's metric with its thresholds, of these groups; None where it watches no metric."""
        asked = _asked(monitor)
        if not isinstance(asked, MetricCondition):
            return None
        now = self.clock.now()
        start, end = span(request, now, max(3600, asked.window))
        try:
            drawn = monitor_chart(monitor, View(self.store, now, {}), start, end)
        except Refused as error:
            return {"kind": "none", "problem": "; ".join(map(str, error.errors)), "queries": [monitor["query"]]}
        if chosen:
            for shown, part in ((drawn, "rows"), (drawn["chart"], "lines")):
                shown[part] = [one for one in shown[part] if chosen <= _tags(one["name"])]
        return drawn

    def _strips(self, monitor: Json, request: Request) -> list[Json]:
        """The timeline of each host and set of tags that runs the check that a monitor watches."""
        asked = _asked(monitor)
        if not isinstance(asked, CheckCondition):
            return []
        now = self.clock.now()
        start, end = span(request, now)
        found = covered(self.store, asked.check, _MOST_RUNS, asked.over, asked.exclude)
        return [
            {
                "host": runs[0].host,
                "tags": runs[0].tags,
                "stale": stale(runs, now),
                "parts": strip(runs, start, end),
            }
            for _, runs in found
        ]


def _tags(group: str) -> set[str]:
    """The tags of a group as its name lists them."""
    return {tag for tag in re.split(r", ?", group) if tag}


def _asked(monitor: Json) -> Asked | None:
    """What a monitor asks, None where it cannot be evaluated, which its page says."""
    try:
        return condition(monitor["query"], monitor["type"])
    except Refused:
        return None


def _page(request: Request, every: list[Json], *names: str) -> Json:
    """A page of those of `every` that hold the word that is asked for under one of these names."""
    word = request.query_params.get("filter", "").lower()
    items = [one for one in every if not word or any(word in str(one.get(name)).lower() for name in names)]
    text, pages = request.query_params.get("page", "1"), max(1, -(-len(items) // _PAGE))
    number = max(1, min(int(text) if text.isdecimal() and len(text) < 9 else 1, pages))
    shown = items[(number - 1) * _PAGE : number * _PAGE]
    return {"items": shown, "total": len(items), "page": number, "pages": pages}


def _events(request: Request, found: list[Json]) -> Json:
    newest = sorted(found, key=lambda event: -event["date_happened"])
    return _page(request, newest, "title", "text", "host", "tags")


# -------------------------------------------------------------------------------------------------------- downtimes
def _monday(text: str, now: float, zone: ZoneInfo) -> date:
    """The Monday of the week that holds the date `text`, or now."""
    try:
        day = date.fromisoformat(text) if text else datetime.fromtimestamp(now, zone).date()
        if not 1970 < day.year < 2100:
            raise ValueError(text)
    except ValueError:
        raise Refused(404, "week is a date such as 2026-01-31") from None
    return day - timedelta(days=day.weekday())


def _target(downtime: Json, names: dict[int, str]) -> str:
    chosen = downtime["monitor_identifier"]
    if "monitor_id" in chosen:
        return names.get(chosen["monitor_id"], f"monitor {chosen['monitor_id']}")
    tags = [tag for tag in chosen.get("monitor_tags", ()) if tag != "*"]
    return f"monitors tagged {', '.join(tags)}" if tags else "all monitors"


def _day(downtimes: list[Json], day: date, zone: ZoneInfo) -> Json:
    """A day of the calendar: the parts of downtimes that fall on it, in lanes side by side where they overlap.

    Rows go by the clocks of the zone, so that 19:00 is at the same height on the day on which they change.
    """
    start, end = (datetime.combine(one, time(), zone).timestamp() for one in (day, day + timedelta(days=1)))
    parts: list[Json] = []
    for downtime in downtimes:
        for begin, finish in schedule.windows(downtime, start, end):
            first = 0 if begin <= start else _minute(begin, zone)
            last = 1440 if finish >= end else max(_minute(finish, zone), first + 1)
            parts.append({"downtime": downtime, "first": first, "last": last})
    parts.sort(key=lambda part: (part["first"], -part["last"]))
    lanes: list[int] = []
    for part in parts:
        lane = next((place for place, busy in enumerate(lanes) if busy <= part["first"]), len(lanes))
        lanes[lane : lane + 1] = [part["last"]]
        rows = (part["first"] // _ROW + 1, -(-part["last"] // _ROW) + 1)
        part |= {"lane": lane + 1, "rows": rows}
        part["times"] = "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in (part["first"], part["last"]))
    return {"date": day, "parts": parts, "lanes": max(1, len(lanes))}


def _minute(moment: float, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(moment, zone)
    return local.hour * 60 + local.minute
