"""When and what a downtime mutes. Pure; times are seconds since the epoch.

`attributes` are those of a downtime of the v2 API. A recurrence starts and ends by the clock of its time zone, so that
19:00 to 09:00 stays the same in the night when the clock changes.
Source: https://docs.datadoghq.com/api/latest/downtimes/ and https://docs.datadoghq.com/monitors/downtimes/
"""

import functools
import math
import re
from collections.abc import Collection
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr
from module_utils._query.scope import QuerySyntaxError, Scope, UnboundVariable, parse_scope

from ..clock import epoch
from ..wire.bodies import Json

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNTIL_UTC = re.compile(r"(?<=UNTIL=)\d{8}T\d{6}Z", re.IGNORECASE)
# In a downtime, env:(a OR b) means (env:a OR env:b).
_ONE_KEY = re.compile(r"([^\s,(){}!:]+):\(([^()]*)\)")
_WORDS = re.compile(r"(?<![^\s,(){}!])(?!(?:AND|OR|NOT)\b)[^\s,(){}!]+", re.IGNORECASE)


def duration(text: str) -> timedelta:
    """Return the seconds of a duration such as 14h. Raises ValueError."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"duration {text!r}: expected an integer and one of {', '.join(_UNITS)}")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


@functools.lru_cache(maxsize=256)
def rule(text: str, start: str, zone: str) -> rruleset:
    """Yield the local starts of a recurrence; `start` is local and has no offset. Raises ValueError."""

    def local(until: re.Match[str]) -> str:
        moment = datetime.strptime(until[0].upper(), "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
        return moment.astimezone(ZoneInfo(zone)).strftime("%Y%m%dT%H%M%S")

    return rrulestr(_UNTIL_UTC.sub(local, text), dtstart=datetime.fromisoformat(start), forceset=True, cache=True)


def windows(attributes: Json, start: float, end: float) -> list[tuple[float, float]]:
    """Return the (start, end) of each time that the downtime is active in start <= time < end, in order.

    They are not cut at `start` and `end`, but when the downtime was canceled. Without an end, the end is infinite.
    """
    schedule = attributes.get("schedule") or {}
    cancelled = epoch(attributes["canceled"]) if attributes.get("canceled") else math.inf
    found = []
    if "recurrences" in schedule:
        for recurrence in schedule["recurrences"]:
            zone, created = schedule.get("timezone") or "UTC", attributes.get("created") or ""
            found += _recurring(recurrence, zone, created, start, end)
    else:
        begin = epoch(schedule.get("start") or attributes["created"])
        found.append((begin, epoch(schedule["end"]) if schedule.get("end") else math.inf))
    cut = ((begin, min(finish, cancelled)) for begin, finish in found)
    return sorted((begin, finish) for begin, finish in cut if begin < end and start < finish and begin < finish)


def _recurring(recurrence: Json, zone: str, created: str, start: float, end: float) -> list[tuple[float, float]]:
    where, length = ZoneInfo(zone), duration(recurrence["duration"])

    def local(moment: float) -> datetime:
        return datetime.fromtimestamp(moment, where).replace(tzinfo=None)

    begin = recurrence.get("start") or local(epoch(created)).isoformat()
    # A day more on each side: a clock change may move an end.
    begins = rule(recurrence["rrule"], begin, zone).between(
        local(start) - length - timedelta(days=1), local(end) + timedelta(days=1), inc=True
    )
    return [(b.replace(tzinfo=where).timestamp(), (b + length).replace(tzinfo=where).timestamp()) for b in begins]


@functools.lru_cache(maxsize=1024)
def scope(text: str) -> Scope:
    """Parse the scope of a downtime. Raises QuerySyntaxError."""

    def spread(found: re.Match[str]) -> str:
        return "(" + _WORDS.sub(lambda word: f"{found[1]}:{word[0]}", found[2]) + ")"

    return parse_scope(_ONE_KEY.sub(spread, text))


def covers(attributes: Json, monitor: Json, group: Collection[str]) -> bool:
    """Whether the downtime, while it is active, mutes the group of `monitor` with the tags `group`.

    A scope that cannot be parsed covers nothing.
    """
    chosen = attributes.get("monitor_identifier") or {}
    if "monitor_id" in chosen:
        if chosen["monitor_id"] != monitor["id"]:
            return False
    elif not set(chosen.get("monitor_tags", ())) - {"*"} <= set(monitor.get("tags", ())):
        return False
    try:
        return scope(attributes.get("scope") or "*").matches(group)
    except (QuerySyntaxError, UnboundVariable):
        return False
