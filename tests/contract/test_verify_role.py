# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role datadog_verify as a user runs it, on a machine without an Agent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from account import ITEMS, Account

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def play(account: Account, tmp_path: Path) -> Any:
    """Run the role with these variables; return the exit status and the output."""

    def run(*arguments: str, **variables: Any) -> tuple[int, str]:
        role = {"role": "kennel.fleet.datadog_verify", "vars": variables}
        keys = {"api_key": account.standin.api_key, "app_key": account.standin.app_key, "api_url": account.standin.url}
        play = {"hosts": "all", "gather_facts": False, "roles": [role],
                "module_defaults": {"group/kennel.fleet.datadog": keys}}  # fmt: skip
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
        local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
        inventory = {"all": {"hosts": {"one": None, "two": None}, "vars": local}}
        (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory))
        env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        env["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".ansible" / "collections")
        program = Path(sys.executable).with_name("ansible-playbook")
        command = [str(program), "-i", "hosts.yml", "play.yml", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120)
        return done.returncode, done.stdout + done.stderr

    return run


def test_missing_data_is_shown_with_its_cause_and_reported(play: Any, account: Account, tmp_path: Path) -> None:
    account.run("dashboard", [ITEMS["dashboard"]])
    expects = [{"present": ["system.load.1"]}, {"objects": {"dashboards": ["shop"]}}]
    settings = {"expects": expects, "tags": ["env:a"], "fleet": "lab", "timeout": 1}
    status, output = play(**{f"datadog_verify_{name}": value for name, value in settings.items()})
    assert status != 0
    assert "fleet lab" in output and "dashboard shop" in output and "'The shop' exists" in output
    for host in ("one", "two"):
        assert f"{host}: Agent, system.load.1, tags: the Agent is not running." in output
    # The rows are in the report, not in the output.
    assert "agent_host" not in output
    rows = json.loads((tmp_path / "verify" / "verify.json").read_text())["rows"]
    assert {row["host"]: row["agent_host"] for row in rows} == {"fleet lab": "fleet lab", "one": "one", "two": "two"}
    [board] = [row for row in rows if row["signal"] == "dashboard shop"]
    assert board["ok"] and board["url"].startswith(f"{account.standin.url}/dashboard/")


def test_waiting_shows_progress(play: Any, account: Account) -> None:
    expects = [{"objects": {"dashboards": ["nowhere"]}}]
    settings = {"expects": expects, "fleet": "lab", "timeout": 7, "reports": ""}
    status, output = play(**{f"datadog_verify_{name}": value for name, value in settings.items()})
    assert status != 0 and "    0 of 3, waiting for fleet lab dashboard nowhere, 0 s\n" in output


def test_invalid_inputs_are_refused_before_any_request(play: Any, tmp_path: Path) -> None:
    status, output = play(datadog_verify_expects=[{"presence": ["x"]}], datadog_verify_timeout=0)
    assert status != 0 and not (tmp_path / "verify").exists()
    assert "one: datadog_verify_expects[0]: presence is not a known field. Did you mean present?" in output
    assert "two: datadog_verify_timeout is 0. Write a number of seconds, up to 86400." in output
