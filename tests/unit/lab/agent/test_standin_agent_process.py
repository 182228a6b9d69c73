"""The stand-in Agent as a process, running other people's checks on the genuine datadog-checks-base."""

from __future__ import annotations

import itertools
import json
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_checks import BAD, ENDLESS, GOOD, PASSWORD, install
from agent_process import KEY, Agent, eventually

SAYING = {name: check.says for name, check in {**GOOD, **BAD}.items() if check.says}


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    # The path is short, because socket paths are limited to about 100 characters.
    with tempfile.TemporaryDirectory(prefix="kennel-") as folder:
        found = Agent(Path(folder), env="test", tags=["team:dogs"], unknown_key={"kept": True})
        install(found.folder)
        try:
            found.start_core()
            eventually(lambda: everything_ran(found))
            yield found
        finally:
            found.close()


def status_of(agent: Agent) -> dict[str, Any]:
    return dict(json.loads(agent.verb("status", "--json")))


def everything_ran(agent: Agent) -> bool:
    status = status_of(agent)
    checks = status["runnerStats"]["Checks"]
    ran = {name for name, found in checks.items() if all(instance["TotalRuns"] for instance in found.values())}
    failed = {**status["checkSchedulerStats"]["LoaderErrors"], **status["autoConfigStats"]["ConfigErrors"]}
    waiting = {*GOOD, *BAD} - ran - failed.keys() - {"unsaid"}
    return not waiting and next(iter(checks["good"].values()))["TotalRuns"] >= 4


@pytest.mark.parametrize(("name", "says"), SAYING.items(), ids=SAYING)
def test_status_shows_what_is_wrong_with_a_check(agent: Agent, name: str, says: str) -> None:
    # The text form has its own quotes.
    answer = agent.verb("status").replace("''", "'")
    assert says in answer
    assert PASSWORD not in answer


def test_status_says_why_a_check_was_not_loaded(agent: Agent) -> None:
    status = status_of(agent)
    errors = status["checkSchedulerStats"]["LoaderErrors"]
    not_loaded = {"json", "no_syntax", "no_import", "no_class", "no_module", "no_constructor", "no_interval", "no_tags"}
    assert set(errors) == not_loaded
    # Both loaders failed; the first one's error never names the cause.
    assert errors["no_import"]["Core Check Loader"] == "Check no_import not found in Catalog"
    reason = errors["no_import"]["Python Check Loader"]
    assert reason.startswith("unable to import module 'no_import': Traceback")
    # The traceback only has frames from the check's own file.
    assert re.findall(r'File "(.*?)"', reason) == [str(agent.folder / "checks.d/no_import.py")]
    configure = status["pyLoaderStats"]["ConfigureErrors"]
    assert set(configure) == {"no_constructor (unversioned)", "no_tags (unversioned)"}
    [text] = configure["no_constructor (unversioned)"]
    assert text in errors["no_constructor"]["Python Check Loader"]
    assert "ValueError: refused to start" in text and "unexpected keyword argument 'agentConfig'" in text
    assert status["autoConfigStats"]["ConfigErrors"] == {
        "no_instances": "Configuration file contains no valid instances",
        "no_yaml": "not valid YAML, line 3: expected ',' or '}', but got '<stream end>'",
    }


def test_status_has_the_genuine_format(agent: Agent) -> None:
    status = status_of(agent)
    assert status["agent_metadata"]["flavor"].startswith("lab stand-in")
    assert (status["hostname"], status["hostnameStats"]["provider"]) == ("agent-name", "configuration")
    [entry] = status["runnerStats"]["Checks"]["no_run"].values()
    assert entry["TotalErrors"] == entry["TotalRuns"]
    assert json.loads(entry["LastError"])[0]["message"] == "failed with ********"
    forwarder = status["forwarderStats"]
    assert forwarder["APIKeyStatus"] == {f"API key ending with {KEY[-4:]}": "API Key valid"}
    assert forwarder["APIKeyFailure"] == {}
    assert "LastError" not in forwarder
    assert KEY not in json.dumps(status)


@pytest.mark.parametrize(("name", "loader"), [("good", "python"), ("gpu", "python"), ("ntp", "core")])
def test_go_checks_take_precedence_over_python_checks(agent: Agent, name: str, loader: str) -> None:
    [entry] = status_of(agent)["runnerStats"]["Checks"][name].values()
    assert entry["CheckLoader"] == loader
    assert entry["Interval"] == (1 if name == "good" else 15) * 10**9


def test_configcheck_shows_sources_and_errors_without_values(agent: Agent) -> None:
    answer = agent.verb("configcheck")
    assert str(agent.folder / "conf.d/good.d/conf.yaml") in answer
    assert "no_yaml" in answer
    assert PASSWORD not in answer


def test_health_hostname_and_version_commands(agent: Agent) -> None:
    assert agent.verb("hostname") == "agent-name\n"
    assert agent.verb("health").startswith("Agent health: PASS\n=== 2 healthy components ===\n")
    assert json.loads(agent.verb("health", "--json"))["Unhealthy"] == []
    assert "stand-in" in agent.verb("version")


def test_first_run_creates_the_files_for_the_command_line(agent: Agent) -> None:
    for name in ("auth_token", "ipc_cert.pem"):
        assert (agent.folder / name).stat().st_mode & 0o777 == 0o600
    certificate = (agent.folder / "ipc_cert.pem").read_text(encoding="ascii")
    assert "BEGIN CERTIFICATE" in certificate and "PRIVATE KEY" in certificate


@pytest.mark.parametrize("verb", ["status", "health", "configcheck", "check"])
@pytest.mark.parametrize("lacks", ["auth_token", "ipc_cert.pem"])
def test_commands_need_these_files(agent: Agent, verb: str, lacks: str) -> None:
    aside = agent.folder / "aside"
    (agent.folder / lacks).rename(aside)
    try:
        answer = agent.ask(verb, *(["good"] if verb == "check" else []))
    finally:
        aside.rename(agent.folder / lacks)
    assert (answer.returncode, answer.stdout) == (255, "")
    assert answer.stderr.startswith("Error: unable to fetch ")
    assert f"open {agent.folder / lacks}: no such file or directory" in answer.stderr


def test_wrong_token_is_refused(agent: Agent) -> None:
    token = agent.folder / "auth_token"
    right = token.read_text(encoding="ascii")
    token.write_text("0" * 64, encoding="ascii")
    try:
        answer = agent.ask("status")
    finally:
        token.write_text(right, encoding="ascii")
    assert (answer.returncode, answer.stdout) == (255, "")
    assert answer.stderr.startswith("Error: could not reach agent")


@pytest.mark.parametrize("arguments", [["no_such_verb"], ["check"], ["check", "good", "-j"], ["status", "--nonsense"]])
def test_unknown_command_exits_with_255(agent: Agent, arguments: list[str]) -> None:
    answer = agent.ask(*arguments)
    assert answer.returncode == 255
    assert answer.stderr.startswith("Error: ")


def test_check_prints_what_one_run_submits(agent: Agent) -> None:
    answer = agent.ask("check", "good", "--json")
    assert answer.returncode == 0, answer.stderr
    [result] = json.loads(answer.stdout)
    assert list(result) == ["aggregator", "inventories", "runner"]
    [metric] = result["aggregator"]["metrics"]
    [[timestamp, value]] = metric.pop("points")
    assert abs(timestamp - time.time()) < 10
    assert value == 1
    expected = {"metric": "good", "tags": ["b:ü", "service:shop", "who:me"], "host": "agent-name"}
    assert metric == expected | {"type": "gauge", "interval": 0}
    assert list(result["aggregator"]) == [
        "metrics"
    ]  # Fields that were not submitted are missing, as in the genuine output.
    assert "in the way" in answer.stderr


def test_check_that_raises_does_not_fail_the_command(agent: Agent) -> None:
    answer = agent.ask("check", "no_run", "--json")
    assert answer.returncode == 0, answer.stderr
    runner = json.loads(answer.stdout)[0]["runner"]
    assert json.loads(runner["LastError"])[0]["message"] == "failed with ********"
    assert (runner["TotalRuns"], runner["TotalErrors"], runner["LastSuccessDate"]) == (1, 1, 0)
    # It must be found even behind 32 lines of durations, which are not truncated.
    assert len(runner["ExecutionTimes"]) == 32
    assert 900 < answer.stdout.index('"LastError"') < 1500


def test_check_command_runs_every_instance_the_given_number_of_times(agent: Agent) -> None:
    line, _, answer = agent.verb("check", "remembers", "--json", "--check-times", "3", "--delay", "0").partition("\n")
    assert line == "Multiple check instances found, running each of them"
    runs = [entry["runner"]["TotalRuns"] for entry in json.loads(answer)]
    assert runs == [3, 3]


def test_persistent_cache_survives_the_process(agent: Agent) -> None:
    runs = [json.loads(agent.verb("check", "remembers", "--json").partition("\n")[2]) for _ in range(2)]
    first, second = (run[0]["aggregator"]["metrics"][0]["points"][0][1] for run in runs)
    assert second > first > 1  # The running Agent's own run came before both.


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "no_syntax",
            ["Error: could not load no_syntax:", "* Core Check Loader: Check no_syntax not found in Catalog"],
        ),
        ("no_yaml", ["Error: invalid config for no_yaml: not valid YAML"]),
        ("absent", [""]),
        ("unsaid", [""]),
    ],
)
def test_check_command_prints_why_there_is_nothing_to_run(agent: Agent, name: str, lines: list[str]) -> None:
    answer = agent.ask("check", name, "--json")
    assert (answer.returncode, answer.stderr) == (255, "Error: no valid check found\n")
    found = answer.stdout.strip().splitlines() or [""]
    assert [line[: len(start)] for line, start in zip(found, lines, strict=False)] == lines
    assert PASSWORD not in answer.stdout


def test_data_is_complete_when_the_agent_stops(agent: Agent) -> None:
    """Last in this file, because it stops the Agent, which then flushes everything."""
    started = time.monotonic()
    agent.stop()
    assert time.monotonic() - started < 5
    good = points(agent, "good")
    assert len(good) >= 4
    # Whole seconds: a run near half a second may be rounded either way.
    assert all(0 <= later[0] - earlier[0] <= 2 for earlier, later in itertools.pairwise(good))
    assert good[-1][0] - good[0][0] <= len(good)  # One a second on average: no run was skipped.
    assert sorted(good[0][1]["tags"]) == ["b:ü", "service:shop", "who:me"]
    assert good[0][1]["resources"] == [{"type": "host", "name": "agent-name"}]
    assert points(agent, "old")[0][1]["tags"] == ["device:sda", "host_is:agent-name"]
    assert points(agent, "packaged")[0][1]["tags"] == ["First"]
    assert points(agent, "like_a_module")[0][1]["points"][0]["value"] == 4
    assert points(agent, "datadog.agent.running")
    assert points(agent, "gpu.mine") and not points(agent, "ntp.mine")
    [odd] = {json.dumps([entry["tags"], entry["resources"]]) for _, entry in points(agent, "odd")}
    assert json.loads(odd) == [["half:?", "port:1"], [{"type": "host", "name": "7"}]]
    assert not points(agent, "odd.much") + points(agent, "")

    runs = [entry for body in agent.documents("/api/v1/check_run") for entry in body]
    status = {entry["tags"][0]: entry["status"] for entry in runs if entry["check"] == "datadog.agent.check_status"}
    fine = {f"check:{name}": 0 for name in GOOD} | {"check:asks": 1}
    assert status == fine | {f"check:{name}": 2 for name in ("no_run", "exits", "takes_a_name", "zed")}
    said = next(entry for entry in runs if entry["check"] == "asks.said")
    assert said["message"] == "agent-name|agent-name|test|v|hello|0|7"
    assert said["host_name"] == ""
    assert {(entry["check"], entry["status"], *entry["tags"]) for entry in runs if "." not in entry["check"]} == {
        ("odd", 3)
    }

    intake = agent.documents("/intake/")
    metadata = next(body for body in intake if "host-tags" in body)
    assert metadata["host-tags"] == {"system": ["team:dogs", "env:test"]}
    assert metadata["internalHostname"] == "agent-name"
    [event] = next(body["events"]["mine"] for body in intake if "events" in body)
    assert event["msg_title"] == "T"
    assert not {"api_key", "unknown"} & set(event)

    log = (agent.folder / "agent.log").read_text(encoding="utf-8")
    assert "from the check" in log
    assert all(name not in log for name in ENDLESS)
    assert KEY not in log
    assert PASSWORD not in log


def points(agent: Agent, metric: str) -> list[tuple[int, dict[str, Any]]]:
    """Return (timestamp, series) of every point of a metric, sorted by time."""
    found = [
        (point["timestamp"], entry)
        for body in agent.documents("/api/v2/series")
        for entry in body["series"]
        if entry["metric"] == metric
        for point in entry["points"]
    ]
    return sorted(found, key=lambda item: item[0])
