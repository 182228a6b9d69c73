"""What downtimes mute in the stand-in Datadog, and what they announce."""

from __future__ import annotations

import importlib
from datetime import datetime

import pytest
import standin_client

clock = importlib.import_module("standin.clock")


@pytest.fixture
def lab(tmp_path):
    return standin_client.Lab(tmp_path)


@pytest.fixture
def mission(lab):
    return standin_client.watched(lab)


NIGHTS = {
    "timezone": "America/Los_Angeles",
    "recurrences": [
        {"start": "2026-11-23T19:00:00", "duration": "14h", "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
        {"start": "2026-11-28T00:00:00", "duration": "1d", "rrule": "FREQ=WEEKLY;BYDAY=SA,SU"},
    ],
}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=standin_client.ZONE).timestamp()


@pytest.mark.parametrize(
    ("when", "silent"),
    [
        ("2026-11-24T18:50", False),
        ("2026-11-24T19:10", True),
        ("2026-11-25T08:50", True),
        ("2026-11-25T09:10", False),
        ("2026-11-28T12:00", True),
        ("2026-11-29T23:50", True),
        ("2026-11-30T12:00", False),
    ],
)
def test_nights_and_weekends_are_muted(mission, when, silent):
    mission.downtime(mission.id, NIGHTS)
    mission.later(at(when) - mission.time - 300, 100)
    assert mission.later(300, 900) == ([] if silent else ["[Triggered on {host:web-1}] my_metric on web-1"])
    assert mission.status(mission.id) == {"host:web-1": "Alert"}


def test_downtime_is_announced_and_remaining_alerts_notify_at_its_end(mission):
    mission.downtime(mission.id, NIGHTS, message="Nights. @night@example.com")
    assert mission.later() == ["[Downtime scheduled] *"]
    assert mission.later(at("2026-11-24T19:10") - mission.time, 100) == ["[Downtime started] *"]
    assert mission.later(600, 900) == []
    assert mission.later(at("2026-11-25T09:00") - mission.time, 900) == [
        "[Downtime expired] *",
        "[Triggered on {host:web-1}] my_metric on web-1",
    ]
    assert mission.mail()[0]["to"] == ["night@example.com"]
    assert mission.later(60, 900) == []


@pytest.fixture
def alerting(mission):
    mission.later(300, 900)
    return mission


def for_an_hour(lab):
    return {"start": clock.iso(lab.time), "end": clock.iso(lab.time + 3600)}


def test_recovery_of_an_earlier_alert_notifies_during_a_downtime(alerting):
    alerting.downtime(alerting.id, for_an_hour(alerting))
    assert alerting.later(300, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]
    assert alerting.later(300, 900) == alerting.later(300, 100) == []


def test_downtime_can_mute_the_first_recovery(alerting):
    alerting.downtime(alerting.id, for_an_hour(alerting), mute_first_recovery_notification=True)
    assert alerting.later(300, 100) == []


@pytest.mark.parametrize(("states", "told"), [(["alert"], True), (["warn", "no data"], False)])
def test_cancelled_downtime_ends(mission, states, told):
    id_ = mission.downtime(
        mission.id,
        for_an_hour(mission),
        notify_end_states=states,
        notify_end_types=["canceled"],
        message="@x@y.example",
    )
    mission.later()
    mission.later(300, 900)
    cancelled = {**mission.documents.get("downtime", id_), "canceled": clock.iso(mission.time)}
    mission.documents.put("downtime", id_, cancelled)
    triggered = ["[Triggered on {host:web-1}] my_metric on web-1"]
    assert mission.later(15, 900) == ["[Downtime canceled] *", *(triggered if told else [])]
    assert mission.later(3600, 900) == []


def test_scope_only_mutes_its_groups(mission):
    mission.downtime(mission.id, for_an_hour(mission), scope="env:dev")
    mission.send(900, "web-2", seconds=300)
    assert mission.later(15, 900) == ["[Triggered on {host:web-2}] my_metric on web-2"]
