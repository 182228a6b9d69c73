# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module datadog_monitors with the stand-in Datadog."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from account import ITEMS, Account
from ansible_collections.kennel.fleet.plugins.filter.monitor_export import monitor_export

ROOT = Path(__file__).parents[2]
MONITOR = ITEMS["monitor"]
QUERY = MONITOR["query"]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"name": "Renamed"}, "name: Renamed\n"),
        ({"message": "Other words."}, "message: Other words.\n"),
        ({"tags": ["team:other"]}, "tags:\n- team:other\n"),
        ({"priority": 0}, "priority: null\n"),
        ({"type": "query alert"}, None),
        ({"query": QUERY.strip()}, None),
        ({"options": {**MONITOR["options"], "notify_audit": False, "include_tags": True}}, None),
        ({"options": {**MONITOR["options"], "new_host_delay": 60}}, "options:\n  new_host_delay: 60\n"),
        ({"options": {**MONITOR["options"], "thresholds": {"critical": "8.0"}}}, "options: {}\n"),
        (
            {"query": QUERY.replace("8", "9"), "options": {**MONITOR["options"], "thresholds": {"critical": 9}}},
            "query: avg(last_5m):avg:system.load.1{*} by {host} > 9\noptions: {}\n",
        ),
    ],
)
def test_each_kind_of_change(account: Account, change: dict[str, Any], shown: str | None) -> None:
    account.actions("monitor", [MONITOR])
    result = account.run("monitor", [{**MONITOR, **change}])
    assert [diff["after"] for diff in result["diff"]] == ([] if shown is None else [shown])
    assert account.actions("monitor", [{**MONITOR, **change}]) == ["unchanged"]


def test_manual_changes_are_kept_or_reverted(account: Account) -> None:
    account.actions("monitor", [MONITOR])
    client = account.client()
    [found] = account.there("monitor")
    client.put(f"monitor/{found['id']}", {"options": {**found["options"], "silenced": {"*": None}}})
    assert account.actions("monitor", [MONITOR]) == ["unchanged"]
    client.put(f"monitor/{found['id']}", {"options": {**found["options"], "renotify_interval": 60}})
    assert account.actions("monitor", [MONITOR]) == ["updated"]
    client.put(f"monitor/{found['id']}", {"priority": 1, "tags": [*found["tags"], "by:hand"]})
    result = account.run("monitor", [MONITOR])
    assert result["diff"][0]["before"] == "tags:\n- by:hand\n- env:prod\n- team:shop\npriority: 1\n"
    assert account.actions("monitor", [MONITOR]) == ["unchanged"]


def test_assets_are_compared_although_lists_omit_them(account: Account) -> None:
    client = account.client()
    pages = client.pages
    client.pages = lambda *path, **asked: ({**found, "assets": []} for found in pages(*path, **asked))  # type: ignore
    item = {**MONITOR, "assets": [{"category": "runbook", "name": "What to do", "url": "https://example.com/do"}]}
    for expected in ("created", "unchanged"):
        assert account.actions("monitor", [item], client=client) == [expected]
    assert account.actions("monitor", [{**item, "assets": []}], client=client) == ["updated"]


def test_muted_monitor_is_exported_and_adopted(account: Account) -> None:
    number = account.make("monitor", MONITOR)
    account.client().post(f"monitor/{number}/mute", {})
    [found] = account.there("monitor")
    assert found["options"]["silenced"] == {"*": None}
    assert account.actions("monitor", [monitor_export(found)], adopt=True) == ["adopted"]
    assert account.actions("monitor", [{**found, "key": "load"}]) == ["unchanged"]
    assert account.there("monitor")[0]["options"]["silenced"] == {"*": None}


def test_datadog_validates_monitors_before_any_change(account: Account) -> None:
    # Only Datadog knows which monitors exist.
    wrong = {**MONITOR, "key": "wrong", "type": "composite", "query": "12345 && 67890", "options": {}}
    also = {**wrong, "key": "also"}
    for check in (True, False):
        refused = account.run("monitor", [MONITOR, wrong, also], check=check)
        assert refused["failed"] and not refused["changed"] and account.there("monitor") == []
        assert [problem.split(":")[0] for problem in refused["problems"]] == ["wrong", "also"]
        assert "Datadog rejects it: Some monitor IDs are invalid" in refused["msg"]
    account.actions("monitor", [MONITOR])
    refused = account.run("monitor", [{**wrong, "key": MONITOR["key"]}], check=True)
    assert refused["failed"] and "monitor IDs are invalid" in refused["msg"]


def test_type_change_recreates_the_monitor(account: Account) -> None:
    check = {
        **MONITOR,
        "type": "service check",
        "query": '"ntp.in_sync".over("*").by("host").last(2).count_by_status()',
    }
    check["options"] = {"thresholds": {"warning": 1, "critical": 1, "ok": 1}}
    account.actions("monitor", [MONITOR])
    [before] = account.there("monitor")
    result = account.run("monitor", [check])
    [after] = account.there("monitor")
    assert result["items"][0]["action"] == "updated" and "recreated" in result["items"][0]["note"]
    assert result["items"][0]["id"] == after["id"] != before["id"]
    assert account.actions("monitor", [check]) == ["unchanged"]


def test_existing_monitor_is_exported_and_adopted(account: Account) -> None:
    account.make("monitor", MONITOR)
    [found] = account.there("monitor")
    exported = monitor_export(found)
    assert exported["key"] == "load" and not {"id", "created", "overall_state", "creator"} & set(exported)
    adopted = account.run("monitor", [exported], adopt=True)
    assert adopted["items"][0]["action"] == "adopted" and adopted["diff"][0]["before"] == ""
    assert account.actions("monitor", [exported]) == ["unchanged"]
    assert monitor_export(account.there("monitor")) == [exported]


def test_more_monitors_than_fit_on_a_page(account: Account) -> None:
    """Of two fleets. They are listed by fleet, and completely to adopt one."""
    items = [{**MONITOR, "key": f"k{number}", "name": f"N{number}"} for number in range(2)]
    client = account.client()
    for number in range(1010):
        body = {"name": f"Other {number}", "type": "query alert", "query": QUERY.strip(), "message": "", "tags": []}
        client.post("monitor", body)
    account.make("monitor", items[1])
    assert account.actions("monitor", items, adopt=True) == ["created", "adopted"]
    assert account.actions("monitor", items, adopt=True) == ["unchanged", "unchanged"]
    assert len(account.there("monitor")) == 1012
    assert account.actions("monitor", [], prune=True) == ["deleted", "deleted"]


PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  module_defaults:
    group/kennel.fleet.datadog: {{api_url: "{url}"}}
  tasks:
    - name: Keep the monitors
      kennel.fleet.datadog_monitors: {arguments}
"""


def play(folder: Path, account: Account, arguments: dict[str, Any], *options: str) -> str:
    """Return the output of ansible-playbook for a play with the module."""
    file = folder / "play.yml"
    file.write_text(PLAY.format(url=account.standin.url, arguments=json.dumps(arguments)))
    env = {**os.environ, "DD_API_KEY": account.standin.api_key, "DD_APP_KEY": account.standin.app_key}
    env |= {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}
    program = Path(sys.executable).parent / "ansible-playbook"
    ran = subprocess.run(
        [program, "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}", str(file), *options],
        cwd=ROOT,
        env=env | {"ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ran.stdout + ran.stderr


def test_in_a_play(account: Account, tmp_path: Path) -> None:
    plain = {**MONITOR, "message": "No data."}
    arguments = {"fleet": "lab", "monitors": [plain]}
    checked = play(tmp_path, account, arguments, "--check", "--diff")
    assert "changed=1" in checked and "+name: Load" in checked and account.there("monitor") == []
    made = play(tmp_path, account, arguments, "-vvv")
    assert "changed=1" in made and account.standin.app_key not in made and account.standin.api_key not in made
    refused = play(tmp_path, account, {**arguments, "monitors": [{**plain, "nme": 1}]})
    assert "failed=1" in refused and "Did you mean name?" in refused
