"""The deprecated v1 API for the downtimes of v2, and muting, which uses its format.

Source: https://docs.datadoghq.com/api/latest/downtimes/
"""

import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ..alert.downtimes import LATE, PAST, check_recurrence, check_scope
from ..clock import iso, seconds
from ..errors import Refused
from ..wire import user
from ..wire.bodies import Json
from .calls import Call, Room, on

_ALL, _ONE = "/api/v1/downtime", "/api/v1/downtime/{id:id}"
_FREQUENCIES = {"days": "DAILY", "weeks": "WEEKLY", "months": "MONTHLY", "years": "YEARLY"}
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_PLAIN = ("message", "mute_first_recovery_notification", "notify_end_states", "notify_end_types")
_RECURRENCE = ("period", "week_days", "until_occurrences", "until_date")
_EVERYTHING = {"monitor_tags": ["*"]}


class DowntimesV1(Room):
    @on("GET", _ALL)
    def every(self, call: Call) -> list[Json]:
        creator = {"creator": user.CREATOR} if call.flag("with_creator") else {}
        found = self.downtimes.active() if call.flag("current_only") else self.downtimes.all()
        return [{**self._shown(one), **creator} for one in found]

    @on("GET", "/api/v1/monitor/{id:id}/downtimes")
    def of_monitor(self, call: Call) -> list[Json]:
        monitor = self.monitors.need(call.path["id"])
        return [self._shown(one) for one in self.downtimes.matching(monitor, self.downtimes.active())]

    @on("POST", _ALL)
    def create(self, call: Call) -> Json:
        return self._shown(self.downtimes.schedule(self._checked(call.body)))

    @on("GET", _ONE)
    def read(self, call: Call) -> Json:
        return self._shown(self._need(call))

    @on("PUT", _ONE)
    def update(self, call: Call) -> Json:
        found = self._need(call)
        return self._shown(self.downtimes.change(found, self._checked(call.body, found)))

    @on("DELETE", _ONE)
    def cancel(self, call: Call) -> None:
        self.downtimes.cancel(self._need(call, "Downtime {} not found"))

    @on("POST", _ALL + "/cancel/by_scope")
    def cancel_by_scope(self, call: Call) -> Json:
        wanted = (call.body or {}).get("scope")
        if not wanted:
            raise Refused(400, "Expected scope")
        wanted = sorted(wanted.split(",") if isinstance(wanted, str) else wanted)
        found = [one for one in self.downtimes.ahead() if sorted(_scope(one)) == wanted]
        if not found:
            raise Refused(404, "No downtimes found")
        for one in found:
            self.downtimes.cancel(one)
        return {"cancelled_ids": [one["v1_id"] for one in found]}

    def _need(self, call: Call, missing: str = "Downtime not found") -> Json:
        for found in self.downtimes.all():
            if found["v1_id"] == call.path["id"]:
                return found
        raise Refused(404, missing.format(call.path["id"]))

    def _shown(self, found: Json) -> Json:
        chosen, scope, status = found["monitor_identifier"], _scope(found), self.downtimes.status(found)
        start, end = self._times(found)
        return {
            **{name: found[name] for name in _PLAIN},
            "id": found["v1_id"],
            "uuid": found["id"],
            "org_id": user.ORG,
            "status": status,
            "monitor_id": chosen.get("monitor_id"),
            "monitor_tags": sorted(chosen.get("monitor_tags", ["*"])),
            "scope": scope,
            "downtime_type": 0 if scope == ["*"] else 1 if scope[0].startswith("host:") else 2,
            "start": start,
            "end": end,
            "recurrence": found.get("v1_recurrence") or _recurrence(found["schedule"]),
            "timezone": found["display_timezone"],
            "active": status == "active",
            "disabled": status == "canceled",
            **{name: seconds(found[name]) for name in ("created", "modified", "canceled")},
            "parent_id": None,
            "child_id": None,
            "creator_id": user.USER_ID,
            "updater_id": user.USER_ID if found["modified"] != found["created"] else None,
        }

    def _times(self, found: Json) -> tuple[int | None, int | None]:
        """Return the start and end of a downtime as in v1: the first occurrence until it is over, then the next."""
        if "recurrences" not in found["schedule"]:
            return seconds(found["schedule"]["start"]), seconds(found["schedule"].get("end"))
        start, end = found.get("v1_times") or (seconds(found["created"]), None)
        current = self.downtimes.current(found)
        if current is None or (end or 0) > self.clock.now():
            return start, end
        return int(current[0]), int(current[1])

    # ------------------------------------------------------------------------------------------------------- checks
    def _checked(self, sent: Any, old: Json | None = None) -> Json:
        """Return the v2 attributes of a v1 body, and the fields that only v1 has. Raises Refused(400)."""
        if not isinstance(sent, dict) or not (old or sent.get("scope")):
            raise Refused(400, "Invalid scope parameter")
        result = {name: sent[name] for name in _PLAIN if name in sent}
        more: Json = {}
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
            result["schedule"] = self._schedule(sent, old, more)
        # A recurrence starts with its first occurrence, which may already be active.
        late = "recurrences" in result.get("schedule", {})
        return {**self.downtimes.checked(result, old, result.pop("schedule") if late else None), **more}

    def _schedule(self, sent: Json, old: Json | None, more: Json) -> Json:
        before = old["schedule"] if old else {}
        # The command line client sends times as strings.
        start, end = (None if sent.get(name) is None else int(sent[name]) for name in ("start", "end"))
        if start is not None and start < self.clock.now() - LATE:
            raise Refused(400, PAST)
        recurrence = sent.get("recurrence", (old or {}).get("v1_recurrence"))
        if recurrence:
            more["v1_recurrence"] = _checked_recurrence(recurrence)
        endless = end is None and "recurrences" not in before
        # A downtime without an end does not recur.
        if not recurrence or endless:
            end = end if "end" in sent else seconds(before.get("end"))
            return {"start": None if start is None else iso(start), "end": None if end is None else iso(end)}
        zone = sent.get("timezone") or (old or {}).get("display_timezone") or "UTC"
        if start is None and old:
            start, old_end = self._times(old)
            end = old_end if end is None else end
        if start is None or end is None or end <= start:
            raise Refused(400, "A recurring downtime needs a start and an end after it")
        more["v1_times"] = [start, end]
        begin = datetime.fromtimestamp(start, ZoneInfo(zone)).replace(tzinfo=None).isoformat()
        rule = {"rrule": _rrule(more["v1_recurrence"]), "duration": _duration(end - start), "start": begin}
        check_recurrence(rule, zone)
        return {"timezone": zone, "recurrences": [rule]}

    # ------------------------------------------------------------------------------------------------------- muting
    def _muting(self, scope: str) -> list[Json]:
        return [
            found
            for found in self.downtimes.active()
            if found["scope"] == scope and found["monitor_identifier"] == _EVERYTHING
        ]

    def _unmute(self, scope: str, problem: str) -> Json:
        found = self._muting(scope)
        if not found:
            raise Refused(400, problem)
        for one in found:
            self.downtimes.cancel(one)
        return found[0]

    @on("POST", "/api/v1/monitor/mute_all")
    def mute_all(self, call: Call) -> Json:
        return self._shown((self._muting("*") or [self.downtimes.mute("*", None, _EVERYTHING)])[0])

    @on("POST", "/api/v1/monitor/unmute_all")
    def unmute_all(self, call: Call) -> None:
        self._unmute("*", "Monitoring is not currently globally muted")

    @on("POST", "/api/v1/host/{host}/mute")
    def mute_host(self, call: Call) -> Json:
        wish, host = call.wish(), call.path["host"]
        before = self._muting(f"host:{host}")
        if before and str(wish.get("override", "")).lower() != "true":
            again = " " * 28 + "add ?override=true to your request."
            text = f"host:{host} is already muted. To mute this host with a different end timestamp, {again}"
            raise Refused(400, text)
        for one in before:
            self.downtimes.cancel(one)
        end = None if wish.get("end") is None else int(wish["end"])
        made = self.downtimes.mute(f"host:{host}", end, _EVERYTHING, wish.get("message"))
        said = {"end": end, "message": wish.get("message")}
        said = {name: value for name, value in said.items() if value is not None}
        return {"action": "Muted", "hostname": host, "downtime_id": made["v1_id"], **said}

    @on("POST", "/api/v1/host/{host}/unmute")
    def unmute_host(self, call: Call) -> Json:
        host = call.path["host"]
        found = self._unmute(f"host:{host}", f"Host {host} is not muted, it cannot be unmuted.")
        return {"action": "Unmuted", "hostname": host, "downtime_id": found["v1_id"]}


def _scope(found: Json) -> list[str]:
    return found.get("v1_scope") or re.split(r" AND |,", found["scope"])


def _recurrence(schedule: Json) -> Json | None:
    """Return a v2 schedule in the format of v1."""
    if "recurrences" not in schedule:
        return None
    return {"type": "rrule", "rrule": schedule["recurrences"][0]["rrule"], **dict.fromkeys(_RECURRENCE)}


def _checked_recurrence(sent: Json) -> Json:
    kind, days = sent.get("type"), sent.get("week_days")
    if kind not in (*_FREQUENCIES, "rrule"):
        raise Refused(400, "Invalid recurrence type")
    if days and not set(days) <= set(_DAYS):
        raise Refused(400, "Invalid set of days in week_days. Be sure that the first letter is capitalized.")
    if sent.get("until_occurrences") and sent.get("until_date"):
        raise Refused(400, "You must provide only provide one of (until_occurrences, until_date)")
    rule = {"rrule": sent["rrule"]} if sent.get("rrule") else {}
    return {"type": kind, **{name: sent.get(name) for name in _RECURRENCE}, **rule}


def _duration(length: int) -> str:
    size, unit = next(one for one in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if not length % one[0])
    return f"{length // size}{unit}"


def _rrule(recurrence: Json) -> str:
    if recurrence["type"] == "rrule":
        return str(recurrence["rrule"])
    parts = [f"FREQ={_FREQUENCIES[recurrence['type']]}", f"INTERVAL={recurrence['period'] or 1}"]
    if recurrence["week_days"]:
        parts.append("BYDAY=" + ",".join(day[:2].upper() for day in recurrence["week_days"]))
    if recurrence["until_occurrences"]:
        parts.append(f"COUNT={recurrence['until_occurrences']}")
    if recurrence["until_date"]:
        parts.append("UNTIL=" + re.sub(r"[-:]", "", iso(recurrence["until_date"], "seconds")[:19]) + "Z")
    return ";".join(parts)
