"""The fleet's objects in the account, and what later runs change."""

import copy

import pytest
import yaml


def of(account, kind):
    found = account.marked(account.fleet)
    return [one for (its_kind, _id), one in found.items() if its_kind == kind]


def monitor(account, key):
    [found] = [one for one in of(account, "monitor") if f"kennel_key:{key}" in one["tags"]]
    return found


def dashboard(account, key):
    [found] = [one for one in of(account, "dashboard") if f"kennel_key:{key}" in one["description"]]
    return found


@pytest.fixture(scope="module")
def board(account):
    return dashboard(account, "timeboard")


def queries(widget):
    return [query["query"] for request in widget["definition"]["requests"] for query in request["queries"]]


# -------------------------------------------------------------------------------------------------------- objects
def test_timeboard_shows_the_fleets_metrics(account, board):
    scope = f"{{kennel_fleet:{account.fleet},$host}}"
    assert board["layout_type"] == "ordered"
    assert [query for widget in board["widgets"] for query in queries(widget)] == [
        f"avg:my_metric{scope} by {{host}}",
        f"avg:mysql.performance.user_time{scope}",
        f"sum:my_metric{scope}.rollup(sum, 3600)",
        f"sum:my_metric{scope}.rollup(sum, 60).fill(null)",
    ]
    kinds = [widget["definition"]["type"] for widget in board["widgets"]]
    assert kinds == ["timeseries", "timeseries", "timeseries", "query_value"]
    assert board["widgets"][0]["definition"]["time"] == {"live_span": "5m"}
    [formula] = board["widgets"][1]["definition"]["requests"][0]["formulas"]
    assert formula == {"formula": "anomalies(user_time, 'basic', 2)"}


def test_timeboard_offers_the_fleets_hosts_in_a_variable(account, board):
    [variable] = board["template_variables"]
    assert (variable["name"], variable["defaults"]) == ("host", ["*"])
    # The names that the Agents report, not those in the inventory.
    names = {host["vars"].get("datadog_agent_hostname", host["node"]) for host in account.hosts}
    assert set(variable["available_values"]) == names


def test_apm_dashboard_shows_the_service_and_its_hosts(account):
    found = dashboard(account, "apm")
    metrics = {query.split(":", 1)[1].split("{")[0] for widget in found["widgets"] for query in queries(widget)}
    assert metrics >= {"trace.flask.request.hits", "trace.flask.request.errors", "trace.flask.request"}
    assert metrics >= {"system.cpu.idle", "system.mem.usable", "mysql.performance.queries", "my_metric"}
    assert [variable["name"] for variable in found["template_variables"]] == ["host"]
    assert all("$host" in query for widget in found["widgets"] for query in queries(widget))
    errors = monitor(account, "errors")
    assert errors["query"].startswith("sum(last_5m):sum:trace.flask.request.errors{") and " / " in errors["query"]


def test_my_metric_is_monitored_per_host(account):
    found = monitor(account, "my_metric")
    assert found["query"] == f"avg(last_5m):avg:my_metric{{kennel_fleet:{account.fleet}}} by {{host}} > 800"
    recoveries = {"critical_recovery": 750.0, "warning_recovery": 450.0}
    assert found["options"]["thresholds"] == {"critical": 800.0, "warning": 500.0, **recoveries}
    assert (found["options"]["notify_no_data"], found["options"]["no_data_timeframe"]) == (True, 10)
    for part in (
        "{{#is_alert}}my_metric is {{value}} on {{host.name}} ({{host.ip}})",
        "{{#is_warning}}",
        "{{#is_no_data}}{{host.name}} has stopped sending my_metric.{{/is_no_data}}",
        "{{#is_recovery}}",
        "@ops@kennel.test",
    ):
        assert part in found["message"]


def test_database_and_agent_are_monitored(account):
    anomaly = monitor(account, "mysql_user_time")
    assert "anomalies(avg:mysql.performance.user_time{" in anomaly["query"]
    assert anomaly["options"]["threshold_windows"] == {"trigger_window": "last_15m", "recovery_window": "last_15m"}
    for key, check in (("agent", "datadog.agent.up"), ("mysql", "mysql.can_connect")):
        assert monitor(account, key)["query"].startswith(f'"{check}".over("kennel_fleet:{account.fleet}").by("host")')


def test_my_metric_is_muted_at_night_and_at_weekends(account):
    downtimes = account.call("GET", "v2/downtime")["data"]
    found = {}
    for one in (each["attributes"] for each in downtimes):
        if f"kennel_fleet:{account.fleet} " in one["message"] and one["status"] not in ("canceled", "ended"):
            assert set(one["monitor_identifier"]["monitor_tags"]) >= {"kennel_key:my_metric"}
            assert "@ops@kennel.test" in one["message"]
            [recurrence] = one["schedule"]["recurrences"]
            found[recurrence["rrule"].partition("BYDAY=")[2]] = (recurrence["start"][11:16], recurrence["duration"])
    assert found == {"MO,TU,WE,TH,FR": ("19:00", "14h"), "SA,SU": ("00:00", "1d")}


# ----------------------------------------------------------------------------------------------------------- runs
def test_manual_change_is_detected_and_reverted(account, play, board):
    edited = copy.deepcopy(board)
    edited["title"] = "Mine now"
    edited["widgets"][0]["definition"]["time"] = {"live_span": "1h"}
    account.call("PUT", f"v1/dashboard/{board['id']}", edited)
    wrong = account.everything()

    check = play("objects", "--check", "--diff")
    assert check.status == 0, check.output
    assert check.changed == 1
    for line in ("-title: Mine now", f"+title: {board['title']}", "live_span: 1h", "live_span: 5m"):
        assert line in check.output
    assert "rollup" not in check.output
    assert account.everything() == wrong

    assert play("objects").changed == 1
    right = account.call("GET", f"v1/dashboard/{board['id']}")
    assert right["title"] == board["title"]
    assert right["widgets"][0]["definition"] == board["widgets"][0]["definition"]
    assert play("objects").changed == 0


def test_limit_does_not_shrink_the_timeboard(account, play, board):
    run = play("objects", f"--limit={account.hosts[-1]['name']}")
    assert (run.status, run.changed) == (0, 0), run.output
    assert account.call("GET", f"v1/dashboard/{board['id']}")["template_variables"] == board["template_variables"]


def test_invalid_input_is_rejected_before_anything_is_sent(account, play):
    before = account.everything()
    monitors = [{"key": "bad", "name": "Bad", "type": "metric alert", "query": "avg(last_5m):avg:x{* > 1"}]
    run = play(
        "objects", datadog_objects_notify="", datadog_objects_timezone="Mars", datadog_objects_extra_monitors=monitors
    )
    assert run.status != 0
    for words in (
        "datadog_objects_notify",
        "datadog_objects_timezone",
        "datadog_objects_extra_monitors[0] (bad): query",
    ):
        assert words in run.output
    assert account.everything() == before


def test_inventory_items_replace_add_and_remove_objects(account, play):
    extra = [
        {"key": "mysql", "state": "absent"},
        {"key": "agent", "name": "Other", "type": "service check", "message": "",
         "query": '"datadog.agent.up".over("*").by("host").last(2).count_by_status()'},
        {"key": "load", "name": "Load", "type": "metric alert", "message": "",
         "query": "avg(last_5m):avg:system.load.1{*} by {host} > 9"},
        {"key": "both", "name": "Both", "type": "composite", "query": "load && !my_metric"},
    ]  # fmt: skip
    try:
        assert play("objects", datadog_objects_extra_monitors=extra).changed == 1
        assert play("objects", datadog_objects_extra_monitors=extra).changed == 0
        assert {one["name"] for one in of(account, "monitor")} >= {"Other", "Load"}
        parts = [monitor(account, key)["id"] for key in ("load", "my_metric")]
        assert monitor(account, "both")["query"] == "{} && !{}".format(*parts)
        assert not any("kennel_key:mysql" in one["tags"] for one in of(account, "monitor"))
    finally:
        # With prune, removing an item from the list deletes its object.
        assert play("objects", datadog_objects_prune=True).changed == 1
    assert sorted(one["name"] for one in of(account, "monitor") if one["name"] in ("Other", "Load", "Both")) == []
    assert monitor(account, "mysql")


def test_exported_objects_are_adopted_unchanged(account, play, tmp_path):
    by_hand = {"title": "By hand", "layout_type": "ordered", "description": "Kept {{as}} it is",
               "widgets": [{"definition": {"type": "note", "content": "{{ no }} {# template #}"}}]}  # fmt: skip
    made = account.call("POST", "v1/dashboard", by_hand)
    try:
        check = play("export", "--check", export_folder=str(tmp_path / "out"))
        assert (check.status, check.changed) == (0, 1), check.output
        assert not (tmp_path / "out").exists()
        assert play("export", export_folder=str(tmp_path / "all")).status == 0
        boards, monitors = (
            yaml.safe_load((tmp_path / "all" / f"{kind}.yml").read_text()) for kind in ("dashboards", "monitors")
        )
        assert (len(boards), len(monitors)) == (3, 5)
        run = play(
            "export", export_folder=str(tmp_path / "out"), export_only=["By hand", monitor(account, "mysql")["id"]]
        )
        assert run.status == 0, run.output
        again = play("objects", "--diff", datadog_objects_folder=str(tmp_path / "out"), datadog_objects_adopt=True)
        assert again.status == 0, again.output
        # Only the mark changes.
        changes = [
            line for line in again.output.splitlines() if line.startswith(("+", "-")) and line[1:2] not in ("+", "-")
        ]
        assert changes == [f"+mark: managed_by:kennel kennel_fleet:{account.fleet} kennel_key:by_hand"]
        assert play("objects", datadog_objects_folder=str(tmp_path / "out")).changed == 0
        kept = account.call("GET", f"v1/dashboard/{made['id']}")
        assert [widget["definition"] for widget in kept["widgets"]] == [by_hand["widgets"][0]["definition"]]
        unknown = play("export", export_folder=str(tmp_path / "out"), export_only=["Nobody's"])
        assert unknown.status != 0 and "Nobody's" in unknown.output
    finally:
        account.call("DELETE", f"v1/dashboard/{made['id']}")


def test_teardown_only_removes_the_fleets_objects(account, play):
    twin = {"name": monitor(account, "mysql")["name"], "type": "metric alert", "message": "",
            "query": "avg(last_5m):avg:system.load.1{*} > 9"}  # fmt: skip
    by_hand = account.call("POST", "v1/monitor", twin)
    other = {"datadog_objects_fleet": "another"}
    assert play("objects", **other).status == 0
    others = account.marked("another")
    assert len(others) == 9
    everything = account.everything()

    check = play("teardown", "--check", "--diff")
    assert (check.status, check.changed) == (0, 1), check.output
    assert account.everything() == everything

    assert play("teardown").changed == 1
    left = account.everything()
    assert account.marked(account.fleet) == {}
    assert account.marked("another") == others
    assert ("monitor", by_hand["id"]) in left
    assert play("teardown").changed == 0

    assert play("teardown", **other).changed == 1
    account.call("DELETE", f"v1/monitor/{by_hand['id']}")
    assert account.marked("another") == {}
