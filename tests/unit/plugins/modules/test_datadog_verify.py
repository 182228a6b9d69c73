# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that verifies arrival, with a small API."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.kennel.fleet.plugins.modules import datadog_verify
from fake_datadog import FakeApi

Run = Callable[..., dict[str, Any]]
CHECK = '"mysql.can_connect".over("kennel_fleet:lab").by("host").last(4).count_by_status()'


class Fleet:
    """The data of a fleet in the fake API, readable after ``delay`` seconds."""

    def __init__(self, fake: FakeApi) -> None:
        self.start = time.time()
        self.delay = 0.0
        self.interval = 15.0
        self.hosts = {"web1.lab": ["env:lab"], "db1": ["env:lab", "role:db"]}
        self.absent: set[str] = set()
        self.states: dict[str, str] | None = {"host:db1": "OK"}
        fake.routes["/api/v1/query"] = self.query
        fake.routes["/api/v1/hosts"] = self.list
        fake.routes["/api/v1/monitor"] = self.monitors
        fake.routes["/api/v1/dashboard"] = self.dashboards
        fake.routes["/api/v2/downtime"] = self.downtimes
        fake.routes["/api/v2/spans/events"] = self.spans
        self.searches: list[str] = []
        self.downtime = "scheduled"
        self.traces = ["4bf92f35"]

    @property
    def arrived(self) -> bool:
        return time.time() >= self.start + self.delay

    def query(self, query: dict[str, str]) -> tuple[int, Any]:
        metric, scope = re.match(r"(?:avg|sum):([\w.]+)\{(.*?)\} by", query["query"]).groups()
        names = re.split(r",|\(|\)", scope.removeprefix("host:"))
        pointlist = [[(time.time() // 1 - age * self.interval - 1) * 1000, 5.0] for age in (2, 1, 0)]
        shown = [host for host in self.hosts if host in names and self.arrived and metric not in self.absent]
        series = [{"metric": metric, "tag_set": [f"host:{host}"], "pointlist": pointlist} for host in shown]
        return 200, {"status": "ok", "series": series}

    def list(self, query: dict[str, str]) -> tuple[int, Any]:
        hosts = [{"name": name, "tags_by_source": {"Datadog": tags}} for name, tags in self.hosts.items()]
        start, count = int(query["start"]), int(query["count"])
        # The fleet is on the second page.
        listed = [*({"name": f"other{number}"} for number in range(count)), *hosts] if self.arrived else []
        return 200, {"host_list": listed[start : start + count], "total_matching": len(listed)}

    def monitors(self, query: dict[str, str]) -> tuple[int, Any]:
        assert (query["monitor_tags"], query["group_states"]) == ("managed_by:kennel,kennel_fleet:lab", "all")
        if self.states is None:
            return 200, []
        groups = {name: {"status": status} for name, status in self.states.items()}
        tags = ["managed_by:kennel", "kennel_fleet:lab", "kennel_key:mysql"]
        return 200, [{"id": 1, "query": CHECK, "tags": tags, "overall_state": "No Data", "state": {"groups": groups}}]

    def dashboards(self, query: dict[str, str]) -> tuple[int, Any]:
        mark = "managed_by:kennel kennel_fleet:{} kennel_key:board"
        return 200, {
            "dashboards": [
                {"id": "a", "title": "Ours", "description": mark.format("lab")},
                {"id": "b", "title": "Theirs", "description": mark.format("other").replace("board", "second")},
            ]
        }

    def downtimes(self, query: dict[str, str]) -> tuple[int, Any]:
        attributes = {
            "message": "managed_by:kennel kennel_fleet:lab kennel_key:nights",
            "status": self.downtime,
            "schedule": {
                "current_downtime": {"start": "2026-11-26T19:00:00+00:00", "end": "2026-11-27T09:00:00+00:00"}
            },
        }
        return 200, {"data": [{"id": "d", "attributes": attributes}]}

    def spans(self, query: dict[str, str]) -> tuple[int, Any]:
        self.searches.append(query["filter[query]"])
        return 200, {"data": [{"attributes": {"trace_id": trace}} for trace in self.traces]}


@pytest.fixture
def fleet(fake_api: FakeApi) -> Fleet:
    return Fleet(fake_api)


@pytest.fixture
def verify(fake_api: FakeApi, run_module: Run) -> Run:
    def call(**arguments: Any) -> dict[str, Any]:
        web = {
            "name": "web1",
            "host": "web1.lab",
            "tags": ["env:lab"],
            "metrics": [{"name": "my_metric", "interval": 15}],
        }
        settings = {"api_key": fake_api.api_key, "app_key": fake_api.app_key, "api_url": fake_api.url}
        wait = {"timeout": 0.6, "poll": 0.05}
        result = run_module(datadog_verify, **{**settings, "hosts": [web], "fleet": "lab", **wait, **arguments})
        assert fake_api.api_key not in str(result) and fake_api.app_key not in str(result)
        return result

    return call


DB = {"name": "db", "host": "db1", "present": ["mysql.a", "mysql.b"], "service_checks": ["mysql.can_connect"]}


def test_complete_data_succeeds(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    hosts = [
        {"name": "web1", "host": "WEB1.lab", "tags": ["env:lab"], "metrics": [{"name": "mysql.a", "interval": 15}]},
        {**DB, "tags": ["role:db"]},
    ]
    fleet.hosts["WEB1.lab"] = fleet.hosts.pop("web1.lab")
    result = verify(hosts=hosts)
    assert not result["failed"] and not result["changed"] and result["missing"] == []
    assert [row["signal"] for row in result["rows"]] == [
        "mysql.a",
        "mysql.b",
        "mysql.can_connect",
        "tags",
        "mysql.a",
        "tags",
    ]
    # One query for mysql.a of both hosts, one for mysql.b, two pages of hosts, and one list of monitors.
    assert sorted(path.rpartition("/")[2] for path, _query in fake_api.calls) == [
        "hosts",
        "hosts",
        "monitor",
        "query",
        "query",
    ]


def test_waits_for_data(verify: Run, fleet: Fleet) -> None:
    fleet.delay = 0.3
    assert not verify(timeout=5)["failed"]


def test_missing_data_fails(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    fleet.absent = {"my_metric"}
    result = verify()
    assert result["failed"] and "web1 (in Datadog web1.lab): my_metric: no point has arrived" in result["msg"]
    assert [row["ok"] for row in result["rows"]] == [False, True] and len(result["table"]) == 3
    assert result["table"][0] == "web1 (web1.lab)"
    # The tags were there at the first attempt, and are not requested again.
    assert len([path for path, _query in fake_api.calls if path.endswith("hosts")]) == 2
    assert len(fake_api.calls) > 4


def test_check_mode_queries_once(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    fleet.absent = {"my_metric"}
    result = verify(check=True, timeout=300)
    assert not result["failed"] and len(result["missing"]) == 1 and len(fake_api.calls) == 3


def test_wrong_interval(verify: Run, fleet: Fleet) -> None:
    fleet.interval = 45.0
    assert "45 s, 15 s expected. The Agent runs it at a different interval" in verify()["msg"]


def test_host_with_another_name(verify: Run, fleet: Fleet) -> None:
    fleet.hosts = {"web1": ["env:lab"]}
    result = verify()
    assert len(result["missing"]) == 1
    assert "my_metric, tags: nothing has arrived" in result["msg"] and "Datadog lists 'web1'" in result["msg"]


def test_checks_without_a_monitor_are_judged_by_metrics(verify: Run, fleet: Fleet) -> None:
    fleet.states = None
    result = verify(hosts=[DB])
    assert not result["failed"]
    assert result["rows"][-1]["detail"] == "judged by mysql.*, since no monitor watches it"
    fleet.absent = {"mysql.a"}
    assert (
        "db (in Datadog db1): mysql.can_connect: no point has arrived (judged by mysql.*" in verify(hosts=[DB])["msg"]
    )
    alone = verify(hosts=[{**DB, "present": ["system.load.1"]}])
    assert "expect a metric of the check" in alone["msg"]


def test_without_a_fleet_monitors_are_not_queried(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    assert not verify(hosts=[DB], fleet="")["failed"]
    assert not [path for path, _query in fake_api.calls if path.endswith("monitor")]


def test_key_without_permission_to_read_monitors(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    fake_api.routes["/api/v1/monitor"] = lambda query: (403, {"errors": ["Forbidden"]})
    assert not verify(hosts=[DB])["failed"]


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (
            {"host:db1": "Alert"},
            "says Alert. Run the check to see its error: `sudo -u dd-agent datadog-agent check mysql` on db.",
        ),
        ({"host:other": "OK"}, "not seen it"),
    ],
)
def test_check_whose_monitor_is_not_ok(verify: Run, fleet: Fleet, states: dict[str, str], words: str) -> None:
    fleet.states = states
    message = verify(hosts=[DB])["msg"]
    assert "db (in Datadog db1): mysql.can_connect: its monitor " in message and words in message


def test_monitor_that_stays_in_alert_is_not_waited_for(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    fleet.states = {"host:db1": "Alert"}
    result = verify(hosts=[DB], timeout=300, alert_timeout=0.2)
    assert [line.split()[:2] for line in result["table"]] == [
        ["db", "(db1)"], ["mysql.*", "ok"], ["mysql.can_connect", "ALERT"]
    ]  # fmt: skip
    assert re.match("Datadog does not show 1 of 3 expected signals after [0-3] s:", result["msg"])
    # A monitor that recovers in time is waited for.
    answers = iter([{"host:db1": "Alert"}, {"host:db1": "OK"}])

    def states(query: dict[str, str]) -> tuple[int, Any]:
        fleet.states = next(answers)
        return fleet.monitors(query)

    fake_api.routes["/api/v1/monitor"] = states
    assert not verify(hosts=[DB], timeout=300, alert_timeout=30)["failed"]


def test_progress_names_missing_signals(verify: Run, fleet: Fleet, tmp_path: Path) -> None:
    fleet.absent = {"my_metric"}
    verify(progress=str(tmp_path / "progress"))
    lines = (tmp_path / "progress").read_text().splitlines()
    assert len(lines) > 1 and set(lines) <= {f"1 of 2, waiting for web1 my_metric, {seconds} s" for seconds in (0, 1)}


def test_wrong_keys_fail_at_once(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    result = verify(app_key="c" * 40, timeout=300)
    assert result["failed"] and "datadog_app_key" in result["msg"] and len(fake_api.calls) == 1
    assert result["missing"] == [result["msg"]]
    assert "DD_API_KEY" in verify(api_key="", timeout=300)["msg"]


def test_temporary_api_errors(verify: Run, fleet: Fleet, fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    # The first attempt finds nothing. Later ones get a rate limit, and more errors than a call's retries.
    fleet.delay = 0.5
    slow = (429, "<html>Too many requests</html>", {"x-ratelimit-reset": "1, 1"})
    answers = iter([None, *[slow] * 4, *[(503, "")] * 3])
    fake_api.routes["/api/v1/query"] = lambda query: next(answers, None) or fleet.query(query)
    assert not verify(timeout=10)["failed"]


def test_permanent_api_error(verify: Run, fleet: Fleet, fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    answers = iter([None])
    fleet.absent = {"my_metric"}
    fake_api.routes["/api/v1/query"] = lambda query: next(answers, (503, "gone")) or fleet.query(query)
    result = verify()
    assert "The API also failed: GET" in result["msg"] and "my_metric" in result["msg"]


def test_error_in_a_successful_response(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    fake_api.routes["/api/v1/query"] = lambda query: (200, {"status": "error", "error": "Query timed out"})
    assert "Query timed out" in verify()["msg"]


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ({"host": "a,b"}, "'a,b' is not a host name"),
        ({"host": "x} by {"}, "is not a host name"),
        ({"metrics": [{"name": "m{*}"}]}, "'m{*}' is not a metric name"),
        ({"metrics": [{"name": "m", "interval": 0}]}, "interval of m is not greater than 0"),
        ({"metrics": [{"name": "m", "min": 2, "max": 1}]}, "min of m is above its max"),
        ({"host": "DB1"}, "reports as 'DB1', like db"),
    ],
)
def test_invalid_arguments_are_refused(verify: Run, fake_api: FakeApi, host: dict[str, Any], words: str) -> None:
    result = verify(hosts=[DB, {"name": "x", "host": "x", **host}])
    assert result["failed"] and words in result["msg"] and not fake_api.calls
    assert "poll is not greater than 0" in verify(poll=0)["msg"]


def test_nothing_to_verify(verify: Run, fake_api: FakeApi) -> None:
    result = verify(hosts=[])
    assert not result["failed"] and result["rows"] == [] and not fake_api.calls


AGENT = {"active": True, "key": "API Key valid", "delivery": {}, "checks": {}}
WEB = {"name": "web1", "host": "web1.lab", "metrics": [{"name": "my_metric", "interval": 15}], "agent": AGENT}
SERVICE = {"name": "shop", "operation": "flask.request"}
OBJECTS = {"dashboards": ["board"], "monitors": ["mysql"], "downtimes": ["nights"]}


def test_complete_loop(verify: Run, fleet: Fleet, tmp_path: Path) -> None:
    result = verify(hosts=[{**WEB, "services": [SERVICE]}], objects=OBJECTS, reports=str(tmp_path / "new"))
    assert not result["failed"], result["msg"]
    assert {row["signal"]: row["detail"] for row in result["rows"]} == {
        "dashboard board": "'Ours' exists",
        "downtime nights": "2026-11-26T19:00 to 2026-11-27T09:00",
        "monitor mysql": "evaluated: 1 OK",
        "Agent": "API Key valid",
        "my_metric": "3 points, every 15 s",
        "traces shop": "15 requests to flask.request, trace 4bf92f35",
    }
    assert fleet.searches == ["service:shop operation_name:flask.request host:web1.lab"]
    written = json.loads((tmp_path / "new" / "verify.json").read_text())
    assert written["rows"] == result["rows"]
    suites = ElementTree.parse(tmp_path / "new" / "verify.xml").getroot()
    assert {suite.get("name"): (suite.get("tests"), suite.get("failures")) for suite in suites} == {
        "fleet lab": ("3", "0"),
        "web1": ("3", "0"),
    }


def test_rows_have_the_addresses_of_hosts_and_objects(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    wanted = {"dashboards": ["board", "gone"], "monitors": ["mysql"], "downtimes": ["nights"]}
    rows = verify(hosts=[WEB], objects=wanted)["rows"]
    assert {row["signal"]: row["url"] and row["url"].removeprefix(fake_api.url) for row in rows} == {
        "dashboard board": "/dashboard/a",
        "dashboard gone": None,
        "monitor mysql": "/monitors/1",
        "downtime nights": "/monitors/downtimes/d",
        **dict.fromkeys(("Agent", "my_metric"), "/infrastructure?filter=web1.lab"),
    }


def test_agents_report_names_and_start_times(verify: Run, fleet: Fleet) -> None:
    plain = {"name": "web1", "metrics": [{"name": "my_metric"}], "services": [SERVICE]}
    agent = {**AGENT, "hostname": "web1.lab", "since": 0.0, "requested": None}
    assert not verify(hosts=[plain], agents={"web1": agent, "other": {}})["failed"]
    # Without a response from the Agent, the name is the inventory's.
    assert "web1: my_metric" in verify(hosts=[plain])["msg"]
    late = verify(hosts=[plain], agents={"web1": {**agent, "requested": time.time() + 300}})["missing"]
    assert len(late) == 1 and "traces shop: no request has been counted" in late[0]


def test_reports_agree_with_the_result(verify: Run, fleet: Fleet, tmp_path: Path) -> None:
    agent = {**AGENT, "checks": {"my_metric": "division by \x07 zero"}}
    fleet.absent = {"my_metric"}
    result = verify(hosts=[{**WEB, "agent": agent}], reports=str(tmp_path))
    assert result["failed"]
    (failure,) = ElementTree.parse(tmp_path / "verify.xml").getroot().iter("failure")
    assert failure.get("message") == "no point has arrived"
    assert failure.text == "The check my_metric fails there: division by   zero. Fix that, and verify again."
    assert [row["ok"] for row in json.loads((tmp_path / "verify.json").read_text())["rows"]] == [True, False]


def test_report_that_cannot_be_written(verify: Run, fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "Set it to a writable folder" in verify(hosts=[WEB], reports=str(tmp_path / "file"))["msg"]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ({"active": False}, "web1 (in Datadog web1.lab): Agent, my_metric, system.load.1: the Agent is not running."),
        (
            {"key": "API Key invalid"},
            "it says: API Key invalid. Datadog rejects the API key. Set datadog_api_key and datadog_site, since",
        ),
        ({"delivery": {"413": 2}}, "The Agent does not deliver (HTTP 413: 2, since its start): payloads are too large"),
        (
            {"checks": {"my_metric": "KeyError: 'x'"}},
            "no point has arrived. The check my_metric fails there: KeyError",
        ),
        ({}, "Check there that the Agent runs"),
    ],
)
def test_causes_that_the_agent_reports(verify: Run, fleet: Fleet, agent: dict[str, Any], words: str) -> None:
    fleet.hosts = {}
    web = {**WEB, "present": ["system.load.1"], "agent": {**AGENT, **agent}}
    assert words in verify(hosts=[web])["msg"]


def test_stopped_agent_is_not_waited_for(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    # Its last points are recent, but it counts as unobserved.
    result = verify(hosts=[{**WEB, "agent": {**AGENT, "active": False}}], timeout=300)
    assert [row["signal"] for row in result["rows"] if not row["ok"]] == ["Agent"] and len(fake_api.calls) == 1


def test_agents_error_comes_before_the_monitors_status(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    result = verify(hosts=[{**DB, "agent": {**AGENT, "checks": {"mysql": "Can't connect"}}}], timeout=300)
    [line] = result["missing"]
    assert line.startswith("db (in Datadog db1): mysql.can_connect: Can't connect. The check fails there now. Fix")
    assert len([path for path, _query in fake_api.calls if path.endswith("query")]) == 2


def test_requests_without_a_kept_trace(verify: Run, fleet: Fleet, fake_api: FakeApi) -> None:
    fleet.traces = []
    assert "no retained trace" in verify(hosts=[{**WEB, "services": [SERVICE]}])["rows"][-1]["detail"]
    fake_api.routes["/api/v2/spans/events"] = lambda query: (403, {"errors": ["Forbidden"]})
    assert not verify(hosts=[{**WEB, "services": [SERVICE]}])["failed"]


def test_requests_that_are_not_counted(verify: Run, fleet: Fleet) -> None:
    late = {**SERVICE, "since": time.time() + 300}
    message = verify(hosts=[{**WEB, "services": [late]}])["msg"]
    assert "traces shop: no request has been counted. Check on the host" in message and "8126" in message


def test_objects_that_are_missing_or_not_evaluated(verify: Run, fleet: Fleet) -> None:
    fleet.states, fleet.downtime = {}, "canceled"
    wanted = {"dashboards": ["board", "second"], "monitors": ["mysql", "gone"], "downtimes": ["nights"]}
    lines = verify(hosts=[WEB], objects=wanted)["missing"]
    assert lines == [
        "fleet lab: dashboard second: it does not exist. Run the playbook kennel.fleet.objects, which creates it.",
        "fleet lab: downtime nights: it does not exist. Run the playbook kennel.fleet.objects, which creates it.",
        "fleet lab: monitor gone: it does not exist. Run the playbook kennel.fleet.objects, which creates it.",
        "fleet lab: monitor mysql: it has not been evaluated yet. Datadog evaluates new monitors and new hosts"
        " after some minutes (new_host_delay). Verify again.",
    ]
    part = verify(hosts=[WEB], objects={"monitors": ["mysql"], "evaluated": False})
    assert next(row["detail"] for row in part["rows"]) == "it has not been evaluated yet" and not part["failed"]
    assert "objects needs fleet" in verify(hosts=[WEB], objects=OBJECTS, fleet="")["msg"]


def test_long_wait_needs_few_queries(
    verify: Run, fleet: Fleet, fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    really = time.sleep

    def sleep(seconds: float) -> None:
        # Threads of earlier tests still sleep.
        if threading.current_thread() is not threading.main_thread():
            return really(seconds)
        clock[0] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    present = [f"m{i}" for i in range(10)]
    hosts = [{"name": f"h{i}", "host": f"h{i}", "present": present} for i in range(50)]
    assert len(verify(hosts=hosts, timeout=300, poll=5)["missing"]) == 50
    assert clock[0] == pytest.approx(1300)
    assert len(fake_api.calls) < 200
