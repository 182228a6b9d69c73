"""The stand-in Datadog's monitors: status of groups, and notifications."""

from __future__ import annotations

import asyncio

import pytest
import standin_client


@pytest.fixture
def lab(tmp_path):
    return standin_client.Lab(tmp_path)


# ---------------------------------------------------------------------------------------------- the role's monitor
@pytest.fixture
def mission(lab):
    return standin_client.watched(lab)


def test_warns_at_500_alerts_at_800_and_recovers(mission):
    assert mission.watch.state(mission.id)["overall_state"] == "OK"
    assert mission.later(300, 500) == []
    assert mission.later(300, 501) == ["[Warn on {host:web-1}] my_metric on web-1"]
    assert mission.later(300, 801) == ["[Triggered on {host:web-1}] my_metric on web-1"]
    state = mission.watch.state(mission.id)
    assert state["overall_state"] == "Alert"
    assert state["groups"]["host:web-1"]["last_triggered_ts"] == int(mission.time)
    assert mission.later(60, 801) == []
    assert mission.later(300, 700) == ["[Warn on {host:web-1}] my_metric on web-1"]
    assert mission.later(300, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]
    bodies = [message["body"].split("\n")[0] for message in mission.mail() if message["transition"] != "Warn"]
    assert bodies == ["801.0 on web-1 (10.0.0.7), above 800.0", "back to 100.0"]
    assert {tuple(message["to"]) for message in mission.mail()} == {("ops@example.com",)}


def test_notifies_about_missing_data_and_its_end(mission):
    assert mission.later(590) == []
    assert mission.status(mission.id) == {"host:web-1": "OK"}
    assert mission.later(11) == ["[No Data on {host:web-1}] my_metric on web-1"]
    assert mission.mail()[-1]["body"] == "nothing from web-1\n@ops@example.com"
    assert mission.later(600) == []
    assert mission.later(60, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]


def test_each_host_is_a_group(mission):
    mission.send(900, "web-2")
    assert mission.later(1, 600) == [
        "[Triggered on {host:web-2}] my_metric on web-2",
    ]
    assert mission.status(mission.id) == {"host:web-1": "OK", "host:web-2": "Alert"}


def test_state_survives_a_restart(mission):
    mission.later(300, 900)
    mission.restart()
    assert mission.later(15, 900) == []
    assert mission.watch.state(mission.id)["overall_state"] == "Alert"
    assert mission.later(300, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]


# ----------------------------------------------------------------------------------------------------------- options
def test_renotifies(lab):
    options = {"renotify_interval": 60, "renotify_occurrences": 2, "escalation_message": "Still! @boss@example.com"}
    lab.monitor(
        "avg(last_5m):avg:my_metric{*} > 5", "{{#is_renotify}}again{{/is_renotify}} @ops@example.com", options=options
    )
    assert lab.later(value=9) == ["[Triggered] m"]
    assert lab.later(3599, 9) == []
    assert lab.later(1, 9) == lab.later(3600, 9) == ["[Re-Triggered] m"]
    assert lab.mail()[-1]["to"] == ["boss@example.com", "ops@example.com"]
    assert lab.mail()[-1]["body"] == "Still! @boss@example.com\n\nagain @ops@example.com"
    assert lab.later(7200, 9) == []


def test_renotifies_for_the_listed_statuses(lab):
    options = {"renotify_interval": 10, "renotify_statuses": ["warn"], "thresholds": {"critical": 9, "warning": 5}}
    lab.monitor("avg(last_5m):avg:my_metric{*} > 9", options=options)
    assert lab.later(value=6) + lab.later(600, 6) == ["[Warn] m", "[Re-Warn] m"]
    assert lab.later(600, 10) + lab.later(600, 10) == ["[Triggered] m"]


def test_recovery_thresholds(lab):
    limits = {"critical": 80, "critical_recovery": 60, "warning": 50, "warning_recovery": 40}
    id_ = lab.monitor("max(last_1m):avg:my_metric{*} > 80", options={"thresholds": limits})
    seen = []
    for value in (81, 70, 61, 60, 45, 41, 40, 45, 81, 30):
        lab.later(60, value)
        seen.append(lab.watch.state(id_)["overall_state"])
    assert seen == ["Alert", "Alert", "Alert", "Warn", "Warn", "Warn", "OK", "OK", "Alert", "OK"]


def test_alerts_below_a_threshold(lab):
    id_ = lab.monitor("min(last_5m):avg:my_metric{*} < 10", options={"thresholds": {"critical": 10, "warning": 20}})
    assert [lab.later(300, value) for value in (30, 15, 9)] == [[], ["[Warn] m"], ["[Triggered] m"]]
    assert lab.status(id_) == {"*": "Alert"}


def test_full_window_can_be_required(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} > 5", options={"require_full_window": True})
    assert lab.later(60, 9) == []
    assert lab.watch.state(id_)["overall_state"] == "No Data"
    assert lab.later(240, 9) == ["[Triggered] m"]


def test_new_groups_have_a_delay(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5", options={"new_group_delay": 120})
    lab.later(value=1)
    assert lab.later(15, 9, host="web-2") == []
    assert lab.status(id_) == {"host:web-1": "OK"}
    assert lab.later(119, 9, host="web-2") == []
    assert lab.later(1, 9, host="web-2") == ["[Triggered on {host:web-2}] m"]


@pytest.mark.parametrize(
    ("options", "status", "mailed"),
    [
        ({}, "Alert", 0),
        ({"notify_no_data": False, "no_data_timeframe": 2}, "Alert", 0),
        ({"notify_no_data": True}, "No Data", 1),
        ({"on_missing_data": "show_no_data"}, "No Data", 0),
        ({"on_missing_data": "show_and_notify_no_data"}, "No Data", 1),
        ({"on_missing_data": "resolve"}, "OK", 1),
        ({"on_missing_data": "default"}, "Alert", 0),
    ],
)
def test_missing_data(lab, options, status, mailed):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5", options=options)
    lab.later(value=9)
    assert len(lab.later(601)) == mailed
    assert lab.status(id_) == {"host:web-1": status}


def test_monitor_without_groups_notifies_if_it_never_had_data(lab):
    id_ = lab.monitor("avg(last_5m):avg:none{*} > 5", options={"notify_no_data": True, "no_data_timeframe": 10})
    grouped = lab.monitor("avg(last_5m):avg:none{*} by {host} > 5", options={"notify_no_data": True})
    assert lab.later(599) == []
    assert lab.watch.state(id_)["overall_state"] == "No Data"
    assert lab.later(1) == ["[No Data] m"]
    assert lab.status(grouped) == {}


def test_groups_without_data_for_a_day_are_dropped(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5")
    lab.later(value=9)
    lab.later(86000)
    assert lab.status(id_) == {"host:web-1": "Alert"}
    lab.later(1000)
    assert lab.status(id_) == {}


def test_changed_query_resets_the_state(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5")
    lab.later(value=9)
    lab.documents.put(
        "monitor", id_, {**lab.documents.get("monitor", id_), "query": "avg(last_5m):avg:my_metric{*} > 50"}
    )
    assert lab.later(15, 9) == []
    assert lab.status(id_) == {"*": "OK"}
    lab.documents.delete("monitor", id_)
    lab.later()
    assert lab.status(id_) == {} and lab.documents.all("monitor_state") == []


def test_subjects_include_tags_unless_disabled(lab):
    lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5", options={"include_tags": False})
    assert lab.later(value=9) == ["[Triggered] m"]


# ------------------------------------------------------------------------------------------------- through the API
def test_monitor_created_through_the_api_alerts_and_is_muted(tmp_path):
    client = standin_client.Client(tmp_path)

    def at_once(value):
        now = client.json("GET", "/lab/clock")["epoch"]
        points = [[int(now) - ago, value] for ago in range(0, 300, 15)]
        client.json("POST", "/api/v1/series", {"series": [{"metric": "my_metric", "host": "web-1", "points": points}]})
        client.json("POST", "/lab/evaluate")

    client.json("PUT", "/lab/clock", {"now": "2027-03-06T12:00:00-08:00"})
    body = {
        "name": "my_metric",
        "type": "metric alert",
        "query": "avg(last_5m):avg:my_metric{*} by {host} > 800",
        "message": "{{value}} @ops@example.com",
        "options": {"thresholds": {"critical": 800, "warning": 500}},
    }
    id_ = client.json("POST", "/api/v1/monitor", body)["id"]
    at_once(900)
    monitor = client.json("GET", f"/api/v1/monitor/{id_}", group_states="all")
    assert monitor["overall_state"] == "Alert"
    assert monitor["state"]["groups"]["host:web-1"]["status"] == "Alert"
    (message,) = client.json("GET", "/lab/mailbox")["messages"]
    assert (message["subject"], message["body"]) == ("[Triggered on {host:web-1}] my_metric", "900.0 @ops@example.com")
    client.json("DELETE", "/lab/mailbox")
    client.json("PUT", "/lab/clock", {"advance": 600})
    at_once(100)
    client.json("POST", f"/api/v1/monitor/{id_}/mute")
    client.json("PUT", "/lab/clock", {"advance": 600})
    at_once(900)
    subjects = [message["subject"] for message in client.json("GET", "/lab/mailbox")["messages"]]
    assert subjects == ["[Recovered on {host:web-1}] my_metric"]
    client.json("POST", "/lab/reset")
    assert client.json("GET", "/lab/mailbox") == {"messages": []}


def test_monitors_are_evaluated_in_the_background(tmp_path):
    client = standin_client.Client(tmp_path, evaluate_every=0.01)
    body = {
        "name": "m",
        "type": "metric alert",
        "query": "avg(last_5m):avg:my_metric{*} > 8",
        "message": "@ops@example.com",
    }
    client.json("POST", "/api/v1/monitor", body)
    points = [[int(client.json("GET", "/lab/clock")["epoch"]), 9]]
    client.json("POST", "/api/v1/series", {"series": [{"metric": "my_metric", "points": points}]})

    async def live():
        said = asyncio.Queue()
        said.put_nowait({"type": "lifespan.startup"})
        running = asyncio.create_task(client.app({"type": "lifespan"}, said.get, lambda _message: asyncio.sleep(0)))
        for _ in range(500):
            if client.store.read("SELECT 1 FROM document WHERE kind = 'mail'"):
                break
            # The evaluation runs in the background, without any notice when it is done.
            await asyncio.sleep(0.02)
        said.put_nowait({"type": "lifespan.shutdown"})
        await running

    asyncio.run(live())
    assert [message["subject"] for message in client.json("GET", "/lab/mailbox")["messages"]] == ["[Triggered] m"]
