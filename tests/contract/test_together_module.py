# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that manages dashboards, monitors and downtimes in one call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from account import ITEMS, KINDS, Account, Body
from ansible_collections.kennel.fleet.plugins.modules import datadog_objects


@pytest.fixture
def together(account: Account, run_module: Callable[..., Body]) -> Callable[..., Body]:
    """Run datadog_objects with the keys of the account."""
    standin = account.standin
    keys = {"api_key": standin.api_key, "app_key": standin.app_key, "api_url": standin.url, "fleet": "lab"}
    return lambda **arguments: run_module(datadog_objects, **keys, **arguments)


ALL = {f"{kind}s": [ITEMS[kind]] for kind in KINDS}


def test_one_call_manages_all_kinds_and_returns_a_summary(together: Callable[..., Body], tmp_path: Path) -> None:
    folder = tmp_path / "new" / "reports"
    checked = together(check=True, reports=str(folder), **ALL)
    assert checked["changed"] and checked["summary"]["check"] and checked["urls"] == []
    made = together(reports=str(folder), **ALL)
    assert made["changed"] and not made["failed"] and len(made["diff"]) == 3
    assert [url.startswith("http") for url in made["urls"]] == [True]
    assert made["summary"]["counts"] == {"created": 3, "changed": 0, "deleted": 0, "unchanged": 0}
    assert json.loads((folder / "objects.json").read_text()) == made["summary"]
    assert [path.name for path in folder.iterdir()] == ["objects.json"]
    again = together(**ALL)
    assert not again["changed"] and again["diff"] == [] and not again["summary"]["differs"]
    assert again["urls"] == made["urls"]


def test_kinds_that_are_not_given_are_left_alone(together: Callable[..., Body], account: Account) -> None:
    together(**ALL)
    result = together(monitors=[], prune=True)
    assert result["summary"]["counts"]["deleted"] == 1 and set(result["summary"]["objects"]) == {"monitors"}
    assert account.there("dashboard") and account.there("downtime") and not account.there("monitor")


def test_unlisted_objects_cause_one_warning(together: Callable[..., Body], warnings: list[str]) -> None:
    together(**ALL)
    result = together(**{**ALL, "monitors": [], "downtimes": []})
    assert [each["key"] for each in result["unlisted"]] == ["load", "nights"]
    [warning] = warnings
    assert warning.startswith(
        "2 objects are no longer listed: monitor load, downtime nights. Remove them with state: absent, or"
    )
    assert not together(**ALL)["unlisted"]


def test_problems_of_all_kinds_are_reported_together_before_any_change(
    together: Callable[..., Body], account: Account, tmp_path: Path
) -> None:
    wrong = {f"{kind}s": [{**ITEMS[kind], "wrong": 1}] for kind in KINDS}
    refused = together(reports=str(tmp_path / "reports"), **wrong)
    assert refused["failed"] and not refused["changed"]
    assert [problem.partition("[")[0] for problem in refused["problems"]] == ["dashboards", "monitors", "downtimes"]
    assert all(account.there(kind) == [] for kind in KINDS) and not (tmp_path / "reports").exists()


def test_failure_reports_completed_changes(together: Callable[..., Body], account: Account) -> None:
    refused = together(
        dashboards=ALL["dashboards"],
        monitors=[{**ITEMS["monitor"], "type": "composite", "query": "123 && 456", "options": {}}],
    )
    assert refused["failed"] and refused["changed"] and "Datadog rejects it" in refused["msg"]
    assert refused["summary"]["objects"]["dashboards"]["created"] and len(refused["diff"]) == 1
    assert account.there("dashboard") and not account.there("monitor")


def test_report_that_cannot_be_written_is_named(together: Callable[..., Body], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = together(reports=str(tmp_path / "file"), **ALL)
    assert result["failed"] and result["msg"].startswith("reports: ") and result["changed"]
