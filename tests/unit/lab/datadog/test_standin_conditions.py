"""How the stand-in Datadog evaluates each type of monitor."""

from __future__ import annotations

import importlib

import pytest
import standin_client

bodies, observe = (importlib.import_module(f"standin.{name}") for name in ("wire.bodies", "alert.observe"))


@pytest.fixture
def lab(tmp_path):
    return standin_client.Lab(tmp_path)


@pytest.mark.parametrize(("how", "limit"), [("change", 39), ("pct_change", 399)])
def test_changes(lab, how, limit):
    lab.monitor(f"{how}(avg(last_5m),last_15m):avg:my_metric{{*}} > {limit}")
    lab.send(10, seconds=3600)
    assert lab.later() == []
    assert lab.later(300, 50) == ["[Triggered] m"]


def test_anomalies_alert_by_share_of_points(lab):
    options = {
        "thresholds": {"critical": 1.0, "critical_recovery": 0.0},
        "threshold_windows": {"trigger_window": "last_15m", "recovery_window": "last_15m"},
    }
    function = "anomalies(avg:my_metric{*}, 'basic', 2, direction='both', interval=60, alert_window='last_15m')"
    id_ = lab.monitor(f"avg(last_4h):{function} >= 1", "{{value}} @ops@example.com", options=options)
    for minute in range(240, 0, -1):
        key = bodies.Key("my_metric", "web-1", ())
        point = {int(lab.time) - 60 * minute: 10.0 + minute % 5}
        lab.store.add_samples([bodies.Sample(key, "gauge", 0, point)], int(lab.time))
    assert lab.later() == []
    assert lab.later(600, 500) == []
    assert lab.later(300, 500) == ["[Triggered] m"]
    assert lab.mail()[-1]["body"] == "1.0 @ops@example.com"
    assert lab.later(300, 12) == []
    assert lab.later(600, 12) == ["[Recovered] m"]
    assert lab.watch.state(id_)["overall_state"] == "OK"


def test_service_checks_count_consecutive_runs(lab):
    options = {"thresholds": {"ok": 2, "warning": 1, "critical": 3}, "notify_no_data": True, "no_data_timeframe": 2}
    query = '"mysql.can_connect".over("*").by("host","port").last(4).count_by_status()'
    id_ = lab.monitor(
        query, "{{check_message}} on {{port.name}} @dba@example.com", kind="service check", options=options
    )
    where = "host:db-1,port:3306"
    lab.check(0, 0, 2, 2, tags=["port:3306"])
    assert lab.later() == []
    lab.time += 10
    lab.check(2, tags=["port:3306"])
    assert lab.later() == [f"[Triggered on {{{where}}}] m"]
    assert lab.mail()[-1]["body"] == "status 2 on 3306 @dba@example.com"
    lab.time += 10
    lab.check(0, tags=["port:3306"])
    assert lab.later() == []
    assert lab.status(id_) == {where: "Alert"}
    lab.time += 10
    lab.check(0, tags=["port:3306"])
    assert lab.later() == [f"[Recovered on {{{where}}}] m"]
    assert lab.later(119) == []
    assert lab.later(1) == [f"[No Data on {{{where}}}] m"]


def test_removed_check_instance_becomes_stale(lab):
    query = '"mysql.can_connect".over("*").by("host").last(4).count_by_status()'
    id_ = lab.monitor(query, kind="service check", options={"thresholds": {"critical": 1}, "notify_no_data": False})
    lab.check(2, 2, tags=["port:3307"])
    lab.check(0, 0, tags=["port:3306"])
    lab.later()
    assert lab.status(id_) == {"host:db-1": "Alert"}
    # After the instance is removed from the check, only the other one runs.
    for seconds, status in ((119, "Alert"), (2, "OK")):
        lab.time += seconds
        lab.check(0, tags=["port:3306"])
        lab.later()
        assert lab.status(id_) == {"host:db-1": status}
    # A host without any data keeps its status if the monitor does not notify about missing data.
    lab.check(2, tags=["port:3306"])
    lab.later()
    lab.later(3600)
    assert lab.status(id_) == {"host:db-1": "Alert"}


def test_long_check_interval_does_not_make_an_instance_stale(lab):
    query = '"mysql.can_connect".over("*").by("host").last(2).count_by_status()'
    id_ = lab.monitor(query, kind="service check", options={"thresholds": {"critical": 1}})
    for _run in range(2):
        lab.check(2, tags=["port:3307"])
        lab.time += 600
    lab.check(0, tags=["port:3306"])
    lab.later()
    assert lab.status(id_) == {"host:db-1": "Alert"}


def test_service_checks_of_selected_hosts(lab):
    lab.store.add_host(bodies.HostReport("db-2", {"system": ["env:test"]}, []), int(lab.time))
    query = '"mysql.can_connect".over("role:db").exclude("env:test").by("host").last(2).count_by_status()'
    id_ = lab.monitor(query, kind="service check", options={"thresholds": {"critical": 1}})
    for host, tags in (("db-1", ["role:db"]), ("db-2", ["role:db"]), ("db-3", [])):
        lab.check(2, host=host, tags=tags)
    lab.later()
    assert lab.status(id_) == {"host:db-1": "Alert"}


def test_service_checks_by_share(lab):
    query = '"mysql.can_connect".over("*").pct_by_status()'
    id_ = lab.monitor(query, kind="service check", options={"thresholds": {"critical": 50, "warning": 20}})
    for host, status in (("a", 0), ("b", 0), ("c", 2)):
        lab.check(status, host=host)
    lab.later()
    assert lab.status(id_) == {"*": "Warn"}
    lab.check(2, host="b")
    assert lab.later() == ["[Triggered] m"]


def test_error_rate_is_computed_over_the_whole_window(lab):
    """The example of https://docs.datadoghq.com/monitors/guide/as-count-in-monitor-evaluations/: 0.3, not 1.5."""
    for metric, values in (("requests.error", (1, 2, 3, 4, 5)), ("requests.total", (10, 10, 10, 10, 10))):
        points = {int(lab.time) - 290 + 60 * minute: float(value) for minute, value in enumerate(values)}
        lab.store.add_samples([bodies.Sample(bodies.Key(metric, "web-1", ()), "count", 10, points)], int(lab.time))
    rate = "sum(last_5m):sum:requests.error{{*}}.as_count() / sum:requests.total{{*}}.as_count() > {}"
    over, under = (lab.monitor(rate.format(limit)) for limit in (0.29, 0.31))
    percent = lab.monitor(rate.format(29).replace("sum:requests.error", "100 * sum:requests.error"))
    lab.later()
    assert [lab.status(id_) for id_ in (over, under, percent)] == [{"*": "Alert"}, {"*": "OK"}, {"*": "Alert"}]


def test_composite_monitors(lab):
    first, second = (lab.monitor(f"avg(last_5m):avg:{metric}{{*}} > 5") for metric in ("my_metric", "other"))
    lab.monitor(f"{first} && !{second}", kind="composite", name="both")
    lab.send(1, metric="other")
    assert lab.later(value=9) == ["[Triggered] m", "[Triggered] both"]
    lab.send(9, metric="other", seconds=300)
    assert lab.later() == ["[Triggered] m", "[Recovered] both"]


@pytest.mark.parametrize(
    ("first", "operator", "second", "joined"),
    [
        # The table of https://docs.datadoghq.com/monitors/types/composite/#computing-trigger-conditions
        ("Alert", "&&", "Warn", "Warn"),
        ("Alert", "||", "Warn", "Alert"),
        ("Alert", "&&", "OK", "OK"),
        ("Warn", "||", "OK", "Warn"),
        ("No Data", "&&", "Warn", "No Data"),
        ("No Data", "||", "Warn", "Warn"),
        ("No Data", "&&", "OK", "OK"),
        ("No Data", "||", "OK", "No Data"),
        ("OK", "&& !", "OK", "OK"),
        ("Alert", "&& !", "OK", "Alert"),
        ("Alert", "&& !", "Warn", "OK"),
        ("Alert", "&& !", "No Data", "No Data"),
    ],
)
def test_statuses_of_a_composite(first, operator, second, joined):
    asked = observe.condition(f"1 {operator} 2", "composite")
    assert observe.joined(asked, {1: first, 2: second}) == joined


@pytest.mark.parametrize(("notify", "status"), [(False, "Alert"), (True, "No Data")])
def test_composite_without_data_keeps_its_status_unless_it_notifies(lab, notify, status):
    part = lab.monitor("avg(last_5m):avg:my_metric{*} > 5", options={"notify_no_data": True, "no_data_timeframe": 10})
    whole = lab.monitor(str(part), kind="composite", options={"notify_no_data": notify})
    lab.later(value=9)
    assert lab.status(whole) == {"*": "Alert"}
    lab.later(1200)
    assert lab.status(part) == {"*": "No Data"}
    assert lab.status(whole) == {"*": status}


@pytest.mark.parametrize(
    ("query", "kind", "reason"),
    [
        ("avg(last_5m):forecast(avg:my_metric{*}, 'linear', 1) > 5", "query alert", "forecast"),
        (
            "avg(last_5m):anomalies(avg:my_metric{*}, 'adaptive', 2) > 5",
            "query alert",
            "anomalies: 'adaptive', only basic",
        ),
        ('logs("x").index("*").rollup("count").last("5m") > 5', "log alert", "the type log alert"),
        ('formula("query1").last("5m") > 5', "query alert", "a query of formulas"),
        ("nonsense", "query alert", "its query: "),
        ("avg(next_1w):avg:my_metric{*} > 5", "query alert", "the window next_1w"),
        ("sum(current_1mo):sum:my_metric{*} > 5", "query alert", "the window current_1mo began before the 24 hours"),
        ("percentile(last_5m):avg:my_metric{*} > 5", "query alert", "percentile over a window"),
        ("avg(last_5m):avg:my_metric{$host} > 5", "query alert", "template variable $host"),
        ('"mysql.can_connect".over("$host").by("host").last(2).count_by_status()', "service check", "$host"),
    ],
)
def test_monitor_that_cannot_be_evaluated_reports_an_error(lab, caplog, query, kind, reason):
    lab.check(2)
    lab.send(9)
    id_ = lab.monitor(query, kind=kind, name="strange")
    other = lab.monitor("avg(last_5m):avg:my_metric{*} > 5")
    whole = lab.monitor(f"{id_} && {other}", kind="composite")
    for _time in range(2):
        lab.later(value=9)
    assert [mail["subject"] for mail in lab.mail()] == ["[Triggered] m"]
    state = lab.watch.state(id_)
    assert state["overall_state"] == "Skipped" and state["groups"] == {}
    assert state["problem"].startswith("cannot be evaluated here: ") and reason in state["problem"]
    assert lab.watch.state(whole)["problem"] == f"cannot be evaluated here: the monitor {id_}"
    assert lab.watch.state(other)["overall_state"] == "Alert" and not lab.watch.state(other)["problem"]
    # Each error once, however often the monitor is evaluated.
    said = [one.getMessage() for one in caplog.records]
    assert len(said) == 2 and said[0] == f"Monitor {id_}, 'strange', {state['problem']}"


def test_monitor_recovers_from_an_evaluation_error(lab):
    id_ = lab.monitor("avg(last_5m):forecast(avg:my_metric{*}, 'linear', 1) > 5")
    lab.later(value=9)
    lab.documents.put(
        "monitor", id_, {**lab.documents.get("monitor", id_), "query": "avg(last_5m):avg:my_metric{*} > 5"}
    )
    assert lab.later(value=9) == ["[Triggered] m"]
    assert lab.watch.state(id_)["problem"] == "" and lab.watch.state(id_)["overall_state"] == "Alert"


@pytest.mark.parametrize(
    ("window", "options", "counted"),
    [
        # It is noon in Los Angeles, 20:00 UTC.
        ("current_1h", {}, 0),
        ("current_1h", {"hour_starts": 30}, 30),
        ("current_1d", {}, 1200),
        ("current_1d", {"timezone": "America/Los_Angeles"}, 720),
        ("current_1d", {"timezone": "America/Los_Angeles", "day_starts": "11:00"}, 60),
        ("current_1mo", {"month_starts": 24}, 1200),
    ],
)
def test_cumulative_windows_count_from_their_start(lab, window, options, counted):
    """One point a minute over the last day, each with the value 1."""
    key = bodies.Key("my_metric", "web-1", ())
    points = {int(lab.time) - 60 * minute: 1.0 for minute in range(1, 1440)}
    lab.store.add_samples([bodies.Sample(key, "count", 60, points)], int(lab.time))
    query = f"sum({window}):sum:my_metric{{*}}.as_count() >= "
    options = {"scheduling_options": {"evaluation_window": options}}
    ids = [lab.monitor(query + str(limit), options=options) for limit in (max(counted, 1), counted + 1)]
    lab.later()
    assert [lab.watch.state(id_)["problem"] for id_ in ids] == ["", ""]
    assert lab.status(ids[0]) == ({"*": "Alert"} if counted else {}) and lab.status(ids[1]) in ({"*": "OK"}, {})


def test_outliers_alert_for_the_outlying_group(lab):
    id_ = lab.monitor("avg(last_5m):outliers(avg:my_metric{*} by {host}, 'dbscan', 3) > 0")
    for host, value in (("a", 10), ("b", 11), ("c", 12), ("d", 11), ("e", 90)):
        lab.send(value, host, seconds=300)
    lab.later()
    assert lab.status(id_) == {**{f"host:{host}": "OK" for host in "abcd"}, "host:e": "Alert"}
