"""Monitors with what they have been through, downtimes as a calendar, the mailbox, and events."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from module_utils.datadog_monitor_query import MetricCondition
from module_utils.datadog_query import Query
from starlette.requests import Request
from starlette.routing import Route

from .. import schedule
from ..decode import Refused
from ..evaluate import evaluate
from ..observe import ALERT, NO_DATA, OK, WARN, condition
from .boards import asked_span
from .graphs import chart, label
from .site import Site

_WORST = (ALERT, WARN, NO_DATA, OK)
_PAGE = 50
_SNAPSHOT = re.compile(r"/snapshot/[0-9a-f]{32}\.png")
# Rows of a day in the calendar, and the minutes of each.
_ROW = 15


def routes(site: Site) -> list[Route]:
    def monitors(request: Request) -> tuple[str, dict[str, Any]]:
        active = site.downtimes.active()
        word, wanted = request.query_params.get("filter", "").lower(), request.query_params.get("status", "")
        every = [_summary(site, monitor, active) for monitor in site.monitors.all()]
        shown = [
            one
            for one in every
            if (not wanted or one["status"] == wanted) and word in " ".join([one["name"], *one["tags"]]).lower()
        ]
        shown.sort(key=lambda one: (_WORST.index(one["status"]), one["name"].lower()))
        counts = [(status, sum(one["status"] == status for one in every)) for status in _WORST]
        return "monitors.html", {"monitors": shown, "counts": counts, "total": len(every)}

    def monitor(request: Request) -> tuple[str, dict[str, Any]]:
        found = site.documents.need("monitor", request.path_params["id"], "There is no such monitor")
        groups = site.monitors.state(found["id"])["groups"].values()
        return "monitor.html", {
            "monitor": found,
            "summary": _summary(site, found, site.downtimes.active()),
            "groups": sorted(groups, key=lambda group: (_WORST.index(group["status"]), group["name"])),
            "changes": (site.documents.get("monitor_state", found["id"]) or {}).get("changes", [])[:-201:-1],
            "mails": [mail for mail in site.documents.all("mail") if mail["monitor_id"] == found["id"]][:-21:-1],
            "downtimes": site.downtimes.matching(found, site.downtimes.ahead()),
            "drawn": _drawn(site, found, request),
        }

    def downtimes(request: Request) -> tuple[str, dict[str, Any]]:
        found = [{**one, "status": site.downtimes.status(one)} for one in site.downtimes.all()]
        zones = sorted({"UTC", *(one["schedule"].get("timezone") or one["display_timezone"] for one in found)})
        zone = _zone(request.query_params.get("zone") or next((name for name in zones if name != "UTC"), "UTC"))
        monday = _monday(request.query_params.get("week", ""), site.clock.now(), zone)
        names = {one["id"]: one["name"] for one in site.monitors.all()}
        for one in found:
            one["target"] = _target(one, names)
            one["current"] = site.downtimes.current(one) if one["status"] in ("active", "scheduled") else None
        return "downtimes.html", {
            "downtimes": sorted(found, key=lambda one: (one["status"] not in ("active", "scheduled"), one["created"])),
            "days": [_day(found, monday + timedelta(days=number), zone) for number in range(7)],
            "zone": zone.key,
            "zones": sorted({*zones, zone.key}),
            "monday": monday,
            "weeks": [(monday + timedelta(days=days)).isoformat() for days in (-7, 7)],
            "today": datetime.fromtimestamp(site.clock.now(), zone).date(),
        }

    def mailbox(request: Request) -> tuple[str, dict[str, Any]]:
        return "mailbox.html", _page(request, site.documents.all("mail")[::-1])

    def events(request: Request) -> tuple[str, dict[str, Any]]:
        return "events.html", _events(request, site.documents.all("event"))

    def event(request: Request) -> tuple[str, dict[str, Any]]:
        asked = request.query_params.get("id", "")
        found = [one for one in site.documents.all("event") if str(one["id"]) == asked]
        if not found:
            raise Refused(404, "There is no such event")
        return "events.html", _events(request, found)

    return [
        site.page("/monitors", monitors),
        site.page("/monitors/{id:int}", monitor),
        site.page("/downtimes", downtimes),
        site.page("/mailbox", mailbox),
        site.page("/events", events),
        # Where Datadog has it, and so what the API gives for an event's address.
        site.page("/event/event", event),
    ]


def _page(request: Request, items: list[dict[str, Any]]) -> dict[str, Any]:
    text, pages = request.query_params.get("page", "1"), max(1, -(-len(items) // _PAGE))
    number = max(1, min(int(text) if text.isdecimal() and len(text) < 9 else 1, pages))
    shown = items[(number - 1) * _PAGE : number * _PAGE]
    return {"items": shown, "total": len(items), "page": number, "pages": pages}


def _events(request: Request, found: list[dict[str, Any]]) -> dict[str, Any]:
    page = _page(request, sorted(found, key=lambda event: -event["date_happened"]))
    for event in page["items"]:
        event["pictures"] = sorted(set(_SNAPSHOT.findall(event["text"])))
    return page


# --------------------------------------------------------------------------------------------------------- monitors
def _summary(site: Site, monitor: dict[str, Any], active: list[dict[str, Any]]) -> dict[str, Any]:
    """A monitor with its state, how many groups are how, when that changed, and the downtimes it is in."""
    state = site.monitors.state(monitor["id"])
    statuses = [group["status"] for group in state["groups"].values()]
    return {
        **{name: monitor[name] for name in ("id", "name", "type", "query", "tags")},
        "status": state["overall_state"],
        "since": state["overall_state_modified"],
        "counts": [(status, statuses.count(status)) for status in _WORST if status in statuses],
        "muted": site.downtimes.matching(monitor, active),
    }


def _drawn(site: Site, monitor: dict[str, Any], request: Request) -> dict[str, Any] | None:
    """The chart of a monitor's metric with its thresholds, None where it watches no metric."""
    asked = condition(monitor["query"], monitor["type"])
    if not isinstance(asked, MetricCondition):
        return None
    start, end = asked_span(request, site.clock.now(), max(3600, asked.window))
    try:
        (lines,) = evaluate(Query((asked.expression,)), site.store, start, end)
    except Refused as error:
        return {"kind": "none", "problem": "; ".join(map(str, error.errors)), "queries": [monitor["query"]]}
    limits = monitor["options"].get("thresholds") or {}
    # Those of an anomaly monitor are parts of a window, not values.
    marks = [] if any(line.bounds for line in lines) else [("critical", "error"), ("warning", "warning")]
    marked = [(float(limits[name]), kind) for name, kind in marks if limits.get(name) is not None]
    return chart([(line, "line", label(line)) for line in lines], start, end, marked)


# -------------------------------------------------------------------------------------------------------- downtimes
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise Refused(404, f"There is no time zone {name}") from None


def _monday(text: str, now: float, zone: ZoneInfo) -> date:
    """The Monday of the week that holds the date `text`, or now."""
    try:
        day = date.fromisoformat(text) if text else datetime.fromtimestamp(now, zone).date()
        if not 1970 < day.year < 2100:
            raise ValueError(text)
    except ValueError:
        raise Refused(404, "week is a date such as 2026-01-31") from None
    return day - timedelta(days=day.weekday())


def _target(downtime: dict[str, Any], names: dict[int, str]) -> str:
    chosen = downtime["monitor_identifier"]
    if "monitor_id" in chosen:
        return names.get(chosen["monitor_id"], f"monitor {chosen['monitor_id']}")
    tags = [tag for tag in chosen.get("monitor_tags", ()) if tag != "*"]
    return f"monitors tagged {', '.join(tags)}" if tags else "all monitors"


def _day(downtimes: list[dict[str, Any]], day: date, zone: ZoneInfo) -> dict[str, Any]:
    """A day of the calendar: the parts of downtimes that fall on it, in lanes side by side where they overlap.

    Rows go by the clocks of the zone, so that 19:00 is at the same height on the day on which they change.
    """
    start, end = (datetime.combine(one, time(), zone).timestamp() for one in (day, day + timedelta(days=1)))
    parts = []
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
