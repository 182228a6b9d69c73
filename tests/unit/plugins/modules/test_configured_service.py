# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that writes a service's files and restarts it, with a fake systemctl whose state is in a file."""

from __future__ import annotations

import json
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.kennel.fleet.plugins.modules import configured_service
from ansible_collections.kennel.fleet.plugins.modules.configured_service import decide, newest_change

Run = Callable[..., dict[str, Any]]

SYSTEMCTL = """#!{python}
import fnmatch, json, os, sys, time
path = {state!r}
unit = json.load(open(path))
verb = sys.argv[1]
if verb == "show":
    for name, value in unit["facts"].items():
        print(f"{{name}}={{value}}")
    sys.exit()
if verb == "list-unit-files":
    asked = [pattern for pattern in sys.argv[2:] if not pattern.startswith("-")]
    for name in unit["companions"]:
        # Without a pattern systemctl lists every unit.
        if not asked or any(fnmatch.fnmatch(name, pattern) for pattern in asked):
            print(name, "enabled", "enabled")
    sys.exit()
unit["verbs"].append(" ".join([verb, *(name for name in sys.argv[2:] if name != "agent.service")]))
if verb == "disable" and "agent.service" not in sys.argv:
    unit["companions"] = [name for name in unit["companions"] if name not in sys.argv]
    json.dump(unit, open(path, "w"))
    sys.exit()
if verb == "daemon-reload":
    unit["facts"]["NeedDaemonReload"] = "no"
    json.dump(unit, open(path, "w"))
    sys.exit()
reads = unit["reads"] if os.path.exists(unit["reads"]) else ""
if verb in unit["broken"] or (verb.endswith("start") and reads and "bad" in open(reads).read()):
    json.dump(unit, open(path, "w"))
    sys.exit("Job for x.service failed.")
stamp = time.strftime("%a %Y-%m-%d %H:%M:%S.500000 UTC", time.gmtime(time.time() + 1))
unit["facts"].update({{
    "start": {{"ActiveState": "active", "ActiveEnterTimestamp": stamp}},
    "restart": {{"ActiveState": "active", "ActiveEnterTimestamp": stamp}},
    "stop": {{"ActiveState": "inactive", "ActiveEnterTimestamp": ""}},
    "enable": {{"UnitFileState": "enabled"}},
    "disable": {{"UnitFileState": "disabled"}},
}}[verb])
json.dump(unit, open(path, "w"))
"""
STARTED = "Tue 2026-11-24 00:37:53.214799 UTC"
STARTED_AT = 1795480673.214799


class Unit:
    """The unit in the fake systemctl."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(LoadState="loaded", ActiveState="active", UnitFileState="enabled", ActiveEnterTimestamp=STARTED)

    def set(
        self, broken: tuple[str, ...] = (), companions: tuple[str, ...] = (), reads: str = "", **facts: str
    ) -> None:
        before = json.loads(self.path.read_text())["facts"] if self.path.exists() else {}
        state = {"facts": {**before, **facts}, "verbs": [], "broken": broken, "companions": companions, "reads": reads}
        self.path.write_text(json.dumps(state))

    @property
    def verbs(self) -> list[str]:
        return json.loads(self.path.read_text())["verbs"]


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unit:
    script = tmp_path / "bin" / "systemctl"
    script.parent.mkdir()
    script.write_text(SYSTEMCTL.format(python=sys.executable, state=str(tmp_path / "unit.json")))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    return Unit(tmp_path / "unit.json")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration older than the service's start."""
    path = tmp_path / "agent.yaml"
    path.write_text("a: 1\n")
    os.utime(path, (STARTED_AT - 60, STARTED_AT - 60))
    return path


@pytest.fixture
def service(run_module: Run, unit: Unit, config: Path) -> Run:
    return lambda **changes: run_module(configured_service, **{"name": "agent", "watch": [str(config)], **changes})


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


def test_adds_the_user_to_missing_groups(
    service: Run, unit: Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called, usermod = tmp_path / "called", tmp_path / "bin" / "usermod"
    usermod.write_text(f'#!/bin/sh\necho "$*" >>{called}\n')
    usermod.chmod(0o755)
    wanted = {"user": "root", "groups": ["root", "adm"], "defer": True}
    # The user belongs to its primary group without being listed there.
    assert service(check=True, **wanted)["actions"] == ["put root into adm", "restart"]
    assert not called.exists()
    assert service(**wanted)["actions"] == ["put root into adm", "restart"]
    assert called.read_text() == "--append --groups adm root\n"
    monkeypatch.setattr(os, "getgrouplist", lambda _name, group: [group, 4])
    assert not service(**wanted)["changed"]
    assert service(check=True, user="not-installed-yet", groups=["adm"])["changed"]


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


@pytest.mark.parametrize(
    ("facts", "actions"),
    [({}, ["restart"]), ({"ActiveState": "inactive", "UnitFileState": "disabled"}, ["enable", "start"])],
)
def test_can_leave_start_and_restart_to_a_handler(
    service: Run, unit: Unit, config: Path, facts: dict[str, str], actions: list[str]
) -> None:
    assert not service(defer=True)["changed"]
    os.utime(config, (STARTED_AT + 1, STARTED_AT + 1))
    unit.set(**facts)
    for check in (True, False):
        result = service(defer=True, check=check)
        assert (result["changed"], result["actions"]) == (True, actions)
    assert unit.verbs == []
    assert service()["actions"] == unit.verbs == actions
    assert not service(defer=True)["changed"]


def test_stops_a_disabled_service_at_once(service: Run, unit: Unit) -> None:
    assert service(enabled=False, defer=True)["actions"] == unit.verbs == ["stop", "disable"]


def test_stops_and_disables(service: Run, unit: Unit) -> None:
    result = service(enabled=False)
    assert result["actions"] == unit.verbs == ["stop", "disable"]
    assert (result["active"], result["since"]) == (False, 0)
    assert not service(enabled=False)["changed"]


OTHERS = ("agent-trace.service", "agent-process.service")


@pytest.mark.parametrize("facts", [{}, {"ActiveState": "inactive", "UnitFileState": "disabled"}])
def test_disables_other_units_that_start_the_service_at_boot(service: Run, unit: Unit, facts: dict[str, str]) -> None:
    unit.set(companions=(*OTHERS, "ssh.service"), **facts)
    foreseen = service(enabled=False, companions=["agent-*.service"], check=True)
    assert unit.verbs == []
    result = service(enabled=False, companions=["agent-*.service"])
    assert result["actions"] == foreseen["actions"] == unit.verbs
    assert unit.verbs[-1] == f"disable {' '.join(OTHERS)}"
    assert not service(enabled=False, companions=["agent-*.service"])["changed"]
    assert "mask" not in str(unit.verbs)


@pytest.mark.parametrize("arguments", [{"enabled": True, "companions": ["agent-*.service"]}, {"enabled": False}])
def test_leaves_other_units_alone_by_default(service: Run, unit: Unit, arguments: dict[str, Any]) -> None:
    unit.set(companions=(*OTHERS, "ssh.service"))
    service(**arguments)
    assert "service" not in str(unit.verbs)


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


class TestNewestChange:
    def test_missing_paths(self, tmp_path: Path) -> None:
        assert newest_change([str(tmp_path / "none")], now=1e10) == 0

    def test_detects_changed_and_removed_files_in_folders(self, tmp_path: Path) -> None:
        inner = tmp_path / "conf.d" / "a.d"
        inner.mkdir(parents=True)
        file = inner / "conf.yaml"
        file.touch()
        for path, moment in ((file, 300), (inner, 200), (tmp_path / "conf.d", 100)):
            os.utime(path, (moment, moment))
        assert newest_change([str(tmp_path / "conf.d")], now=1e10) == 300
        os.utime(inner, (400, 400))
        assert newest_change([str(tmp_path / "conf.d")], now=1e10) == 400

    def test_ignores_byte_code_and_future_times(self, tmp_path: Path) -> None:
        cache = tmp_path / "__pycache__"
        cache.mkdir()
        (cache / "a.pyc").touch()
        source, ahead = tmp_path / "a.py", tmp_path / "b.py"
        for path, moment in ((source, 100), (ahead, 9000)):
            path.touch()
            os.utime(path, (moment, moment))
        assert newest_change([str(tmp_path)], now=5000) == 100


@pytest.mark.parametrize(
    ("active", "enabled", "wanted", "stale", "verbs"),
    [
        (True, True, True, False, []),
        (True, True, True, True, ["restart"]),
        (True, False, True, True, ["enable", "restart"]),
        (False, True, True, True, ["start"]),
        (False, False, True, False, ["enable", "start"]),
        (True, True, False, True, ["stop", "disable"]),
        (False, True, False, True, ["disable"]),
        (False, False, False, True, []),
    ],
)
def test_actions(active: bool, enabled: bool, wanted: bool, stale: bool, verbs: list[str]) -> None:
    service = SimpleNamespace(active=active, enabled=enabled)
    assert decide(service, enabled=wanted, stale=stale) == verbs


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
        monkeypatch.setenv("PATH", f"{path.parent / 'bin'}{os.pathsep}{os.environ['PATH']}")
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
            ({"path": "/nonexistent/datadog.yaml"}, "/nonexistent does not exist: create it"),
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
    unit.set(reads=str(path))
    result = service(files=[{"path": str(path), "content": "bad: 1\n", "mode": "0644"}])
    assert result["failed"]
    assert result["msg"].endswith(f" Restored {path}. The service runs with that again.")
    assert (path.read_text() if path.exists() else None) == before
    assert unit.verbs == ["restart", "restart"]


def test_failure_with_the_old_files_as_well_is_reported(
    service: Run, unit: Unit, tmp_path: Path, own_files: None
) -> None:
    unit.set(broken=("restart",))
    result = service(files=[{"path": str(tmp_path / "settings.cnf"), "content": "a: 1\n"}])
    assert f"Restored {tmp_path}/settings.cnf. The service is not running." in result["msg"]
    assert not (tmp_path / "settings.cnf").exists()
