# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that runs checks once, with a fake Agent that prints genuine output."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import datadog_checks_info

Run = Callable[..., dict[str, Any]]

NO_TOKEN = "Error: unable to read authentication token file: open /etc/datadog-agent/auth_token: no such file"


def answer(*metrics: str, error: str = "") -> str:
    """Return the command's output for one instance, with the error as far behind as in genuine output."""
    series = {"metrics": [{"metric": name} for name in metrics]} if metrics else {}
    last = json.dumps([{"message": error, "traceback": "Traceback ..."}]) if error else ""
    runner = {"ExecutionTimes": [0] * 32, "LastError": last, "LastWarnings": []}
    return json.dumps([{"aggregator": series, "inventories": {}, "runner": runner}], indent=2)


@pytest.fixture
def prove(run_module: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Run the module on a host whose Agent is a script with the command's arguments; $2 is the check."""

    def call(script: str, *checks: tuple[str, list[str]], **options: Any) -> dict[str, Any]:
        scripts = {
            "runuser": 'shift 3; exec "$@"',
            "datadog-agent": f'cd {tmp_path}; echo "$*" >> calls; {script}',
        }
        for name, text in scripts.items():
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        result = run_module(datadog_checks_info, checks=dict(checks), **options)
        assert not result["failed"] and not result["changed"]
        result["calls"] = (tmp_path / "calls").read_text().splitlines()
        return result

    return call


def test_returns_metrics_of_each_check(prove: Run, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(answer("a.x", "a.y"))
    (tmp_path / "b.json").write_text(answer("b.x", error="no connection to redis://app:geheim@cache"))
    result = prove("cat $2.json", ("a", ["a.x"]), ("b", ["b.x"]))
    assert result["problems"] == []
    assert result["checks"] == {
        "a": {"metrics": ["a.x", "a.y"], "errors": []},
        "b": {"metrics": ["b.x"], "errors": ["no connection to redis://app:********@cache"]},
    }
    assert result["calls"] == ["check a --json", "check b --json"]


@pytest.mark.parametrize(
    ("out", "problem"),
    [
        (answer(error="(1045, 'Access denied')"), "the check a does not report a.x, a.y: (1045, 'Access denied')"),
        (answer("a.y", error="KeyError: 'x'"), "the check a does not report a.x: KeyError: 'x'"),
        (answer("a.z"), "does not report a.x, a.y: it runs without an error and reports a.z. Check which metrics it"),
        (answer(), "the check a does not report a.x, a.y: it runs without an error and reports nothing"),
        (f"Multiple check instances found, running each of them\n{answer(error='down')}", "report a.x, a.y: down"),
    ],
)
def test_missing_metrics_are_reported_with_the_reason(prove: Run, tmp_path: Path, out: str, problem: str) -> None:
    (tmp_path / "out").write_text(out)
    [said] = prove("cat out", ("a", ["a.x", "a.y"]))["problems"]
    assert problem in said


def test_reason_comes_from_stdout_if_a_check_does_not_load(prove: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text(
        "\nError: could not load a:\n* Core Check Loader: Check a not found in Catalog\n"
        "* Python Check Loader: unable to import module 'a': Traceback (most recent call last):\n"
        "  File \"a.py\", line 1, in <module>\nModuleNotFoundError: No module named 'redis'\n\n"
    )
    result = prove("cat out; echo 'Error: no valid check found' >&2; exit 255", ("a", ["a.x"]))
    assert result["problems"] == [
        "the check a does not report a.x: ModuleNotFoundError: No module named 'redis'. Fix that, and run again."
    ]


def test_unknown_check_is_reported_with_the_fix(prove: Run) -> None:
    [said] = prove("echo 'Error: no valid check found' >&2; exit 255", ("a", ["a.x"]))["problems"]
    assert "does not find it" in said and "agent.log" in said


def test_rates_need_a_second_run(prove: Run, tmp_path: Path) -> None:
    (tmp_path / "1").write_text(answer("a.gauge"))
    (tmp_path / "2").write_text(answer("a.gauge", "a.rate"))
    result = prove('case "$*" in *--check-rate*) cat 2;; *) cat 1;; esac', ("a", ["a.gauge", "a.rate"]))
    assert result["problems"] == []
    assert result["calls"] == ["check a --json", "check a --json --check-rate"]


def test_waits_for_a_starting_agent(prove: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text(answer("a.x"))
    script = f"[ $(wc -l < calls) -gt 1 ] && {{ cat out; exit; }}; echo '{NO_TOKEN}' >&2; exit 255"
    result = prove(script, ("a", ["a.x"]), wait=30)
    assert (result["problems"], len(result["calls"])) == ([], 2)


def test_waits_once_for_an_agent_that_never_starts(prove: Run) -> None:
    start = time.monotonic()
    result = prove(f"echo '{NO_TOKEN}' >&2; exit 255", ("a", ["a.x"]), ("b", ["b.x"]), wait=3)
    assert time.monotonic() - start < 12
    assert all("no such file" in said and "journalctl -u datadog-agent" in said for said in result["problems"])
    assert len(result["problems"]) == 2 and len(result["calls"]) <= 4


def test_hanging_check_is_killed(prove: Run) -> None:
    result = prove("exec sleep 600", ("a", ["a.x"]), timeout=1)
    assert result["problems"] == [
        "the check a does not report a.x: it was still running after 1 seconds. Fix that, and run again."
    ]


def test_check_without_metrics_only_has_to_run(prove: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text(answer())
    assert prove("cat out", ("a", []))["problems"] == []
    (tmp_path / "out").write_text(answer(error="down"))
    assert prove("cat out", ("a", []))["problems"] == [
        "the check a does not report any metric: down. Fix that, and run again."
    ]
