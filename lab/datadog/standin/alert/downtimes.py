"""Downtimes: a document is {"id", "v1_id", and the attributes of the v2 API}.

Source: https://docs.datadoghq.com/api/latest/downtimes/
"""

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from module_utils._query.scope import QuerySyntaxError

from ..clock import Clock, epoch, iso, seconds, zone
from ..errors import Refused
from ..store.documents import Documents
from ..wire.bodies import Json
from . import schedule

PAST = "Scheduled downtime start cannot be in the past"
_NO_ZONE = "Invalid timezone:"
_DEFAULTS: Json = {
    "message": None,
    "display_timezone": "UTC",
    "mute_first_recovery_notification": False,
    "notify_end_states": ["alert", "no data", "warn"],
    "notify_end_types": ["expired"],
}
_TYPES = {"message": str, "mute_first_recovery_notification": bool, "schedule": dict}
CHANGEABLE = {*_DEFAULTS, "monitor_identifier", "schedule", "scope"}
_CHOICES = {"notify_end_states": {"alert", "no data", "warn"}, "notify_end_types": {"canceled", "expired"}}
_MOST_RECURRENCES = 5
# Seconds for which a canceled downtime is still listed, and by which a start that means now may be late.
_KEPT = 48 * 3600
LATE = 60
# Seconds ahead to search for the next occurrence: rules may start years from now.
_AHEAD = 20 * 366 * 86400
_SIMPLE_SCOPE = re.compile(r'\*|[^\s(){}!,"]+:[^\s(){}!,"]+')


class Downtimes:
    """All downtimes. Times come from the clock."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def all(self) -> list[Json]:
        """Return all downtimes except those that were canceled long ago."""
        oldest = self._clock.now() - _KEPT
        found = self._documents.all("downtime")
        return [item for item in found if not item["canceled"] or epoch(item["canceled"]) >= oldest]

    def schedule(self, attributes: Json) -> Json:
        """Create a downtime from validated attributes."""
        id_, now = self._documents.new_id("downtime"), iso(self._clock.now())
        numbers = {"id": id_, "v1_id": self._documents.new_id("downtime_v1")}
        made = {**numbers, **_DEFAULTS, **attributes, "created": now, "modified": now, "canceled": None}
        self._documents.put("downtime", id_, made)
        return made

    def change(self, found: Json, attributes: Json) -> Json:
        before = self._documents.need("downtime", found["id"], "Downtime not found")
        changed = {**before, **attributes, "modified": iso(self._clock.now())}
        self._documents.put("downtime", found["id"], changed)
        return changed

    def cancel(self, found: Json) -> None:
        """Cancel a downtime. A canceled one stays unchanged."""
        if not found["canceled"]:
            self.change(found, {"canceled": iso(self._clock.now())})

    def status(self, found: Json) -> str:
        """Return active, scheduled, ended or canceled."""
        if found["canceled"]:
            return "canceled"
        current = self.current(found)
        return "ended" if current is None else "active" if current[0] <= self._clock.now() else "scheduled"

    def current(self, found: Json) -> tuple[float, float] | None:
        """Return the (start, end) of the current or next occurrence of a downtime."""
        now = self._clock.now()
        for ahead in (8 * 86400, _AHEAD) if "recurrences" in found["schedule"] else (math.inf,):
            times = schedule.windows(found, now, now + ahead)
            if times:
                return times[0]
        return None

    def active(self) -> list[Json]:
        """Return the downtimes that are active now."""
        return [found for found in self.ahead() if found["status"] == "active"]

    def ahead(self) -> list[Json]:
        """Return the downtimes that are active now or later, each with its "status"."""
        found = [{**item, "status": self.status(item)} for item in self.all()]
        return [item for item in found if item["status"] in ("active", "scheduled")]

    def checked(self, sent: Json, old: Json | None = None, schedule: Json | None = None) -> Json:
        """Return the normalized attributes of a v2 request, with a validated `schedule`. Raises Refused(400)."""
        for name in sent:
            if name not in CHANGEABLE:
                raise Refused(400, f"Additional properties are not allowed ('{name}' was unexpected)")
        for name in () if old else ("monitor_identifier", "scope"):
            if name not in sent:
                raise Refused(400, f"'{name}' is a required property")
        for name, kind in _TYPES.items():
            if sent.get(name) is not None and not isinstance(sent[name], kind):
                raise Refused(400, f"{sent[name]!r} is not of type '{kind.__name__}'")
        result: Json = {name: _DEFAULTS.get(name) if value is None else value for name, value in sent.items()}
        if "display_timezone" in result:
            result["display_timezone"] = zone(result["display_timezone"] or "UTC", _NO_ZONE).key
        for name, choices in _CHOICES.items():
            for value in result.get(name, ()):
                if value not in choices:
                    raise Refused(400, f"'{value}' is not one of {sorted(choices)}")
        if "scope" in result:
            check_scope(result["scope"])
        if "monitor_identifier" in result:
            _check_identifier(result["monitor_identifier"])
        if schedule:
            result["schedule"] = schedule
        elif old is None or result.get("schedule") is not None:
            wish = result.get("schedule") or {}
            result["schedule"] = self._recurring(wish) if "recurrences" in wish else self._once(wish, old)
        else:
            result.pop("schedule", None)
        return result

    def _once(self, sent: Json, old: Json | None) -> Json:
        now, before = self._clock.now(), (old or {}).get("schedule", {}).get("start")
        running = bool(before) and epoch(before) <= now
        start, end = (None if sent.get(name) is None else _moment(sent[name]) for name in ("start", "end"))
        if start is not None and start < now - LATE:
            raise Refused(400, PAST)
        if running and start is not None and start != epoch(before):
            raise Refused(400, "Cannot change the start of a downtime that has started")
        begin = epoch(before) if running else now if start is None else start
        if end is not None and end <= max(begin, now):
            raise Refused(400, "Scheduled downtime end must be in the future and after its start")
        # A start that was not sent is now, including its fraction of a second.
        return {"start": written(begin), "end": None if end is None else written(end)}

    def _recurring(self, sent: Json) -> Json:
        local, recurrences = zone(sent.get("timezone") or "UTC", _NO_ZONE), sent["recurrences"]
        if not isinstance(recurrences, list) or not 1 <= len(recurrences) <= _MOST_RECURRENCES:
            raise Refused(400, f"A downtime has 1 to {_MOST_RECURRENCES} recurrences")
        here = datetime.fromtimestamp(self._clock.now(), local).replace(tzinfo=None, microsecond=0)
        result = []
        for recurrence in recurrences:
            filled = {**recurrence, "start": recurrence.get("start") or here.isoformat()}
            start = check_recurrence(filled, local.key)
            if start.replace(tzinfo=local).timestamp() < self._clock.now() - LATE:
                raise Refused(400, PAST)
            result.append(filled)
        return {"timezone": local.key, "recurrences": result}

    def matching(self, monitor: Json, among: Iterable[Json]) -> list[Json]:
        """Return those of `among` that select this monitor, regardless of their scopes."""
        return [found for found in among if schedule.covers({**found, "scope": "*"}, monitor, ())]

    def silenced(self, monitor: int, ahead: Iterable[Json]) -> dict[str, int | None]:
        """Return `options.silenced` of a monitor: {scope: end} of its own downtimes with a plain scope."""
        return {
            found["scope"]: seconds(found["schedule"].get("end"))
            for found in ahead
            if found["monitor_identifier"].get("monitor_id") == monitor and _SIMPLE_SCOPE.fullmatch(found["scope"])
        }

    def silence(self, monitor: int, wish: dict[str, int | None]) -> None:
        """Replace the monitor's own downtimes by those that `options.silenced` requests."""
        ahead = self.ahead()
        before = self.silenced(monitor, ahead)
        for found in ahead:
            mine = found["monitor_identifier"].get("monitor_id") == monitor and found["scope"] in before
            if mine and wish.get(found["scope"], -1) != before[found["scope"]]:
                self.cancel(found)
        for scope, end in wish.items():
            if before.get(scope, -1) != end:
                self.mute(scope, end, {"monitor_id": monitor})

    def mute(self, scope: str, end: int | None, monitors: Json, message: str | None = None) -> Json:
        times = {"start": None, "end": None if end is None else iso(int(end))}
        sent = {"scope": scope, "schedule": times, "monitor_identifier": monitors, "message": message}
        return self.schedule(self.checked(sent))


def check_recurrence(recurrence: dict[str, str], zone: str) -> datetime:
    """Return the local start of a recurrence. Raises Refused(400) if it is invalid."""
    try:
        start = datetime.fromisoformat(recurrence["start"])
        if start.tzinfo:
            raise ValueError("start: no offset is allowed, the timezone gives it")
        schedule.duration(recurrence["duration"])
        schedule.rule(recurrence["rrule"], recurrence["start"], zone)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(400, f"Invalid recurrence: {error}") from None
    return start


def check_scope(text: Any) -> None:
    if not isinstance(text, str) or not text.strip():
        raise Refused(400, "Invalid scope parameter")
    try:
        schedule.scope(text)
    except QuerySyntaxError as error:
        raise Refused(400, f"Invalid scope: {error}") from None
    # key:(one OR other) has a key for both values.
    bare = re.sub(r'[^\s(){}!,]+:(\([^()]*\)|"[^"]*"|[^\s(){}!,]*)', "", text)
    if set(re.findall(r"[^\s(){}!,*]+", bare)) - {"AND", "OR", "NOT"}:
        raise Refused(400, "All values must have a key")


def _check_identifier(sent: Any) -> None:
    kinds = {"monitor_id": int, "monitor_tags": list}
    fits = isinstance(sent, dict) and len(sent) == 1 and all(isinstance(sent[k], kinds.get(k, ())) for k in sent)
    if not fits or not all(isinstance(tag, str) for tag in sent.get("monitor_tags", ())):
        raise Refused(400, f"{sent} is not valid under any of the given schemas")


def _moment(text: Any) -> float:
    try:
        return epoch(text)
    except (AttributeError, TypeError, ValueError):
        raise Refused(400, f"{text!r} is not a 'date-time'") from None


def written(moment: float) -> str:
    """Format a time as v2 does: with a fraction of a second only if it has one."""
    return iso(moment, "seconds" if moment == int(moment) else "microseconds")
