# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that writes a service's files and restarts it, with a fake systemctl."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.kennel.fleet.plugins.modules import configured_service
from systemctl import STARTED_AT, Unit

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration older than the service's start."""
    path = tmp_path / "agent.yaml"
    path.write_text("a: 1\n")
    os.utime(path, (STARTED_AT - 60, STARTED_AT - 60))
    return path


@pytest.fixture
def service(run_module: Run, unit: Unit, config: Path) -> Run:
    return lambda **changes: run_module(
        configured_service, **{"name": "agent", "enabled": True, "watch": [str(config)], **changes}
    )


def test_leaves_a_correct_service_alone(service: Run, unit: Unit) -> None:
    result = service()
    assert (result["changed"], result["actions"], result["active"]) == (False, [], True)
    assert result["since"] == pytest.approx(STARTED_AT, abs=1e-5)
    assert unit.verbs == []


def test_enables_and_starts_a_stopped_service(service: Run, unit: Unit) -> None:
    unit.set(ActiveState="inactive", UnitFileState="disabled")
    result = service()
    assert result["actions"] == unit.verbs == ["enable", "start"]
    assert result["active"]
    assert result["since"] >= time.time() - 1


def test_restarts_once_when_the_configuration_is_newer(service: Run, unit: Unit, config: Path) -> None:
    os.utime(config, (STARTED_AT + 0.3, STARTED_AT + 0.3))
    assert service()["actions"] == ["restart"]
    assert service()["actions"] == []
    assert unit.verbs == ["restart"]


def test_restarts_a_service_that_started_before_its_user_joined_a_group(
    service: Run, unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit.set(MainPID=str(os.getpid()))
    assert service(memberships=True)["actions"] == []
    monkeypatch.setattr(os, "getgrouplist", lambda _name, group: [group, 54321])
    assert service()["actions"] == []
    assert service(memberships=True)["actions"] == ["restart"]


@pytest.mark.parametrize("pid", ["0", "4194305"])
def test_ended_process_does_not_need_groups(service: Run, unit: Unit, pid: str) -> None:
    unit.set(MainPID=pid)
    assert not service(memberships=True)["changed"]


@pytest.mark.parametrize(("state", "verb"), [("active", "restart"), ("inactive", "start")])
def test_reloads_systemd_before_starting_a_changed_unit(
    service: Run, unit: Unit, config: Path, state: str, verb: str
) -> None:
    os.utime(config, (STARTED_AT + 1, STARTED_AT + 1))
    unit.set(ActiveState=state, NeedDaemonReload="yes")
    assert service(check=True)["actions"] == [verb]
    assert unit.verbs == []
    assert service()["actions"] == [verb]
    assert unit.verbs == ["daemon-reload", verb]


def test_stops_and_disables(service: Run, unit: Unit) -> None:
    result = service(enabled=False)
    assert result["actions"] == unit.verbs == ["stop", "disable"]
    assert (result["active"], result["since"]) == (False, 0)
    assert not service(enabled=False)["changed"]


@pytest.mark.parametrize("facts", [{"ActiveState": "inactive"}, {"UnitFileState": "disabled"}, {}])
def test_check_mode_reports_what_a_run_does(service: Run, unit: Unit, facts: dict[str, str]) -> None:
    unit.set(**facts)
    foreseen = service(check=True)
    assert unit.verbs == []
    assert foreseen["actions"] == service()["actions"] == unit.verbs


def test_check_mode_knows_changes_that_are_not_on_disk(service: Run, unit: Unit) -> None:
    assert service(check=True, pending=True)["actions"] == ["restart"]
    assert unit.verbs == []


def test_missing_unit(service: Run, unit: Unit) -> None:
    unit.set(LoadState="not-found", ActiveState="inactive", UnitFileState="", ActiveEnterTimestamp="")
    assert service(check=True)["actions"] == ["enable", "start"]
    assert not service(enabled=False)["changed"]
    result = service()
    assert result["failed"]
    assert "unit agent.service does not exist" in result["msg"]


def test_failed_start_says_where_to_look(service: Run, unit: Unit) -> None:
    unit.set(ActiveState="failed", broken=("start",))
    result = service()
    assert result["failed"]
    for words in ("'systemctl start agent.service' failed", "Job for x.service failed", "journalctl -u agent.service"):
        assert words in result["msg"]


@pytest.mark.parametrize("stamp", ["", "n/a", "Tue 2026-11-24 00:37", "Tue 2026-13-99 00:00:00 UTC"])
def test_unreadable_timestamp_causes_a_restart(service: Run, unit: Unit, stamp: str) -> None:
    unit.set(ActiveEnterTimestamp=stamp)
    assert service()["actions"] == ["restart"]


def test_timestamp_without_a_fraction(service: Run, unit: Unit) -> None:
    unit.set(ActiveEnterTimestamp="Tue 2026-11-24 00:37:53 UTC")
    assert service()["since"] == int(STARTED_AT)


KEY, NEXT_KEY = "0a" * 16, "1b" * 16


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "datadog.yaml"

    @pytest.fixture
    def write(self, service: Run, own_files: None, path: Path) -> Run:
        file = {"path": str(path), "config": {"site": "datadoghq.eu", "tags": ["env:lab"]}, "secrets": {"api_key": KEY}}

        def call(check: bool = False, others: tuple[dict[str, Any], ...] = (), **changes: Any) -> dict[str, Any]:
            return service(check=check, files=[{**file, **changes}, *others])

        return call

    def test_writes_private_files_with_secrets_once_and_restarts(self, write: Run, path: Path, unit: Unit) -> None:
        first = write()
        assert first["changed"]
        assert first["files"] == [str(path)]
        assert yaml.safe_load(path.read_text()) == {"site": "datadoghq.eu", "tags": ["env:lab"], "api_key": KEY}
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert not write()["changed"]
        assert unit.verbs == ["restart"]

    def test_corrects_the_mode(self, write: Run, path: Path) -> None:
        write()
        path.chmod(0o644)
        assert write()["changed"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_replaces_an_old_file_without_showing_its_content(self, write: Run, path: Path) -> None:
        path.write_text(f"# api_key: {NEXT_KEY}\napi_key: {NEXT_KEY}\nproxy:\n  https: http://me:geheim@proxy\n")
        result = write()
        assert result["changed"]
        assert "datadoghq.eu" in result["diff"][0]["after"]
        for secret in (KEY, NEXT_KEY, "geheim"):
            assert secret not in str(result)

    def test_diff_shows_that_a_key_changed_without_the_key(self, write: Run) -> None:
        write()
        result = write(secrets={"api_key": NEXT_KEY})
        assert result["changed"]
        assert result["diff"][0]["before"] != result["diff"][0]["after"]
        assert KEY not in str(result)
        assert NEXT_KEY not in str(result)

    def test_output_of_a_run_has_no_secrets(
        self, write: Run, path: Path, unit: Unit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """With the arguments, as ansible-core prints them."""
        file = {"path": str(path), "config": {"site": "s"}, "secrets": {"api_key": KEY}}
        monkeypatch.undo()
        monkeypatch.setenv("PATH", f"{unit.path.parent}{os.pathsep}{os.environ['PATH']}")
        arguments = {"ANSIBLE_MODULE_ARGS": {"name": "agent", "files": [file], "_ansible_check_mode": True}}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)
        with pytest.raises(SystemExit):
            configured_service.main()
        said = capsys.readouterr().out
        assert json.loads(said)["files"] == [str(path)]
        # ansible-core 2.22 no longer prints arguments.
        printed = json.loads(said).get("invocation", {"module_args": {"files": [{"config": {"site": "s"}}]}})
        assert printed["module_args"]["files"][0]["config"] == {"site": "s"}
        assert KEY not in said

    def test_check_mode_reports_the_same_and_writes_nothing(self, write: Run, path: Path) -> None:
        foreseen = write(check=True)
        assert not path.exists()
        result = write()
        assert all(foreseen[name] == result[name] for name in ("changed", "files", "diff", "actions"))
        assert not write(check=True)["changed"]

    def test_check_mode_works_where_nothing_is_installed_yet(self, write: Run, unit: Unit, tmp_path: Path) -> None:
        unit.set(LoadState="not-found", ActiveState="inactive", UnitFileState="", ActiveEnterTimestamp="")
        result = write(check=True, path=str(tmp_path / "none" / "datadog.yaml"))
        assert (result["changed"], result["actions"]) == (True, ["enable", "start"])

    @pytest.mark.parametrize("check", [False, True])
    def test_file_that_the_service_rereads_causes_no_restart(self, write: Run, unit: Unit, check: bool) -> None:
        result = write(live=True, check=check)
        assert (result["changed"], result["actions"], unit.verbs) == (True, [], [])

    def test_writes_text_and_removes_files(self, write: Run, path: Path) -> None:
        other = path.with_name("other")
        write(others=({"path": str(other), "content": "a\n", "mode": "0600"},))
        assert (other.read_text(), stat.S_IMODE(other.stat().st_mode)) == ("a\n", 0o600)
        result = write(others=({"path": str(other), "state": "absent"},))
        assert result["files"] == [str(other)]
        assert not other.exists()
        assert not write(others=({"path": str(other), "state": "absent"},))["changed"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"secrets": {"tags.7.x": KEY}}, "tags.7.x"),
            ({"path": "/nonexistent/datadog.yaml"}, "/nonexistent does not exist. Create it"),
        ],
    )
    def test_errors_name_the_position_and_no_secret(
        self, write: Run, path: Path, changes: dict[str, Any], words: str
    ) -> None:
        result = write(**changes)
        assert result["failed"]
        assert words in result["msg"]
        assert KEY not in str(result)
        assert not path.exists()


@pytest.mark.parametrize("before", ["fine: 1\n", None])
def test_files_are_restored_if_the_service_does_not_start(
    service: Run, unit: Unit, tmp_path: Path, own_files: None, before: str | None
) -> None:
    path = tmp_path / "settings.cnf"
    if before:
        path.write_text(before)
        path.chmod(0o600)
    unit.set(reads=str(path))
    result = service(files=[{"path": str(path), "content": "bad: 1\n", "mode": "0644"}])
    assert result["failed"]
    assert result["msg"].endswith(f" Restored {path}. The service runs with that again.")
    assert (path.read_text() if path.exists() else None) == before
    assert not before or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert unit.verbs == ["restart", "restart"]


def test_removed_link_is_not_restored(service: Run, unit: Unit, tmp_path: Path, own_files: None) -> None:
    unit.set(broken=("restart",))
    link = tmp_path / "secret.yaml"
    link.symlink_to(tmp_path / "elsewhere")
    result = service(files=[{"path": str(link), "state": "absent"}])
    assert result["failed"] and "Restored" not in result["msg"]
    assert not os.path.lexists(link)


def test_removed_file_is_restored_with_its_mode(service: Run, unit: Unit, tmp_path: Path, own_files: None) -> None:
    unit.set(broken=("restart",))
    path = tmp_path / "secret.yaml"
    path.write_text("a: 1\n")
    path.chmod(0o600)
    assert f"Restored {path}." in service(files=[{"path": str(path), "state": "absent"}])["msg"]
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("a: 1\n", 0o600)


def test_failure_with_the_old_files_as_well_is_reported(
    service: Run, unit: Unit, tmp_path: Path, own_files: None
) -> None:
    unit.set(broken=("restart",))
    result = service(files=[{"path": str(tmp_path / "settings.cnf"), "content": "a: 1\n"}])
    assert f"Restored {tmp_path}/settings.cnf. The service is not running." in result["msg"]
    assert not (tmp_path / "settings.cnf").exists()
