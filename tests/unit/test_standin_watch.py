"""Monitors of the stand-in Datadog: how groups stand, who is told, and what downtimes silence."""

from __future__ import annotations

import importlib
import json
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import standin_client

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
clock, decode, documents, store, watch = (
    importlib.import_module(f"standin.{name}") for name in ("clock", "decode", "documents", "store", "watch")
)

ZONE = ZoneInfo("America/Los_Angeles")
# A Tuesday at noon.
NOON = datetime(2026, 11, 24, 12, tzinfo=ZONE).timestamp()


class Lab:
    """An account whose clock stands still until a test moves it."""

    def __init__(self, folder):
        self.folder = folder
        self.time = NOON
        self.clock = clock.Clock()
        self.clock.now = lambda: self.time
        self.restart()

    def restart(self):
        self.store = store.Store(self.folder, retention=86400)
        self.documents = documents.Documents(self.store)
        self.watch = watch.Watch(self.store, self.documents, self.clock)

    def monitor(self, query, message="@ops@example.com", kind="query alert", **fields):
        id_ = self.documents.new_id("monitor")
        fields = {"name": "m", "tags": [], "options": {}, "created": clock.iso(self.time), "priority": None, **fields}
        self.documents.put("monitor", id_, {"id": id_, "type": kind, "query": query, "message": message, **fields})
        return id_

    def downtime(self, monitor_id, schedule, **fields):
        id_ = self.documents.new_id("downtime")
        usual = {"scope": "*", "canceled": None, "notify_end_states": ["alert"], "notify_end_types": ["expired"]}
        body = {"id": id_, "monitor_identifier": {"monitor_id": monitor_id}, "schedule": schedule, **usual, **fields}
        self.documents.put("downtime", id_, body)
        return id_

    def send(self, value, host="web-1", metric="my_metric", seconds=0):
        """Points every 15 seconds over the last `seconds`."""
        key = decode.Key(metric, host, ())
        points = {int(self.time) - 1 - ago: float(value) for ago in range(0, seconds + 1, 15)}
        self.store.add_samples([decode.Sample(key, "gauge", 0, points)], int(self.time))

    def check(self, *statuses, host="db-1", tags=(), name="mysql.can_connect"):
        """Runs ten seconds apart, the last one now."""
        for age, status in enumerate(reversed(statuses)):
            run = decode.CheckRun(name, host, tuple(tags), status, int(self.time) - 10 * age, f"status {status}")
            self.store.add_check_runs([run], int(self.time))

    def pass_(self, seconds=0, value=None, host="web-1"):
        """Let time pass, with data all along where a value is given, and look; the subjects that this mails."""
        before = len(self.mail())
        self.time += seconds
        if value is not None:
            self.send(value, host, seconds=min(seconds, 600))
        self.watch.evaluate()
        return [message["subject"] for message in self.mail()[before:]]

    def mail(self):
        return self.documents.all("mail")

    def status(self, id_):
        return {name: group["status"] for name, group in self.watch.state(id_)["groups"].items()}


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


# ------------------------------------------------------------------------------------------ the mission's own monitor
MESSAGE = """{{#is_alert}}{{value}} on {{host.name}} ({{host.ip}}), above {{threshold}}{{/is_alert}}
{{#is_warning}}{{value}} on {{host.name}}, above {{warn_threshold}}{{/is_warning}}
{{#is_no_data}}nothing from {{host.name}}{{/is_no_data}}{{#is_recovery}}back to {{value}}{{/is_recovery}}
@ops@example.com"""


@pytest.fixture
def mission(lab):
    gohai = {"gohai": json.dumps({"network": {"ipaddress": "10.0.0.7"}})}
    lab.store.add_host(decode.HostReport("web-1", {"system": ["env:dev"]}, [], gohai), int(NOON))
    options = {"thresholds": {"warning": 500, "critical": 800}, "notify_no_data": True, "no_data_timeframe": 10}
    lab.id = lab.monitor(
        "avg(last_5m):avg:my_metric{*} by {host} > 800", MESSAGE, name="my_metric on {{host.name}}", options=options
    )
    lab.pass_(value=100)
    return lab


def test_warns_at_500_alerts_at_800_and_recovers(mission):
    assert mission.watch.state(mission.id)["overall_state"] == "OK"
    assert mission.pass_(300, 500) == []
    assert mission.pass_(300, 501) == ["[Warn on {host:web-1}] my_metric on web-1"]
    assert mission.pass_(300, 801) == ["[Triggered on {host:web-1}] my_metric on web-1"]
    state = mission.watch.state(mission.id)
    assert state["overall_state"] == "Alert"
    assert state["groups"]["host:web-1"]["last_triggered_ts"] == int(mission.time)
    assert mission.pass_(60, 801) == []
    assert mission.pass_(300, 700) == ["[Warn on {host:web-1}] my_metric on web-1"]
    assert mission.pass_(300, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]
    bodies = [message["body"].split("\n")[0] for message in mission.mail() if message["transition"] != "Warn"]
    assert bodies == ["801.0 on web-1 (10.0.0.7), above 800.0", "back to 100.0"]
    assert {tuple(message["to"]) for message in mission.mail()} == {("ops@example.com",)}


def test_tells_of_ten_minutes_without_data_and_of_their_end(mission):
    assert mission.pass_(590) == []
    assert mission.status(mission.id) == {"host:web-1": "OK"}
    assert mission.pass_(11) == ["[No Data on {host:web-1}] my_metric on web-1"]
    assert mission.mail()[-1]["body"] == "nothing from web-1\n@ops@example.com"
    assert mission.pass_(600) == []
    assert mission.pass_(60, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]


def test_each_host_is_a_group_of_its_own(mission):
    mission.send(900, "web-2")
    assert mission.pass_(1, 600) == [
        "[Triggered on {host:web-2}] my_metric on web-2",
    ]
    assert mission.status(mission.id) == {"host:web-1": "OK", "host:web-2": "Alert"}


def test_remembers_over_a_restart(mission):
    mission.pass_(300, 900)
    mission.restart()
    assert mission.pass_(15, 900) == []
    assert mission.watch.state(mission.id)["overall_state"] == "Alert"
    assert mission.pass_(300, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]


NIGHTS = {
    "timezone": "America/Los_Angeles",
    "recurrences": [
        {"start": "2026-11-23T19:00:00", "duration": "14h", "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"},
        {"start": "2026-11-28T00:00:00", "duration": "1d", "rrule": "FREQ=WEEKLY;BYDAY=SA,SU"},
    ],
}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()


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
def test_nights_and_weekends_are_silent(mission, when, silent):
    mission.downtime(mission.id, NIGHTS)
    mission.pass_(at(when) - mission.time - 300, 100)
    assert mission.pass_(300, 900) == ([] if silent else ["[Triggered on {host:web-1}] my_metric on web-1"])
    assert mission.status(mission.id) == {"host:web-1": "Alert"}


def test_downtimes_are_announced_and_what_still_alerts_at_their_end_is_told(mission):
    mission.downtime(mission.id, NIGHTS, message="Nights. @night@example.com")
    assert mission.pass_() == ["[Downtime scheduled] *"]
    assert mission.pass_(at("2026-11-24T19:10") - mission.time, 100) == ["[Downtime started] *"]
    assert mission.pass_(600, 900) == []
    assert mission.pass_(at("2026-11-25T09:00") - mission.time, 900) == [
        "[Downtime expired] *",
        "[Triggered on {host:web-1}] my_metric on web-1",
    ]
    assert mission.mail()[0]["to"] == ["night@example.com"]
    assert mission.pass_(60, 900) == []


# --------------------------------------------------------------------------------------------------------- downtimes
@pytest.fixture
def alerting(mission):
    mission.pass_(300, 900)
    return mission


def for_an_hour(lab):
    return {"start": clock.iso(lab.time), "end": clock.iso(lab.time + 3600)}


def test_the_end_of_what_was_told_before_a_downtime_is_told_in_it(alerting):
    alerting.downtime(alerting.id, for_an_hour(alerting))
    assert alerting.pass_(300, 100) == ["[Recovered on {host:web-1}] my_metric on web-1"]
    assert alerting.pass_(300, 900) == alerting.pass_(300, 100) == []


def test_a_downtime_may_silence_the_first_recovery_too(alerting):
    alerting.downtime(alerting.id, for_an_hour(alerting), mute_first_recovery_notification=True)
    assert alerting.pass_(300, 100) == []


@pytest.mark.parametrize(("states", "told"), [(["alert"], True), (["warn", "no data"], False)])
def test_a_cancelled_downtime_ends(mission, states, told):
    id_ = mission.downtime(
        mission.id,
        for_an_hour(mission),
        notify_end_states=states,
        notify_end_types=["canceled"],
        message="@x@y.example",
    )
    mission.pass_()
    mission.pass_(300, 900)
    cancelled = {**mission.documents.get("downtime", id_), "canceled": clock.iso(mission.time)}
    mission.documents.put("downtime", id_, cancelled)
    triggered = ["[Triggered on {host:web-1}] my_metric on web-1"]
    assert mission.pass_(15, 900) == ["[Downtime canceled] *", *(triggered if told else [])]
    assert mission.pass_(3600, 900) == []


def test_a_scope_silences_its_groups_only(mission):
    mission.downtime(mission.id, for_an_hour(mission), scope="env:dev")
    mission.send(900, "web-2", seconds=300)
    assert mission.pass_(15, 900) == ["[Triggered on {host:web-2}] my_metric on web-2"]


# ----------------------------------------------------------------------------------------------------------- options
def test_reminds(lab):
    options = {"renotify_interval": 60, "renotify_occurrences": 2, "escalation_message": "Still! @boss@example.com"}
    lab.monitor(
        "avg(last_5m):avg:my_metric{*} > 5", "{{#is_renotify}}again{{/is_renotify}} @ops@example.com", options=options
    )
    assert lab.pass_(value=9) == ["[Triggered] m"]
    assert lab.pass_(3599, 9) == []
    assert lab.pass_(1, 9) == lab.pass_(3600, 9) == ["[Re-Triggered] m"]
    assert lab.mail()[-1]["to"] == ["boss@example.com", "ops@example.com"]
    assert lab.mail()[-1]["body"] == "Still! @boss@example.com\n\nagain @ops@example.com"
    assert lab.pass_(7200, 9) == []


def test_reminds_of_the_statuses_that_are_named(lab):
    options = {"renotify_interval": 10, "renotify_statuses": ["warn"], "thresholds": {"critical": 9, "warning": 5}}
    lab.monitor("avg(last_5m):avg:my_metric{*} > 9", options=options)
    assert lab.pass_(value=6) + lab.pass_(600, 6) == ["[Warn] m", "[Re-Warn] m"]
    assert lab.pass_(600, 10) + lab.pass_(600, 10) == ["[Triggered] m"]


def test_recovery_thresholds(lab):
    limits = {"critical": 80, "critical_recovery": 60, "warning": 50, "warning_recovery": 40}
    id_ = lab.monitor("max(last_1m):avg:my_metric{*} > 80", options={"thresholds": limits})
    seen = []
    for value in (81, 70, 61, 60, 45, 41, 40, 45, 81, 30):
        lab.pass_(60, value)
        seen.append(lab.watch.state(id_)["overall_state"])
    assert seen == ["Alert", "Alert", "Alert", "Warn", "Warn", "Warn", "OK", "OK", "Alert", "OK"]


def test_below_a_threshold(lab):
    id_ = lab.monitor("min(last_5m):avg:my_metric{*} < 10", options={"thresholds": {"critical": 10, "warning": 20}})
    assert [lab.pass_(300, value) for value in (30, 15, 9)] == [[], ["[Warn] m"], ["[Triggered] m"]]
    assert lab.status(id_) == {"*": "Alert"}


def test_a_full_window_may_be_required(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} > 5", options={"require_full_window": True})
    assert lab.pass_(60, 9) == []
    assert lab.watch.state(id_)["overall_state"] == "No Data"
    assert lab.pass_(240, 9) == ["[Triggered] m"]


def test_new_groups_get_time_to_settle(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5", options={"new_group_delay": 120})
    lab.pass_(value=1)
    assert lab.pass_(15, 9, host="web-2") == []
    assert lab.status(id_) == {"host:web-1": "OK"}
    assert lab.pass_(119, 9, host="web-2") == []
    assert lab.pass_(1, 9, host="web-2") == ["[Triggered on {host:web-2}] m"]


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
    lab.pass_(value=9)
    assert len(lab.pass_(601)) == mailed
    assert lab.status(id_) == {"host:web-1": status}


def test_a_monitor_of_one_value_that_never_had_data_tells_so(lab):
    id_ = lab.monitor("avg(last_5m):avg:none{*} > 5", options={"notify_no_data": True, "no_data_timeframe": 10})
    grouped = lab.monitor("avg(last_5m):avg:none{*} by {host} > 5", options={"notify_no_data": True})
    assert lab.pass_(599) == []
    assert lab.watch.state(id_)["overall_state"] == "No Data"
    assert lab.pass_(1) == ["[No Data] m"]
    assert lab.status(grouped) == {}


def test_forgets_groups_that_are_silent_for_a_day(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5")
    lab.pass_(value=9)
    lab.pass_(86000)
    assert lab.status(id_) == {"host:web-1": "Alert"}
    lab.pass_(1000)
    assert lab.status(id_) == {}


def test_a_changed_query_starts_over(lab):
    id_ = lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5")
    lab.pass_(value=9)
    lab.documents.put(
        "monitor", id_, {**lab.documents.get("monitor", id_), "query": "avg(last_5m):avg:my_metric{*} > 50"}
    )
    assert lab.pass_(15, 9) == []
    assert lab.status(id_) == {"*": "OK"}
    lab.documents.delete("monitor", id_)
    lab.pass_()
    assert lab.status(id_) == {} and lab.documents.all("monitor_state") == []


def test_includes_tags_in_subjects_unless_told_not_to(lab):
    lab.monitor("avg(last_5m):avg:my_metric{*} by {host} > 5", options={"include_tags": False})
    assert lab.pass_(value=9) == ["[Triggered] m"]


# ------------------------------------------------------------------------------------------------------- other monitors
@pytest.mark.parametrize(("how", "limit"), [("change", 39), ("pct_change", 399)])
def test_changes(lab, how, limit):
    lab.monitor(f"{how}(avg(last_5m),last_15m):avg:my_metric{{*}} > {limit}")
    lab.send(10, seconds=3600)
    assert lab.pass_() == []
    assert lab.pass_(300, 50) == ["[Triggered] m"]


def test_a_share_of_anomalous_points(lab):
    options = {
        "thresholds": {"critical": 1.0, "critical_recovery": 0.0},
        "threshold_windows": {"trigger_window": "last_15m", "recovery_window": "last_15m"},
    }
    function = "anomalies(avg:my_metric{*}, 'basic', 2, direction='both', interval=60, alert_window='last_15m')"
    id_ = lab.monitor(f"avg(last_4h):{function} >= 1", "{{value}} @ops@example.com", options=options)
    for minute in range(240, 0, -1):
        key = decode.Key("my_metric", "web-1", ())
        point = {int(lab.time) - 60 * minute: 10.0 + minute % 5}
        lab.store.add_samples([decode.Sample(key, "gauge", 0, point)], int(lab.time))
    assert lab.pass_() == []
    assert lab.pass_(600, 500) == []
    assert lab.pass_(300, 500) == ["[Triggered] m"]
    assert lab.mail()[-1]["body"] == "1.0 @ops@example.com"
    assert lab.pass_(300, 12) == []
    assert lab.pass_(600, 12) == ["[Recovered] m"]
    assert lab.watch.state(id_)["overall_state"] == "OK"


def test_service_checks_count_runs_in_a_row(lab):
    options = {"thresholds": {"ok": 2, "warning": 1, "critical": 3}, "notify_no_data": True, "no_data_timeframe": 2}
    query = '"mysql.can_connect".over("*").by("host","port").last(4).count_by_status()'
    id_ = lab.monitor(
        query, "{{check_message}} on {{port.name}} @dba@example.com", kind="service check", options=options
    )
    where = "host:db-1,port:3306"
    lab.check(0, 0, 2, 2, tags=["port:3306"])
    assert lab.pass_() == []
    lab.time += 10
    lab.check(2, tags=["port:3306"])
    assert lab.pass_() == [f"[Triggered on {{{where}}}] m"]
    assert lab.mail()[-1]["body"] == "status 2 on 3306 @dba@example.com"
    lab.time += 10
    lab.check(0, tags=["port:3306"])
    assert lab.pass_() == []
    assert lab.status(id_) == {where: "Alert"}
    lab.time += 10
    lab.check(0, tags=["port:3306"])
    assert lab.pass_() == [f"[Recovered on {{{where}}}] m"]
    assert lab.pass_(119) == []
    assert lab.pass_(1) == [f"[No Data on {{{where}}}] m"]


def test_service_checks_of_chosen_hosts(lab):
    lab.store.add_host(decode.HostReport("db-2", {"system": ["env:test"]}, []), int(NOON))
    query = '"mysql.can_connect".over("role:db").exclude("env:test").by("host").last(2).count_by_status()'
    id_ = lab.monitor(query, kind="service check", options={"thresholds": {"critical": 1}})
    for host, tags in (("db-1", ["role:db"]), ("db-2", ["role:db"]), ("db-3", [])):
        lab.check(2, host=host, tags=tags)
    lab.pass_()
    assert lab.status(id_) == {"host:db-1": "Alert"}


def test_service_checks_by_share(lab):
    query = '"mysql.can_connect".over("*").pct_by_status()'
    id_ = lab.monitor(query, kind="service check", options={"thresholds": {"critical": 50, "warning": 20}})
    for host, status in (("a", 0), ("b", 0), ("c", 2)):
        lab.check(status, host=host)
    lab.pass_()
    assert lab.status(id_) == {"*": "Warn"}
    lab.check(2, host="b")
    assert lab.pass_() == ["[Triggered] m"]


def test_composite_monitors(lab):
    first, second = (lab.monitor(f"avg(last_5m):avg:{metric}{{*}} > 5") for metric in ("my_metric", "other"))
    lab.monitor(f"{first} && !{second}", kind="composite", name="both")
    lab.send(1, metric="other")
    assert lab.pass_(value=9) == ["[Triggered] m", "[Triggered] both"]
    lab.send(9, metric="other", seconds=300)
    assert lab.pass_() == ["[Triggered] m", "[Recovered] both"]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("avg(last_5m):forecast(avg:my_metric{*}, 'linear', 1) > 5", "query alert"),
        ('logs("x").index("*").rollup("count").last("5m") > 5', "log alert"),
        ("nonsense", "query alert"),
    ],
)
def test_what_is_not_evaluated_has_no_data(lab, query, kind):
    id_ = lab.monitor(query, kind=kind)
    other = lab.monitor("avg(last_5m):avg:my_metric{*} > 5")
    assert lab.pass_(value=9) == ["[Triggered] m"]
    assert lab.watch.state(id_) == {"overall_state": "No Data", "overall_state_modified": None, "groups": {}}
    assert lab.watch.state(other)["overall_state"] == "Alert"


# ------------------------------------------------------------------------------------------------- through the API
def test_a_monitor_made_through_the_api_alerts_and_is_muted(tmp_path):
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
