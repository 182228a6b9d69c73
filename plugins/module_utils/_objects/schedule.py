# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Convert simple schedules of downtimes to those of version 2 of Datadog's API. Pure.

Sources: https://docs.datadoghq.com/api/latest/downtimes/#schedule-a-downtime, and RFC 5545 for rules.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import available_timezones

from .series import zone

MOST_RECURRENCES = 5
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FIELDS = ("all_day", "days", "from", "start", "timezone", "to")
_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")
_DAY = 24 * 60


def downtime_schedule(value: Any, now: datetime) -> dict[str, Any]:
    """Return the schedule of `value`, one or a list of one to five of

        {days: [mon-fri], from: "19:00", to: "09:00", timezone: Europe/Paris}
        {days: [sat, sun], all_day: true, timezone: Europe/Paris}

    as {"timezone", "recurrences": [{"start", "duration", "rrule"}, ...]}. `now` has an offset.

    An entry starts on each of its days; an end at or before its start is on the next day. Each `start` is the next one
    after `now` (or on or after the entry's own `start`, a date, if that is in the future), since the API rejects a past
    one. So it changes from day to day, while rrule, duration and time of day stay: schedules that differ in nothing
    else are the same.

    Raises ValueError with all problems.
    """
    entries = list(value) if isinstance(value, (list, tuple)) else [value]
    if not 1 <= len(entries) <= MOST_RECURRENCES:
        raise ValueError(f"there are {len(entries)} entries. Write 1 to {MOST_RECURRENCES}.")
    problems: list[str] = []
    zones = {str(entry["timezone"]): None for entry in entries if isinstance(entry, Mapping) and entry.get("timezone")}
    name = next(iter(zones), "UTC")
    if len(zones) > 1:
        problems.append(f"the entries have the time zones {', '.join(zones)}. Write the same one in all.")
    local = now.replace(tzinfo=None)
    try:
        local = now.astimezone(_zone(name)).replace(tzinfo=None)
    except ValueError as error:
        problems.append(f"timezone: {error}")
    recurrences = []
    for number, entry in enumerate(entries):
        place = f"entry {number + 1}: " if len(entries) > 1 else ""
        try:
            recurrences.append(_recurrence(entry, local))
        except _Problems as error:
            problems += [f"{place}{problem}" for problem in error.args[0]]
    if problems:
        raise ValueError("\n".join(problems))
    return {"timezone": name, "recurrences": recurrences}


def _zone(name: str) -> tzinfo:
    # These belong to this machine, not to the list of zones.
    if name not in ("Factory", "localtime", "posixrules") and not name.startswith(("posix/", "right/")):
        try:
            return zone(name)
        except ValueError:
            pass
    known = {each.lower(): each for each in available_timezones()}
    close = difflib.get_close_matches(name.lower(), known, n=1)
    fix = f"Did you mean {known[close[0]]}?" if close else "Write one such as Europe/Paris."
    raise ValueError(f"{name!r} is not a time zone. {fix}")


class _Problems(Exception):
    """A list of problems."""


def _recurrence(entry: Any, now: datetime) -> dict[str, str]:
    if not isinstance(entry, Mapping):
        raise _Problems([f"{entry!r} is not a dictionary. Write days, from, to and timezone."])
    problems = [
        f"{name} is not a known field. Use one of {', '.join(_FIELDS)}." for name in entry if name not in _FIELDS
    ]
    days = _gather(problems, _days, entry.get("days"))
    begin, minutes = _gather(problems, _span, entry) or (0, 0)
    first = _gather(problems, _first, entry.get("start")) or now.date()
    if problems:
        raise _Problems(problems)
    candidates = (
        datetime.combine(max(first, now.date()) + timedelta(days=ahead), datetime.min.time()) + timedelta(minutes=begin)
        for ahead in range(8)
    )
    start = next(moment for moment in candidates if moment > now and moment.weekday() in days)
    return {
        "start": start.isoformat(),
        "duration": _duration(minutes),
        "rrule": f"FREQ=WEEKLY;INTERVAL=1;BYDAY={','.join(_DAYS[day][:2].upper() for day in sorted(days))}",
    }


def _gather(problems: list[str], read: Any, value: Any) -> Any:
    """Return the result of `read` for `value`, and add its error to `problems`."""
    try:
        return read(value)
    except ValueError as error:
        problems.append(str(error))
        return None


def _days(value: Any) -> set[int]:
    """Return the numbers of days, Monday being 0."""
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not words:
        raise ValueError("days is missing. Write a list such as [mon-fri] or [sat, sun].")
    days: set[int] = set()
    for word in words:
        ends = [_day(part) for part in str(word).split("-", 1)]
        if len(ends) == 2 and ends[0] == ends[1]:
            raise ValueError(f"days: {word} starts and ends on the same day. Write only that day.")
        days.update((ends[0] + ahead) % 7 for ahead in range((ends[-1] - ends[0]) % 7 + 1))
    return days


def _day(text: str) -> int:
    name = text.strip().lower()
    found = [number for number, day in enumerate(_DAYS) if len(name) > 1 and day.startswith(name)]
    if len(found) != 1:
        raise ValueError(f"days: {text.strip()!r} is not a day of the week. Write mon, tue, wed, thu, fri, sat or sun.")
    return found[0]


def _span(entry: Mapping[str, Any]) -> tuple[int, int]:
    """Return the start in minutes of the day, and the duration in minutes."""
    all_day = entry.get("all_day", False)
    if not isinstance(all_day, bool):
        raise ValueError(f"all_day is {all_day!r}. Write true or false.")
    if all_day:
        if "from" in entry or "to" in entry:
            raise ValueError("all_day cannot be combined with from and to. Remove either.")
        return 0, _DAY
    missing = [name for name in ("from", "to") if entry.get(name) is None]
    if missing:
        raise ValueError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing. "
            'Write times such as "19:00", or all_day: true.'
        )
    begin, end = (_minutes(name, entry[name]) for name in ("from", "to"))
    if begin == _DAY:
        raise ValueError('from is 24:00. Write "00:00" and the next day.')
    if begin == end:
        raise ValueError(f"from and to are both {entry['from']}. Write all_day: true for whole days.")
    return begin, end - begin if end > begin else end - begin + _DAY


def _minutes(name: str, value: Any) -> int:
    # YAML reads 19:00 without quotes as a sexagesimal number.
    if isinstance(value, int) and not isinstance(value, bool) and 60 <= value <= _DAY:
        return value
    found = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found else _DAY + 1
    if minutes > _DAY:
        raise ValueError(f'{name} is {value!r}. Write a time of the day in quotes, such as "19:00".')
    return minutes


def _first(value: Any) -> date | None:
    if value is None:
        return None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"start is {value!r}. Write the first date, such as 2027-01-31.") from None


def _duration(minutes: int) -> str:
    if minutes == _DAY:
        return "1d"
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
