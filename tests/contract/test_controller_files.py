# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Playbooks write the API keys to no file on the controller, whatever its ansible.cfg says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from account import Account

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
OBJECTS = ["-e", "kennel_ask_hosts=false"]


@pytest.fixture
def left(account: Account, tmp_path: Path) -> Any:
    """Run an Ansible program on a controller without pipelining that keeps all files.

    Return its output, and the remaining files that contain a key.
    """
    keys = (account.standin.api_key, account.standin.app_key)
    local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    everywhere = {
        "datadog_api_key": keys[0],
        "datadog_app_key": keys[1],
        "datadog_api_url": account.standin.url,
        "datadog_objects_fleet": "left",
        "datadog_objects_notify": "@me@example.com",
        "datadog_verify_timeout": 1,
    }
    inventory = {"all": {"hosts": {"localhost": local}, "vars": everywhere}, "monitored": {"hosts": {"one": local}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    (tmp_path / "ansible.cfg").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "rm").write_text("#!/bin/sh\n", encoding="utf-8")
    (tmp_path / "bin" / "rm").chmod(0o755)
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "DD_"))},
        "ANSIBLE_CONFIG": str(tmp_path / "ansible.cfg"),
        "ANSIBLE_HOME": str(tmp_path / "home"),
        "ANSIBLE_REMOTE_TMP": str(tmp_path / "home" / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
    }

    def run(program: str, *arguments: str) -> tuple[str, list[str]]:
        command = [str(BIN / program), "-i", "hosts.yml", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120)
        files = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
        told = [path.name for path in files if any(key.encode() in path.read_bytes() for key in keys)]
        return done.stdout + done.stderr, told

    return run


@pytest.mark.parametrize(
    ("playbook", "arguments", "last"),
    [
        ("preflight", [], "Ask Datadog whether the keys work"),
        ("objects", OBJECTS, "Show where the dashboards are"),
        ("verify", [], "Show what Datadog has, and fail if data is missing"),
        ("export", [], "Write the files"),
        ("snapshot", ["-e", "to=@me@example.com"], "Check whether the picture was shared recently"),
        ("teardown", [], "Delete the dashboards, monitors and downtimes"),
    ],
)
def test_keys_are_in_no_file_on_the_controller(left: Any, playbook: str, arguments: list[str], last: str) -> None:
    said, files = left("ansible-playbook", f"kennel.fleet.{playbook}", *arguments)
    assert last in said, said
    assert files == [], said


def test_modules_in_other_playbooks_need_pipelining(left: Any) -> None:
    module = ["-m", "kennel.fleet.datadog_account_info", "-a"]
    arguments = "api_key={{ datadog_api_key }} app_key={{ datadog_app_key }} api_url={{ datadog_api_url }}"
    assert left("ansible", "localhost", *module, arguments)[1] == ["AnsiballZ_datadog_account_info.py"]
    assert len(left("ansible", "localhost", *module, arguments, "-e", "ansible_pipelining=true")[1]) == 1
