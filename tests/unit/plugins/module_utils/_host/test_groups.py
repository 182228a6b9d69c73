# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Putting an account into groups, with a fake usermod."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._host.groups import join, lacking

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def put(run_module: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "usermod").write_text(
        f'#!/bin/sh\necho "$*" >>{tmp_path}/called\n[ "$3" != locked ] || {{ echo No lock. >&2; exit 1; }}\n'
    )
    (tmp_path / "usermod").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def call(user: str, *groups: str, check: bool = False) -> dict[str, Any]:
        def main() -> None:
            changes = Changes(AnsibleModule(argument_spec={}, supports_check_mode=True))
            join(changes, user, list(groups))
            changes.module.exit_json(actions=changes.actions, **changes.result)

        return run_module(SimpleNamespace(main=main), check=check)

    return call


def test_finds_missing_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    # The user belongs to its primary group without being listed there.
    assert lacking("root", ["root", "adm"]) == ["adm"]
    assert lacking("not-installed-yet", ["adm"]) == ["adm"]
    monkeypatch.setattr(os, "getgrouplist", lambda _name, group: [group, 4])
    assert lacking("root", ["root", "adm"]) == []


def test_joins_all_groups_in_one_call(put: Run, tmp_path: Path) -> None:
    foreseen = put("root", "adm", "docker", check=True)
    assert foreseen["actions"] == ["put root into adm", "put root into docker"]
    assert not (tmp_path / "called").exists()
    assert put("root", "adm", "docker") == foreseen
    assert (tmp_path / "called").read_text() == "--append --groups adm,docker root\n"
    assert not put("root")["changed"]


def test_failure_names_variable_and_reason(put: Run) -> None:
    result = put("root", "locked")
    assert result["failed"]
    assert result["msg"] == (
        "root cannot be put into locked: No lock. Fix that on the host, or remove them from datadog_agent_groups."
    )
