"""The deprecated v1 API over the downtimes of v2, and the mutings that it is the form of.

Source: https://docs.datadoghq.com/api/latest/downtimes/
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from . import account
from .calls import Call, Handler
from .clock import iso, seconds
from .decode import Refused
from .downtimes import PAST, Downtimes, check_recurrence, check_scope

_FREQUENCIES = {"days": "DAILY", "weeks": "WEEKLY", "months": "MONTHLY", "years": "YEARLY"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PLAIN = ("message", "mute_first_recovery_notification", "notify_end_states", "notify_end_types")
_EVERYTHING = {"monitor_tags": ["*"]}
_LATE = 60


def table(downtimes: Downtimes, clock: Any) -> list[tuple[str, str, Handler]]:
    def shown(found: dict[str, Any]) -> dict[str, Any]:
        schedule, chosen = found["schedule"], found["monitor_identifier"]
        status = downtimes.status(found)
        start, end = _times(found, downtimes.current(found), clock.now())
        scope = found.get("v1_scope") or re.split(r" AND |,", found["scope"])
        return {
            **{name: found[name] for name in _PLAIN},
            "id": found["v1_id"],
            "uuid": found["id"],
            "org_id": account.ORG,
            "status": status,
            "monitor_id": chosen.get("monitor_id"),
            "monitor_tags": sorted(chosen.get("monitor_tags", ["*"])),
            "scope": scope,
            "downtime_type": 0 if scope == ["*"] else 1 if scope[0].startswith("host:") else 2,
            "start": start,
            "end": end,
            "recurrence": found.get("v1_recurrence") or _recurrence(schedule),
            "timezone": found["display_timezone"],
            "active": status == "active",
            "disabled": status == "canceled",
            **{name: seconds(found[name]) for name in ("created", "modified", "canceled")},
            "parent_id": None,
            "child_id": None,
            "creator_id": account.USER_ID,
            "updater_id": account.USER_ID if found["modified"] != found["created"] else None,
        }

    def checked(sent: Any, old: dict[str, Any] | None = None) -> dict[str, Any]:
        if not isinstance(sent, dict) or not (old or sent.get("scope")):
            raise Refused(400, "Invalid scope parameter")
        result = {name: sent[name] for name in _PLAIN if name in sent}
        more: dict[str, Any] = {}
        if sent.get("scope"):
            more["v1_scope"] = sent["scope"].split(",") if isinstance(sent["scope"], str) else list(sent["scope"])
            result["scope"] = " AND ".join(more["v1_scope"])
            check_scope(result["scope"])
        if sent.get("monitor_id"):
            result["monitor_identifier"] = {"monitor_id": sent["monitor_id"]}
        elif sent.get("monitor_tags") or not old:
            result["monitor_identifier"] = {"monitor_tags": sent.get("monitor_tags") or ["*"]}
        if sent.get("timezone"):
            result["display_timezone"] = sent["timezone"]
        if old is None or any(name in sent for name in ("start", "end", "recurrence")):
            result["schedule"] = schedule(sent, old, more)
        # A recurrence begins with its first time, which may already run.
        late = "recurrences" in result.get("schedule", {})
        return {**downtimes.checked(result, old, result.pop("schedule") if late else None), **more}

    def schedule(sent: dict[str, Any], old: dict[str, Any] | None, more: dict[str, Any]) -> dict[str, Any]:
        before = old["schedule"] if old else {}
        # The command line client sends times as texts.
        start, end = (None if sent.get(name) is None else int(sent[name]) for name in ("start", "end"))
        if start is not None and start < clock.now() - _LATE:
            raise Refused(400, PAST)
        recurrence = sent.get("recurrence", (old or {}).get("v1_recurrence"))
        if recurrence:
            more["v1_recurrence"] = _checked_recurrence(recurrence)
        endless = end is None and "recurrences" not in before
        # What never ends begins once, whatever is to recur.
        if not recurrence or endless:
            end = end if "end" in sent else seconds(before.get("end"))
            return {"start": None if start is None else iso(start), "end": None if end is None else iso(end)}
        zone = sent.get("timezone") or (old or {}).get("display_timezone") or "UTC"
        if start is None and old:
            start, old_end = _times(old, downtimes.current(old), clock.now())
            end = old_end if end is None else end
        if start is None or end is None or end <= start:
            raise Refused(400, "A recurring downtime needs a start and an end after it")
        more["v1_times"] = [start, end]
        begin = datetime.fromtimestamp(start, ZoneInfo(zone)).replace(tzinfo=None).isoformat()
        rule = {"rrule": _rrule(more["v1_recurrence"]), "duration": _duration(end - start), "start": begin}
        check_recurrence(rule, zone)
        return {"timezone": zone, "recurrences": [rule]}

    def one(call: Call, missing: str) -> dict[str, Any]:
        for found in downtimes.all():
            if str(found["v1_id"]) == str(call.path["id"]):
                return found
        raise Refused(404, missing.format(call.path["id"]))

    def every(call: Call) -> list[dict[str, Any]]:
        current = call.flag("current_only")
        creator = {"creator": account.CREATOR} if call.flag("with_creator") else {}
        return [{**shown(found), **creator} for found in (downtimes.active() if current else downtimes.all())]

    def update(call: Call) -> dict[str, Any]:
        found = one(call, "Downtime not found")
        return shown(downtimes.change(found, checked(call.body, found)))

    def cancel_by_scope(call: Call) -> dict[str, Any]:
        wanted = (call.body or {}).get("scope")
        if not wanted:
            raise Refused(400, "Expected scope")
        wanted = sorted(wanted.split(",") if isinstance(wanted, str) else wanted)
        found = [item for item in downtimes.ahead() if sorted(shown(item)["scope"]) == wanted]
        if not found:
            raise Refused(404, "No downtimes found")
        for item in found:
            downtimes.cancel(item)
        return {"cancelled_ids": [item["v1_id"] for item in found]}

    # ---------------------------------------------------------------------------------------------------------- muting
    def muting(scope: str) -> list[dict[str, Any]]:
        return [
            found
            for found in downtimes.active()
            if found["scope"] == scope and found["monitor_identifier"] == _EVERYTHING
        ]

    def mute_all(call: Call) -> dict[str, Any]:
        return shown((muting("*") or [downtimes.mute("*", None, _EVERYTHING)])[0])

    def unmute(scope: str, problem: str) -> dict[str, Any]:
        found = muting(scope)
        if not found:
            raise Refused(400, problem)
        for item in found:
            downtimes.cancel(item)
        return found[0]

    def unmute_all(call: Call) -> None:
        unmute("*", "Monitoring is not currently globally muted")

    def mute_host(call: Call) -> dict[str, Any]:
        wish, host = {**call.query, **(call.body or {})}, call.path["host"]
        before = muting(f"host:{host}")
        if before and str(wish.get("override", "")).lower() != "true":
            again = " " * 28 + "add ?override=true to your request."
            text = f"host:{host} is already muted. To mute this host with a different end timestamp, {again}"
            raise Refused(400, text)
        for item in before:
            downtimes.cancel(item)
        end = None if wish.get("end") is None else int(wish["end"])
        made = downtimes.mute(f"host:{host}", end, _EVERYTHING, wish.get("message"))
        said = {name: wish[name] for name in ("end", "message") if wish.get(name) is not None}
        return {"action": "Muted", "hostname": host, "downtime_id": made["v1_id"], **said}

    def unmute_host(call: Call) -> dict[str, Any]:
        host = call.path["host"]
        found = unmute(f"host:{host}", f"Host {host} is not muted, it cannot be unmuted.")
        return {"action": "Unmuted", "hostname": host, "downtime_id": found["v1_id"]}

    return [
        ("GET", "/api/v1/downtime", every),
        ("POST", "/api/v1/downtime", lambda call: shown(downtimes.schedule(checked(call.body)))),
        ("POST", "/api/v1/downtime/cancel/by_scope", cancel_by_scope),
        ("GET", "/api/v1/downtime/{id:id}", lambda call: shown(one(call, "Downtime not found"))),
        ("PUT", "/api/v1/downtime/{id:id}", update),
        ("DELETE", "/api/v1/downtime/{id:id}", lambda call: downtimes.cancel(one(call, "Downtime {} not found"))),
        ("POST", "/api/v1/monitor/mute_all", mute_all),
        ("POST", "/api/v1/monitor/unmute_all", unmute_all),
        ("POST", "/api/v1/host/{host}/mute", mute_host),
        ("POST", "/api/v1/host/{host}/unmute", unmute_host),
    ]


def _times(found: dict[str, Any], current: tuple[float, float] | None, now: float) -> tuple[int, int | None]:
    """The start and end of a downtime as v1 shows them: the first until they are over, then the next."""
    if "recurrences" not in found["schedule"]:
        return seconds(found["schedule"]["start"]), seconds(found["schedule"].get("end"))
    first = found.get("v1_times") or (seconds(found["created"]), None)
    if current is None or (first[1] or 0) > now:
        return tuple(first)
    return int(current[0]), int(current[1])


def _recurrence(schedule: dict[str, Any]) -> dict[str, Any] | None:
    """How v1 shows a schedule that v2 made."""
    if "recurrences" not in schedule:
        return None
    nothing = dict.fromkeys(("period", "week_days", "until_occurrences", "until_date"))
    return {"type": "rrule", "rrule": schedule["recurrences"][0]["rrule"], **nothing}


def _checked_recurrence(sent: dict[str, Any]) -> dict[str, Any]:
    kind, days = sent.get("type"), sent.get("week_days")
    if kind not in (*_FREQUENCIES, "rrule"):
        raise Refused(400, "Invalid recurrence type")
    if days and not set(days) <= set(_DAYS):
        raise Refused(400, "Invalid set of days in week_days. Be sure that the first letter is capitalized.")
    if sent.get("until_occurrences") and sent.get("until_date"):
        raise Refused(400, "You must provide only provide one of (until_occurrences, until_date)")
    names = ("period", "week_days", "until_occurrences", "until_date")
    rule = {"rrule": sent["rrule"]} if sent.get("rrule") else {}
    return {"type": kind, **{name: sent.get(name) for name in names}, **rule}


def _duration(seconds: int) -> str:
    size, unit = next(
        (size, unit) for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if not seconds % size
    )
    return f"{seconds // size}{unit}"


def _rrule(recurrence: dict[str, Any]) -> str:
    if recurrence["type"] == "rrule":
        return recurrence["rrule"]
    parts = [f"FREQ={_FREQUENCIES[recurrence['type']]}", f"INTERVAL={recurrence['period'] or 1}"]
    if recurrence["week_days"]:
        parts.append("BYDAY=" + ",".join(day[:2].upper() for day in recurrence["week_days"]))
    if recurrence["until_occurrences"]:
        parts.append(f"COUNT={recurrence['until_occurrences']}")
    if recurrence["until_date"]:
        parts.append("UNTIL=" + re.sub(r"[-:]", "", iso(recurrence["until_date"], "seconds")[:19]) + "Z")
    return ";".join(parts)
