# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Downtime schedules from everyday descriptions: their start, their duration, and invalid ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kennel.fleet.plugins.filter.downtime_schedule import downtime_schedule
from ansible_collections.kennel.fleet.plugins.module_utils._objects import schedule as datadog_schedule
from ansible_collections.kennel.fleet.plugins.module_utils._objects.series import same_series
from dateutil.rrule import rrulestr
from hypothesis import assume, given
from hypothesis import strategies as st

NIGHTS = {"days": ["mon-fri"], "from": "19:00", "to": "09:00", "timezone": "America/Los_Angeles"}
WEEKENDS = {"days": ["sat", "sun"], "all_day": True}
# A Wednesday, 12:00 in Los Angeles.
NOON = "2027-01-27T20:00:00+00:00"
WORKDAYS = "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR"


def only(value: Any, now: str = NOON) -> dict[str, str]:
    """Return the only recurrence of a schedule."""
    [recurrence] = downtime_schedule(value, now)["recurrences"]
    return recurrence


def test_nights_and_weekends() -> None:
    assert downtime_schedule([NIGHTS, WEEKENDS], NOON) == {
        "timezone": "America/Los_Angeles",
        "recurrences": [
            {"start": "2027-01-27T19:00:00", "duration": "14h", "rrule": WORKDAYS},
            {"start": "2027-01-30T00:00:00", "duration": "1d", "rrule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=SA,SU"},
        ],
    }


@pytest.mark.parametrize(
    ("now", "start"),
    [
        ("2027-01-27T19:00:00-08:00", "2027-01-28T19:00:00"),
        ("2027-01-27T18:59:59-08:00", "2027-01-27T19:00:00"),
        ("2027-01-28T02:59:59Z", "2027-01-27T19:00:00"),
        ("2027-01-29T20:00:00-08:00", "2027-02-01T19:00:00"),
        ("2027-02-01T08:00:00-08:00", "2027-02-01T19:00:00"),
    ],
)
def test_starts_at_the_next_occurrence(now: str, start: str) -> None:
    assert only(NIGHTS, now)["start"] == start


@pytest.mark.parametrize(
    ("first", "start"),
    [
        ("2027-03-06", "2027-03-08T19:00:00"),
        (date(2027, 3, 5), "2027-03-05T19:00:00"),
        ("2026-01-01", "2027-01-27T19:00:00"),
    ],
)
def test_starts_no_earlier_than_requested(first: Any, start: str) -> None:
    assert only({**NIGHTS, "start": first})["start"] == start


@pytest.mark.parametrize(
    ("days", "byday"),
    [
        ("mon", "MO"),
        ("Wednesday, FRI", "WE,FR"),
        (["fri-mon"], "MO,FR,SA,SU"),
        (["tu - Thurs", "SA"], "TU,WE,TH,SA"),
        (["sun", "mon", "mon"], "MO,SU"),
        (["mon-sun"], "MO,TU,WE,TH,FR,SA,SU"),
        (["thu-wed"], "MO,TU,WE,TH,FR,SA,SU"),
    ],
)
def test_days(days: Any, byday: str) -> None:
    assert only({"days": days, "all_day": True})["rrule"] == f"FREQ=WEEKLY;INTERVAL=1;BYDAY={byday}"


@pytest.mark.parametrize(
    ("begin", "end", "time", "duration"),
    [
        ("9:00", "17:30", "09:00:00", "510m"),
        ("22:15", "6:15", "22:15:00", "8h"),
        ("00:00", "24:00", "00:00:00", "1d"),
        ("18:00", "24:00", "18:00:00", "6h"),
        ("18:00", "00:00", "18:00:00", "6h"),
        ("23:59", "00:01", "23:59:00", "2m"),
        # YAML 1.1 reads 19:00 without quotes as 19 * 60.
        (1140, "09:00", "19:00:00", "14h"),
    ],
)
def test_times(begin: Any, end: Any, time: str, duration: str) -> None:
    recurrence = only({"days": "mon", "from": begin, "to": end})
    assert recurrence["start"] == f"2027-02-01T{time}"
    assert recurrence["duration"] == duration


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "there are 0 entries. Write 1 to 5"),
        ([NIGHTS] * 6, "there are 6 entries. Write 1 to 5"),
        ("nights", "'nights' is not a dictionary. Write days"),
        ({**NIGHTS, "day": "mon"}, "day is not a known field. Use one of all_day, days, from"),
        ({**NIGHTS, "days": []}, "days is missing. Write a list such as [mon-fri]"),
        ({**NIGHTS, "days": ["mo-fr", "fr-"]}, "days: '' is not a day of the week"),
        ({**NIGHTS, "days": ["s"]}, "days: 's' is not a day of the week"),
        ({**NIGHTS, "days": ["mondays"]}, "days: 'mondays' is not a day of the week"),
        ({**NIGHTS, "days": ["mon-mon"]}, "days: mon-mon starts and ends on the same day. Write only that day"),
        ({**NIGHTS, "to": "19:00"}, "from and to are both 19:00. Write all_day: true for whole days"),
        ({**NIGHTS, "from": "24:00"}, "from is 24:00"),
        ({**NIGHTS, "from": "7pm"}, "from is '7pm'. Write a time of the day in quotes, such as \"19:00\""),
        ({**NIGHTS, "to": "24:01"}, "to is '24:01'"),
        ({**NIGHTS, "to": 9}, "to is 9"),
        ({**NIGHTS, "all_day": True}, "all_day cannot be combined with from and to"),
        ({**WEEKENDS, "all_day": "yes"}, "all_day is 'yes'. Write true or false"),
        ({"days": "mon"}, "from and to are missing"),
        ({"days": "mon", "from": "19:00"}, "to is missing"),
        ({**NIGHTS, "start": "tomorrow"}, "start is 'tomorrow'. Write the first date, such as 2027-01-31"),
        (
            {**NIGHTS, "timezone": "america/los_angeles"},
            "is not a time zone. Did you mean America/Los",
        ),
        ({**NIGHTS, "timezone": "utc"}, "'utc' is not a time zone. Did you mean UTC?"),
        ({**NIGHTS, "timezone": "../etc/passwd"}, "is not a time zone"),
        ({**NIGHTS, "timezone": "localtime"}, "is not a time zone"),
        (
            {**NIGHTS, "timezone": "posix/Europe/Paris"},
            "is not a time zone. Did you mean",
        ),
        ({**WEEKENDS, "start": "9999-12-31"}, "date value out of range"),
        (
            [NIGHTS, {**WEEKENDS, "timezone": "UTC"}],
            "the entries have the time zones America/Los_Angeles, UTC. Write the same one in all",
        ),
    ],
)
def test_refuses(value: Any, problem: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        downtime_schedule(value, NOON)
    assert str(caught.value).startswith("downtime_schedule: ") and problem in str(caught.value)


def test_all_problems_are_named_with_their_entries() -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        downtime_schedule([{**NIGHTS, "to": 9, "x": 1}, {"days": "mn", "timezone": "Mars"}], NOON)
    for problem in (
        "time zones",
        "entry 1: x is not a known field",
        "entry 1: to is 9",
        "entry 2: days: 'mn'",
        "entry 2: from",
    ):
        assert problem in str(caught.value)


def test_accepts_the_return_value_of_now() -> None:
    assert downtime_schedule(NIGHTS, datetime.fromisoformat(NOON)) == downtime_schedule(NIGHTS, NOON)
    with pytest.raises(AnsibleFilterError, match="7"):
        downtime_schedule(NIGHTS, 7)


def test_now_is_the_default() -> None:
    start = datetime.fromisoformat(only({**NIGHTS, "timezone": "UTC"}, "")["start"]).replace(tzinfo=timezone.utc)
    assert timedelta(0) < start - datetime.now(timezone.utc) <= timedelta(days=4)


DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
minutes = st.integers(0, 24 * 60 - 1)
entries = st.fixed_dictionaries(
    {
        "days": st.lists(st.sampled_from(DAYS), min_size=1),
        "from": minutes.map(lambda at: f"{at // 60}:{at % 60:02}"),
        "to": minutes.map(lambda at: f"{at // 60:02}:{at % 60:02}"),
        "timezone": st.sampled_from(["UTC", "Europe/Paris", "America/Los_Angeles", "Pacific/Apia"]),
    }
).filter(lambda entry: entry["from"].zfill(5) != entry["to"])
moments = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(timezone.utc))


@given(entries, moments, moments)
def test_rule_covers_exactly_the_described_times(entry: dict[str, Any], now: datetime, other: datetime) -> None:
    """Compare the rule, as another library reads it, with the meaning of the words, at a time after the start."""
    schedule = datadog_schedule.downtime_schedule(entry, now)
    [recurrence] = schedule["recurrences"]
    start = datetime.fromisoformat(recurrence["start"])
    local = now.astimezone(ZoneInfo(entry["timezone"])).replace(tzinfo=None)
    assert local < start <= local + timedelta(days=7)
    length = timedelta(
        **{{"h": "hours", "m": "minutes", "d": "days"}[recurrence["duration"][-1]]: int(recurrence["duration"][:-1])}
    )

    at = other.replace(tzinfo=None, microsecond=0)
    assume(at >= start)
    begins = rrulestr(recurrence["rrule"], dtstart=start).between(at - length, at, inc=True)
    begin, end = entry["from"].zfill(5), entry["to"]
    clock = at.strftime("%H:%M")
    today, yesterday = DAYS[at.weekday()] in entry["days"], DAYS[at.weekday() - 1] in entry["days"]
    if begin < end:
        said = today and begin <= clock < end
    else:
        yesterday = yesterday and at - timedelta(days=1) >= start.replace(hour=0, minute=0)
        said = (today and clock >= begin) or (yesterday and clock < end)
    assert any(begin <= at < begin + length for begin in begins) is said


@given(entries, moments, st.timedeltas(timedelta(0), timedelta(days=60)))
def test_schedule_is_the_same_on_every_later_day(entry: dict[str, Any], now: datetime, later: timedelta) -> None:
    """As the module compares: a second run computes the next start, and finds what the first one sent."""
    [sent] = datadog_schedule.downtime_schedule(entry, now)["recurrences"]
    [wanted] = datadog_schedule.downtime_schedule(entry, now + later)["recurrences"]
    assert same_series(wanted, sent, (now + later).astimezone(ZoneInfo(entry["timezone"])).replace(tzinfo=None))
