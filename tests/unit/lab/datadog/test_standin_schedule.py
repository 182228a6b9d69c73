"""When the stand-in's downtimes are active, and what they mute."""

from __future__ import annotations

import importlib
import math
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
schedule = importlib.import_module("standin.alert.schedule")

LOS_ANGELES = "America/Los_Angeles"
NIGHTS = {"start": "2026-11-23T19:00:00", "duration": "14h", "rrule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR"}
WEEKENDS = {"start": "2026-11-28T00:00:00", "duration": "1d", "rrule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=SA,SU"}


def at(text, zone=LOS_ANGELES):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def recurring(*recurrences, zone=LOS_ANGELES, **attributes):
    return {"schedule": {"timezone": zone, "recurrences": list(recurrences)}, **attributes}


def shown(attributes, start, end, zone=LOS_ANGELES):
    """Return the windows between two local times, as local times."""
    found = schedule.windows(attributes, at(start, zone), at(end, zone))
    return [tuple(datetime.fromtimestamp(t, ZoneInfo(zone)).strftime("%a %d %H:%M") for t in pair) for pair in found]


@pytest.mark.parametrize(
    ("when", "active"),
    [
        ("2026-11-24T08:59:59", True),
        ("2026-11-24T09:00:00", False),
        ("2026-11-24T18:59:59", False),
        ("2026-11-24T19:00:00", True),
        ("2026-11-28T08:00:00", True),
        ("2026-11-28T12:00:00", True),
        ("2026-11-29T23:59:59", True),
        ("2026-11-30T00:00:00", False),
        ("2026-11-22T12:00:00", False),
    ],
)
def test_nights_and_weekends(when, active):
    assert bool(schedule.windows(recurring(NIGHTS, WEEKENDS), at(when), at(when) + 0.5)) is active


def test_windows_are_sorted_and_not_truncated():
    assert shown(recurring(WEEKENDS, NIGHTS), "2026-11-27T20:00:00", "2026-11-28T12:00:00") == [
        ("Fri 27 19:00", "Sat 28 09:00"),
        ("Sat 28 00:00", "Sun 29 00:00"),
    ]


@pytest.mark.parametrize(
    ("start", "hours"),
    [("2026-10-31T19:00:00", 15), ("2026-11-01T19:00:00", 14), ("2027-03-13T19:00:00", 13)],
)
def test_window_follows_local_time_across_clock_changes(start, hours):
    nightly = {"start": "2026-10-01T19:00:00", "duration": "14h", "rrule": "FREQ=DAILY"}
    ((begin, end),) = schedule.windows(recurring(nightly), at(start), at(start) + 60)
    assert begin == at(start)
    assert end - begin == hours * 3600


@pytest.mark.parametrize(
    ("recurrence", "expected"),
    [
        (
            {"duration": "90s", "rrule": "FREQ=DAILY;COUNT=2"},
            [("Mon 02 10:00", "Mon 02 10:01"), ("Tue 03 10:00", "Tue 03 10:01")],
        ),
        ({"duration": "1w", "rrule": "FREQ=MONTHLY;BYMONTHDAY=2"}, [("Mon 02 10:00", "Mon 09 10:00")]),
        ({"duration": "30m", "rrule": "RRULE:FREQ=WEEKLY;UNTIL=20260303T000000Z"}, [("Mon 02 10:00", "Mon 02 10:30")]),
        ({"duration": "1d", "rrule": "FREQ=DAILY;UNTIL=20260302"}, []),
    ],
)
def test_durations_and_ends(recurrence, expected):
    found = shown(recurring({"start": "2026-03-02T10:00", **recurrence}, zone="UTC"), "2026-03-01", "2026-03-08", "UTC")
    assert found == expected


def test_recurrence_without_start_begins_at_creation():
    made = recurring({"duration": "1h", "rrule": "FREQ=DAILY"}, created="2026-03-01T18:00:00.000000+00:00")
    assert shown(made, "2026-03-01T00:00", "2026-03-02T00:00") == [("Sun 01 10:00", "Sun 01 11:00")]


def test_one_time_with_and_without_an_end():
    start, end = "2026-03-01T10:00:00+00:00", "2026-03-01T11:00:00Z"
    begin = at("2026-03-01T10:00", "UTC")
    once = {"schedule": {"start": start, "end": end}}
    assert schedule.windows(once, begin + 3599, begin + 7200) == [(begin, begin + 3600)]
    assert schedule.windows(once, begin + 3600, begin + 7200) == schedule.windows(once, begin - 60, begin) == []
    forever = {"schedule": {"start": start, "end": None}}
    assert schedule.windows(forever, begin + 9e6, begin + 9e6 + 1) == [(begin, math.inf)]
    stopped = {**forever, "canceled": "2026-03-01T10:20:00+00:00"}
    assert schedule.windows(stopped, begin, begin + 9e6) == [(begin, begin + 1200)]


@pytest.mark.parametrize("text", ["", "h", "0h", "14", "14 h", "1y", "-1d", "1.5h"])
def test_refuses_other_durations(text):
    with pytest.raises(ValueError, match="duration"):
        schedule.duration(text)


MONITOR = {"id": 7, "tags": ["managed_by:kennel", "env:dev"]}


@pytest.mark.parametrize(
    ("identifier", "scope", "group", "covered"),
    [
        ({"monitor_id": 7}, "*", [], True),
        ({"monitor_id": 8}, "*", [], False),
        ({"monitor_tags": ["env:dev", "managed_by:kennel"]}, "*", ["host:a"], True),
        ({"monitor_tags": ["env:dev", "team:x"]}, "*", ["host:a"], False),
        ({"monitor_tags": ["*"]}, "host:a", ["host:a", "disk:b"], True),
        ({"monitor_tags": ["*"]}, "host:b", ["host:a"], False),
        ({"monitor_tags": ["*"]}, "host:a", [], False),
        ({"monitor_id": 7}, "host:(a OR b) AND NOT disk:x*", ["host:b", "disk:y"], True),
        ({"monitor_id": 7}, "host:(a OR b) AND NOT disk:x*", ["host:b", "disk:x1"], False),
        ({"monitor_id": 7}, "host:(a", ["host:a"], False),
    ],
)
def test_covers_groups_of_selected_monitors(identifier, scope, group, covered):
    downtime = {"monitor_identifier": identifier, "scope": scope}
    assert schedule.covers(downtime, MONITOR, group) is covered
