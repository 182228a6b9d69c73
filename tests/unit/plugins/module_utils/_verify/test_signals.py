# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verification: judging signals, by tables, and the report."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._query import metric as datadog_query
from ansible_collections.kennel.fleet.plugins.module_utils._verify import report as report
from ansible_collections.kennel.fleet.plugins.module_utils._verify import signals as arrival
from ansible_collections.kennel.fleet.plugins.module_utils._verify.signals import Signal, Verdict

NOW = 1_763_942_400.0


def signal(name: str = "my_metric", **fields: Any) -> Signal:
    return Signal(**{"host": "web1", "agent_host": "web1.lab", "kind": arrival.METRIC, "name": name, **fields})


def points(*ages: float, value: float = 500.0) -> list[tuple[float, float]]:
    return [(NOW - age, value) for age in ages]


EVERY_45 = {"interval": 45.0, "low": 0.0, "high": 1000.0, "since": NOW - 300}


@pytest.mark.parametrize(
    ("fields", "seen", "state", "words"),
    [
        (EVERY_45, points(100, 55, 10), "ok", "3 points, every 45 s"),
        (EVERY_45, points(103, 55, 10), "ok", "every 45 to 48 s"),
        (EVERY_45, points(90.0, 45.0, 0.0), "ok", "every 45 s"),
        ({**EVERY_45, "since": None}, points(100, 55, 10), "ok", ""),
        (EVERY_45, [], "absent", "no point has arrived"),
        (EVERY_45, points(800, 755), "old", "the last 755 s ago"),
        (EVERY_45, points(20), "waiting", "1 point"),
        # Only one of these two is newer than the Agent's start.
        ({**EVERY_45, "since": NOW - 60}, points(65, 20), "waiting", "1 point"),
        # The gap across the start does not count; the one after it does.
        ({**EVERY_45, "since": NOW - 120}, points(400, 355, 100, 55, 10), "ok", "3 points"),
        ({**EVERY_45, "since": NOW - 120}, points(110, 55, 10), "interval", "1 of 2 intervals wrong: 55 s"),
        (EVERY_45, points(200, 155, 110), "stale", "110 s old, 90 s allowed"),
        # Every second point is missing; one point is missing.
        (EVERY_45, points(190, 100, 10), "interval", "2 of 2 intervals wrong: 90 s, 45 s expected"),
        (EVERY_45, points(190, 145, 55, 10), "gaps", "1 of 3 intervals wrong: 90 s"),
        # The Agent's default interval instead of the requested one, and vice versa.
        (EVERY_45, points(40, 25, 10), "interval", "15 s, 45 s expected"),
        ({"interval": 15.0}, points(100, 55, 10), "interval", "45 s, 15 s expected"),
        ({"interval": 1.0}, points(5, 3, 1), "interval", "2 s, 1 s expected"),
        ({"interval": 3.0}, points(7, 4, 1), "ok", ""),
        ({"interval": 3600.0}, points(7300, 3650), "ok", ""),
        (EVERY_45, points(55, 10, value=1000.0), "ok", ""),
        (EVERY_45, points(55, 10, value=1000.5), "range", "1000.5 is not within 0 to 1000"),
        (EVERY_45, points(55, 10, value=-1.0), "range", "-1 is not within"),
        (EVERY_45, points(55, 10, value=float("nan")), "range", "nan is not"),
        ({"low": 1.0}, points(5, value=0.0), "range", "0 is not 1 or more"),
        ({"high": 1.0}, points(5, value=2.0), "range", "2 is not 1 or less"),
        # A wrong value counts even if a correct one follows.
        (EVERY_45, [*points(55, value=2000.0), *points(10)], "range", "2000"),
        (EVERY_45, points(-300, -345), "clock", "in the future"),
        ({"kind": arrival.PRESENT}, points(600, 89), "ok", "2 points"),
        ({"kind": arrival.PRESENT}, points(91), "stale", "91 s old, 90 s allowed"),
        ({"kind": arrival.PRESENT, "since": NOW - 5}, points(10), "old", ""),
    ],
)
def test_points(fields: dict[str, Any], seen: list[tuple[float, float]], state: str, words: str) -> None:
    verdict = arrival.judge_points(signal(**fields), sorted(seen), now=NOW, freshness=90)
    assert verdict.state == state, verdict
    assert words in verdict.detail


@pytest.mark.parametrize("interval", [1, 2, 5, 10, 15, 45, 60, 300, 3600])
def test_missing_point_is_not_a_late_one(interval: int) -> None:
    assert arrival.tolerance(interval) < interval / 2


@pytest.mark.parametrize(
    ("shown", "state", "words"),
    [
        ({"env:lab", "role:db", "host:web1"}, "ok", "2 expected tags"),
        ({"Env:Lab", "role:db"}, "ok", ""),
        ({"env:lab"}, "tags", "1 of 2 missing: Role:db"),
        (set(), "tags", "2 of 2 missing"),
        (None, "absent", "does not list the host"),
    ],
)
def test_tags(shown: set[str] | None, state: str, words: str) -> None:
    verdict = arrival.judge_tags(signal("tags", kind=arrival.TAGS, tags=("env:lab", "Role:db")), shown)
    assert verdict.state == state and words in verdict.detail


def monitor(query: str, **groups: str) -> dict[str, Any]:
    return {"query": query, "state": {"groups": {name: {"status": status} for name, status in groups.items()}}}


CHECK = '"mysql.can_connect".over("kennel_fleet:lab").by({}).last(4).count_by_status()'


@pytest.mark.parametrize(
    ("monitors", "states"),
    [
        ([], None),
        ([{"query": "avg(last_5m):avg:my_metric{*} by {host} > 1"}, {"query": None}], None),
        ([monitor(CHECK.format('"service"'), **{"service:x": "OK"})], None),
        ([monitor(CHECK.format('"host"'))], []),
        ([monitor(CHECK.format('"host"'), **{"host:Web1.lab": "OK", "host:web2": "Alert"})], ["OK"]),
        ([monitor(CHECK.format('"host","port"'), **{"host:web1.lab,port:1": "OK", "host:web1.lab,port:2": "Warn"})],
         ["OK", "Warn"]),
        ([monitor(CHECK.format('"host"'), **{"host:web1.lab": state}) for state in ("Alert", "OK")], ["Alert", "OK"]),
    ],
)  # fmt: skip
def test_states_of_checks_are_read_from_monitors(monitors: list[dict[str, Any]], states: list[str] | None) -> None:
    seen = arrival.read_check_states(monitors).get("mysql.can_connect")
    assert (None if seen is None else seen.get("web1.lab", [])) == states


@pytest.mark.parametrize(
    ("states", "state", "words"),
    [
        (["OK"], "ok", "its monitor says OK"),
        (["OK", "Alert", "Warn"], "status", "its monitor says Alert"),
        (["No Data", "OK"], "status", "No Data"),
        (["something new", "OK"], "status", "something new"),
        ([], "absent", "has not seen it"),
    ],
)
def test_check_states(states: list[str], state: str, words: str) -> None:
    verdict = arrival.judge_check_states(states)
    assert verdict.state == state and words in verdict.detail


@pytest.mark.parametrize(
    ("related", "state"),
    [
        ([Verdict("ok", "", 1.0, 5.0), Verdict("ok", "", 1.0, 9.0)], "ok"),
        ([Verdict("ok", "", 1.0, 5.0), Verdict("stale", "old", 1.0, 200.0)], "stale"),
        ([], "unreadable"),
    ],
)
def test_check_by_metrics(related: list[Verdict], state: str) -> None:
    verdict = arrival.judge_check_by_metrics(signal("mysql.can_connect", kind=arrival.SERVICE_CHECK), related)
    assert verdict.state == state and "no monitor watches it" in verdict.detail


@pytest.mark.parametrize(
    ("hosts", "scope"),
    [(["a-1.lab"], "host:a-1.lab"), (["a", "b", "10-x"], "host IN (a,b,10-x)")],
)
def test_queries_have_datadogs_syntax(hosts: list[str], scope: str) -> None:
    query = arrival.series_query("my_metric", hosts, 1)
    assert query == f"avg:my_metric{{{scope}}} by {{host}}.rollup(avg, 1)"
    datadog_query.parse(query)


@pytest.mark.parametrize("hosts", [["web1.lab"], ["web1.lab", "db1"]])
def test_request_queries_are_valid(hosts: list[str]) -> None:
    query = arrival.hits_query("flask-apm", "flask.request", hosts)
    [expression] = datadog_query.parse(query).expressions
    assert str(expression) == query and expression.by == ("host",)


def test_responses_are_read() -> None:
    series = [
        {
            "tag_set": ["host:Web1", "x:y"],
            "scope": "host:Web1",
            "pointlist": [[2000.0, 2.0], [1000.0, 1.0], [3000.0, None]],
        },
        {"scope": "env:lab,host:web2", "pointlist": [[1000.0, 1.0]]},
        {"tag_set": [], "scope": None, "pointlist": [[1000.0, 1.0]]},
    ]
    assert arrival.read_series(series) == {"web1": [(1.0, 1.0), (2.0, 2.0)], "web2": [(1.0, 1.0)]}
    hosts = [
        {
            "name": "A",
            "host_name": "a.lab",
            "aliases": ["i-1"],
            "tags_by_source": {"Datadog": ["x:y"], "users": ["u:v"]},
        },
        {"name": "b", "host_name": None, "aliases": None, "tags_by_source": None},
    ]
    both = {"x:y", "u:v"}
    assert arrival.read_hosts(hosts) == {"a": both, "a.lab": both, "i-1": both, "b": set()}


def found(*pairs: tuple[Signal, str]) -> dict[Signal, Verdict]:
    return {each: Verdict(state, f"<{state}>", 1.25, 3.0) for each, state in pairs}


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (("absent", "absent"), "`datadog-agent hostname` says 'web1.lab'. Datadog lists 'web1' and 'web1.lan'."),
        (("old", "absent"), "Nothing has arrived since the Agent's start"),
        (("absent", "ok"), "Other data of this host arrives"),
        (("stale", "stale"), "It has stopped"),
        (("interval", "ok"), "min_collection_interval"),
        (("waiting", "ok"), "Increase the timeout"),
    ],
)
def test_causes(states: tuple[str, str], words: str) -> None:
    seen = found((signal(), states[0]), (signal("tags", kind=arrival.TAGS), states[1]))
    causes = report.explain(seen, {"web1", "web1.lan", "other"})
    assert words in causes[signal()]


def test_every_state_has_a_cause() -> None:
    states = ["absent", "old", "stale", "interval", "gaps", "waiting", "range", "clock", "tags", "status"]
    for state in [*states, "unreadable", "unread"]:
        assert report.explain(found((signal(), state), (signal("other"), "ok")))[signal()]


def test_report() -> None:
    db = [signal(f"mysql.m{i}", host="db1", agent_host="db1", kind=arrival.PRESENT) for i in range(3)]
    long = signal("a_metric_with_a_name_that_is_much_too_long_for_its_column", host="db1", agent_host="db1")
    seen = found(
        (signal(), "absent"), (signal("tags", kind=arrival.TAGS), "absent"), (db[0], "stale"), (db[1], "stale")
    )
    seen.update(found((db[2], "ok"), (long, "ok")))
    causes = report.explain(seen)
    assert [(row["host"], row["signal"], row["ok"]) for row in report.rows(seen, causes, {})] == [
        ("db1", long.name, True),
        ("db1", "mysql.m0", False),
        ("db1", "mysql.m1", False),
        ("db1", "mysql.m2", True),
        ("web1", "my_metric", False),
        ("web1", "tags", False),
    ]
    table = report.table(seen)
    assert len(table) == 6 and max(map(len, table)) <= 71
    assert table[0] == "db1" and table[3] == "web1 (web1.lab)"
    assert re.fullmatch(r"  mysql\.\* +MISSING  2 of 3: mysql\.m0, mysql\.m1, \.\.", table[2])
    missing = report.missing(seen, causes)
    assert missing[0].startswith("db1: mysql.m0, mysql.m1: <stale>. It has stopped")
    assert missing[1].startswith("web1 (in Datadog web1.lab): my_metric, tags: nothing has arrived. Check there")
    assert len(missing) == 2


@pytest.mark.parametrize(
    ("kind", "verdict", "result"),
    [
        (arrival.SERVICE_CHECK, Verdict("status", "", "Alert"), "ALERT"),
        (arrival.SERVICE_CHECK, Verdict("status", "", "No Data"), "MISSING"),
        (arrival.SERVICE_CHECK, Verdict("failing", "", "CRITICAL"), "FAILING"),
        (arrival.METRIC, Verdict("range", "", 5000.0), "WRONG"),
        (arrival.AGENT, Verdict("down", "", "down"), "DOWN"),
        # A monitor with any status is working.
        (arrival.MONITOR, Verdict("ok", "", "Alert"), "alerts"),
        (arrival.MONITOR, Verdict("ok", "", "Warn"), "warns"),
        (arrival.MONITOR, Verdict("ok", "", "OK"), "ok"),
    ],
)
def test_failed_results_are_in_capitals(kind: str, verdict: Verdict, result: str) -> None:
    assert f"  {result}" in report.table({signal("x", kind=kind): verdict})[1]


def test_good_hosts_have_one_line_each_in_a_large_fleet() -> None:
    seen = found(*((signal(host=f"h{number}", agent_host=f"h{number}"), "ok") for number in range(6)))
    seen.update(found((signal("x", host="h0", agent_host="h0"), "absent")))
    assert [line.split()[0] for line in report.table(seen)] == [
        "h0",
        "my_metric",
        "x",
        "h1:",
        "h2:",
        "h3:",
        "h4:",
        "h5:",
    ]


def test_progress_names_the_first_two_missing_signals() -> None:
    waiting = [signal(name) for name in ("a", "b", "c", "d")]
    seen = found((signal("e"), "ok"), *((each, "absent") for each in waiting))
    assert report.progress(seen, waiting, 40.4) == "1 of 5, waiting for web1 a, web1 b and 2 more, 40 s"
    assert report.progress(seen, waiting[:1], 0.0) == "1 of 5, waiting for web1 a, 0 s"
