# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Downtimes as written, compared with downtimes as Datadog returns them."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._objects.downtimes import Downtimes
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import Mark
from ansible_collections.kennel.fleet.plugins.module_utils._objects.series import next_start, same_series
from hypothesis import given
from hypothesis import strategies as st

# A Tuesday, 08:00 in Los Angeles.
NOW = datetime(2026, 11, 24, 16, 0, tzinfo=timezone.utc)
SCHEMA, MARK = Downtimes(NOW), Mark("lab", "nights")
NIGHTS = {"rrule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR", "duration": "14h", "start": "2026-11-24T19:00:00"}
WEEKLY: dict[str, Any] = {"timezone": "America/Los_Angeles", "recurrences": [NIGHTS]}
DOWNTIME: dict[str, Any] = {"scope": "*", "monitor_identifier": {"monitor_id": 7}, "message": "Nights. @ops@x"}
STATES = st.lists(st.sampled_from(["alert", "no data", "warn"]), unique=True, min_size=1)
SCHEDULES = st.sampled_from(
    [
        None,
        {},
        {"end": "2027-01-01T00:00:00Z"},
        {"start": "2027-01-01T00:00:00+01:00", "end": "2027-01-02T00:00:00Z"},
        {"start": "2026-01-01T00:00:00Z"},
        WEEKLY,
        {"recurrences": [{"rrule": "FREQ=DAILY", "duration": "1h"}, NIGHTS]},
    ]
)
ITEMS = st.fixed_dictionaries(
    {"scope": st.sampled_from(["*", "env:prod"])},
    optional={
        "message": st.sampled_from([None, "", "Quiet\n", "a\n\nb"]),
        "schedule": SCHEDULES,
        "display_timezone": st.sampled_from([None, "UTC", "Europe/Paris"]),
        "mute_first_recovery_notification": st.none() | st.booleans(),
        "notify_end_states": st.none() | STATES,
        "notify_end_types": st.sampled_from([None, ["expired"], ["expired", "canceled"]]),
    },
).flatmap(
    lambda item: st.sampled_from(
        [
            {**item, "monitor_key": "load"},
            {**item, "monitor_identifier": {"monitor_tags": ["b:c", "a:b"]}},
            {**item, "monitor_identifier": {"monitor_id": 7}},
        ]
    )
)


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """Return a downtime's attributes as Datadog returns them, according to recorded traffic."""
    found = copy.deepcopy(body)
    schedule = found.get("schedule") or {}
    if "recurrences" in schedule:
        schedule = {"timezone": "UTC", **schedule, "current_downtime": {"start": "2026", "end": "2027"}}
    else:
        start = max(schedule.get("start") or "", NOW.isoformat())
        schedule = {"start": start.replace("Z", "+00:00"), "end": schedule.get("end")}
    for name, default in (("notify_end_states", ["no data", "warn", "alert"]), ("notify_end_types", ["expired"])):
        found[name] = (found.get(name) or default)[::-1]
    if "monitor_tags" in found["monitor_identifier"]:
        found["monitor_identifier"]["monitor_tags"].reverse()
    added = {"id": "1", "status": "scheduled", "created": "x", "modified": "x", "canceled": None, "schedule": schedule}
    return {"display_timezone": "UTC", "mute_first_recovery_notification": False, **found, **added}


def differs(item: dict[str, Any], found: dict[str, Any], schema: Downtimes = SCHEMA) -> bool:
    wanted = schema.comparable(schema.body(item, MARK))
    return schema.aligned(schema.comparable(found), wanted) != wanted


@given(ITEMS)
def test_fields_that_datadog_adds_are_not_a_difference(item: dict[str, Any]) -> None:
    assert SCHEMA.problems(item) == []
    body = SCHEMA.body(item, MARK)
    found = answer(body)
    assert SCHEMA.mark(found) == MARK and not differs(item, found)
    assert SCHEMA.refusals(body, {}) == []


@pytest.mark.parametrize("days", range(15))
def test_started_series_is_the_same_at_any_time(days: int) -> None:
    found = answer(SCHEMA.body({**DOWNTIME, "schedule": WEEKLY}, MARK))
    later = NOW + timedelta(days=days)
    kind = Downtimes(later)
    ahead = next_start(NIGHTS, later.astimezone(ZoneInfo("America/Los_Angeles")).replace(tzinfo=None))
    schedule = {**WEEKLY, "recurrences": [{**NIGHTS, "start": ahead}]}
    assert not differs({**DOWNTIME, "schedule": schedule}, found, kind)


@pytest.mark.parametrize(
    "change",
    [
        {"start": "2026-11-24T20:00:00"},
        {"start": "2026-12-24T19:00:00"},
        {"duration": "13h"},
        {"rrule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU"},
    ],
)
def test_different_series_is_a_difference(change: dict[str, Any]) -> None:
    schedule = {**WEEKLY, "recurrences": [{**NIGHTS, **change}]}
    found = answer(SCHEMA.body({**DOWNTIME, "schedule": WEEKLY}, MARK))
    assert differs({**DOWNTIME, "schedule": schedule}, found)
    assert differs({**DOWNTIME, "schedule": {**WEEKLY, "timezone": "Europe/Paris"}}, found)
    assert differs({**DOWNTIME, "schedule": {**WEEKLY, "recurrences": [NIGHTS, NIGHTS]}}, found)


@pytest.mark.parametrize(
    ("rrule", "start", "ahead"),
    [
        ("FREQ=DAILY", "2026-11-01T09:00:00", "2026-11-25T09:00:00"),
        ("FREQ=DAILY", "2026-11-01T19:00:00", "2026-11-24T19:00:00"),
        ("FREQ=DAILY;INTERVAL=3", "2026-11-23T19:00:00", "2026-11-26T19:00:00"),
        ("FREQ=WEEKLY;BYDAY=SA,SU", "2026-11-21T00:00:00", "2026-11-28T00:00:00"),
        ("FREQ=WEEKLY", "2026-11-18T00:00:00", "2026-11-25T00:00:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU", "2026-11-16T19:00:00", "2026-11-30T19:00:00"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU", "2026-11-10T19:00:00", "2026-11-24T19:00:00"),
        ("FREQ=MONTHLY", "2027-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("FREQ=MONTHLY", "2026-01-01T00:00:00", None),
        ("FREQ=DAILY;COUNT=3", "2026-11-01T19:00:00", None),
        ("FREQ=DAILY;INTERVAL=x", "2026-11-01T19:00:00", None),
    ],
)
def test_next_start_of_a_series(rrule: str, start: str, ahead: str | None) -> None:
    now = datetime(2026, 11, 24, 16, 0)
    series = {"rrule": rrule, "start": start}
    assert next_start(series, now) == ahead
    assert same_series(series, series, now)


def test_past_start_is_never_sent() -> None:
    sent = []
    begun = {**WEEKLY, "recurrences": [{**NIGHTS, "start": "2026-11-02T19:00:00"}]}
    for schedule in (begun, {"start": "2026-11-02T19:00:00Z", "end": "2027-01-01T00:00:00Z"}, {"start": "2026-01-01"}):
        sent.append(SCHEMA.create_body({**DOWNTIME, "schedule": schedule}).get("schedule"))
    item = {**DOWNTIME, "schedule": {"start": "2026-11-02T19:00:00Z"}}
    body = SCHEMA.body(item, MARK)
    found = answer({**body, "schedule": {"end": "2027-01-01T00:00:00Z"}})
    wanted = SCHEMA.comparable(body)
    actual = SCHEMA.aligned(SCHEMA.comparable(found), wanted)
    sent.append(SCHEMA.update_body(body, found, wanted, actual).get("schedule"))
    assert sent == [WEEKLY, {"end": "2027-01-01T00:00:00+00:00"}, None, {"end": None}]


def test_recent_start_counts_as_past_even_if_a_clock_is_slow() -> None:
    item = {**DOWNTIME, "schedule": {"start": "2026-11-24T15:00:00Z"}}
    found = answer(SCHEMA.body(item, MARK))
    assert not differs(item, {**found, "schedule": {"start": "2026-11-24T16:00:20+00:00", "end": None}})
    assert differs(item, {**found, "schedule": {"start": "2026-11-24T17:00:00+00:00", "end": None}})


def test_series_without_a_next_start_is_only_refused_if_sent() -> None:
    monthly = {"rrule": "FREQ=MONTHLY", "duration": "1h", "start": "2026-01-01T00:00:00"}
    body = SCHEMA.body({**DOWNTIME, "schedule": {"recurrences": [monthly]}}, MARK)
    assert "is past" in " ".join(SCHEMA.refusals(body, {}))
    assert SCHEMA.refusals(body, answer(body)) == []


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"message": "new"}, "active", ""),
        ({"monitor_identifier": {"monitor_tags": ["a:b"]}}, "scheduled", "monitor_identifier cannot change"),
        ({"schedule": {"end": "2027-01-01T00:00:00Z"}}, "scheduled", "schedule cannot change from recurrences"),
        ({"schedule": {**WEEKLY, "recurrences": [{**NIGHTS, "duration": "1h"}]}}, "scheduled", ""),
        ({"schedule": {**WEEKLY, "recurrences": [{**NIGHTS, "duration": "1h"}]}}, "active", "while it is active"),
    ],
)
def test_changes_that_the_api_cannot_make_recreate_the_downtime(
    change: dict[str, Any], status: str, words: str
) -> None:
    item = {**DOWNTIME, "schedule": WEEKLY}
    found = {**answer(SCHEMA.body(item, MARK)), "status": status}
    wanted = SCHEMA.comparable(SCHEMA.body({**item, **change}, MARK))
    why = SCHEMA.replace_reason(wanted, SCHEMA.aligned(SCHEMA.comparable(found), wanted), found)
    assert words in why and bool(why) == bool(words)


def test_diff_of_a_new_downtime_shows_when_it_starts() -> None:
    # On a Sunday, the current weekend is not covered.
    kind = Downtimes(datetime(2026, 11, 29, 12, 0, tzinfo=timezone.utc))
    said = {"days": ["sat", "sun"], "all_day": True, "timezone": "Europe/Paris"}
    body = kind.body({**DOWNTIME, "schedule": said}, MARK)
    assert kind.new_note(kind.comparable(body)) == "begins 2026-12-05T00:00, Europe/Paris"
    assert SCHEMA.new_note(SCHEMA.comparable({**DOWNTIME})) == ""


def test_expired_downtime() -> None:
    assert SCHEMA.expired(SCHEMA.comparable({**DOWNTIME, "schedule": {"end": "2026-01-01T00:00:00Z"}}))
    assert not SCHEMA.expired(SCHEMA.comparable({**DOWNTIME, "schedule": {"end": "2027-01-01T00:00:00Z"}}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scope": ""}, "scope is missing"),
        ({"monitor_key": "load"}, "one of monitor_identifier and monitor_key"),
        ({"monitor_identifier": None}, "one of monitor_identifier and monitor_key"),
        ({"monitor_identifier": {"monitor_tags": []}}, "monitor_identifier is not valid"),
        ({"monitor_identifier": None, "monitor_key": "My key"}, "monitor_key 'My key' is not a valid key"),
        ({"notify_end_states": ["ok"]}, "notify_end_states is ['ok']"),
        ({"notify_end_types": 0}, "notify_end_types is 0"),
        ({"display_timezone": "Mars"}, "display_timezone: 'Mars' is not a time zone"),
        ({"mute_first_recovery_notification": "maybe"}, "is not a boolean"),
        ({"schedule": []}, ""),
        ({"schedule": "weekly"}, "schedule: it is not a dictionary"),
        ({"schedule": {"begin": "x"}}, "begin is not a known field"),
        ({"schedule": {"start": "soon"}}, "start is 'soon'"),
        ({"schedule": {"start": "2027-01-02", "end": "2027-01-01"}}, "end is not after start"),
        ({"schedule": {"recurrences": []}}, "not a list of one to five"),
        ({"schedule": {"recurrences": [NIGHTS] * 6}}, "not a list of one to five"),
        ({"schedule": {"recurrences": [NIGHTS], "timezone": "Mars"}}, "timezone: 'Mars'"),
        ({"schedule": {"recurrences": [NIGHTS], "start": "x"}}, "start cannot be combined with recurrences"),
        ({"schedule": {"recurrences": [{**NIGHTS, "rrule": "every day"}]}}, "rrule is 'every day'"),
        ({"schedule": {"recurrences": [{**NIGHTS, "duration": "long"}]}}, "duration is 'long'"),
        ({"schedule": {"recurrences": [{**NIGHTS, "start": "2027-01-01T00:00:00Z"}]}}, "without an offset"),
        ({"schedule": {"recurrences": [{**NIGHTS, "end": "x"}]}}, "end is not a known field"),
    ],
)
def test_invalid_input(change: dict[str, Any], words: str) -> None:
    problems = SCHEMA.problems({**DOWNTIME, **change})
    assert words in " ".join(problems) and bool(problems) == bool(words)


SAID = {"days": ["mon-fri"], "from": "19:00", "to": "09:00", "timezone": "America/Los_Angeles"}


def test_described_schedule_is_the_same_on_later_days() -> None:
    item = {**DOWNTIME, "schedule": SAID}
    assert SCHEMA.problems(item) == []
    body = SCHEMA.body(item, MARK)
    assert body["schedule"] == WEEKLY
    for days in (0, 1, 9):
        assert not differs(item, answer(body), Downtimes(NOW + timedelta(days=days)))
    assert differs({**item, "schedule": {**SAID, "to": "08:00"}}, answer(body))


def test_invalid_schedule_is_refused() -> None:
    [problem] = SCHEMA.problems({**DOWNTIME, "schedule": {**SAID, "timezone": "Mars", "to": "19:00"}})
    assert "schedule: timezone: 'Mars' is not a time zone" in problem and "from and to are both 19:00" in problem


def test_instants_are_compared_across_time_zones() -> None:
    there, here = (
        SCHEMA.comparable({"schedule": {"start": start}}) for start in ("2099-01-01T05:30:00+05:30", "2099-01-01")
    )
    assert there == here
