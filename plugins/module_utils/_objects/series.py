# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The times of downtimes in the format of Datadog's API: instants and recurring series. Pure.

A series starts at a local time without an offset. Once this is in the past, the API does not accept it again, although
the series continues. So two series are compared by their next occurrence.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# The parts of rules whose next occurrence this module can calculate.
_PLAIN = {"FREQ", "INTERVAL", "BYDAY", "WKST"}
# How many days ahead to look for an occurrence.
_AHEAD = 731


def instant(text: str) -> datetime:
    """Return the instant of an ISO 8601 text; without an offset it is UTC. Raises ValueError."""
    read = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)


def zone(name: str) -> tzinfo:
    """Return the time zone of this name. Raises ValueError."""
    try:
        return ZoneInfo(name)
    # ZoneInfo raises a different error for each kind of invalid name, KeyError and OSError among them.
    except (ValueError, KeyError, OSError, TypeError):
        raise ValueError(f"{name!r} is not a time zone. Write one such as Europe/Paris.") from None


def next_start(recurrence: dict[str, Any], now: datetime) -> str | None:
    """Return the next start of the series, as a local time.

    :arg recurrence: with ``start``, a local time, and ``rrule``.
    :arg now: the current local time in its time zone, without an offset.
    :return: its own start if that is in the future; None if the rule is not one of plain days and weeks.
    """
    start = datetime.fromisoformat(recurrence["start"])
    if start > now:
        return str(recurrence["start"])
    rule = dict(part.partition("=")[::2] for part in recurrence["rrule"].upper().split(";") if part)
    days = rule.get("BYDAY", "").split(",") if rule.get("BYDAY") else []
    interval = rule.get("INTERVAL", "1")
    if not set(rule) <= _PLAIN or not set(days) <= set(_DAYS) or not interval.isdecimal() or not int(interval):
        return None
    for ahead in range(_AHEAD):
        occurrence = datetime.combine(now.date() + timedelta(days=ahead), start.time())
        if occurrence > now and _occurs(occurrence, start, rule.get("FREQ", ""), int(interval), days):
            return occurrence.isoformat()
    return None


def _occurs(occurrence: datetime, start: datetime, frequency: str, interval: int, days: list[str]) -> bool:
    weekday = _DAYS[occurrence.weekday()]
    passed = (occurrence.date() - start.date()).days
    if frequency == "DAILY":
        return passed % interval == 0 and (not days or weekday in days)
    weeks = (passed + start.weekday()) // 7
    return frequency == "WEEKLY" and weeks % interval == 0 and weekday in (days or [_DAYS[start.weekday()]])


def same_series(wanted: dict[str, Any], actual: dict[str, Any], now: datetime) -> bool:
    """Return whether two recurrences are the same from ``now`` on, a local time. Without a start, any start matches."""
    if any(wanted.get(name) != actual.get(name) for name in ("rrule", "duration")):
        return False
    if not wanted.get("start") or wanted["start"] == actual.get("start"):
        return True
    if not actual.get("start"):
        return False
    ahead = next_start(wanted, now)
    return ahead is not None and ahead == next_start(actual, now)
