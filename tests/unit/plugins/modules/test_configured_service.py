# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that runs a service with the configuration on disk, against a systemctl that keeps its state in a file."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import configured_service
from ansible_collections.kennel.fleet.plugins.modules.configured_service import decide, newest_change

Run = Callable[..., dict[str, Any]]

SYSTEMCTL = """#!{python}
import fnmatch, json, sys, time
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
if verb in unit["broken"]:
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
    """The unit as the false systemctl has it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.set(LoadState="loaded", ActiveState="active", UnitFileState="enabled", ActiveEnterTimestamp=STARTED)

    def set(self, broken: tuple[str, ...] = (), companions: tuple[str, ...] = (), **facts: str) -> None:
        before = json.loads(self.path.read_text())["facts"] if self.path.exists() else {}
        state = {"facts": {**before, **facts}, "verbs": [], "broken": broken, "companions": companions}
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
    """A configuration that is older than the service's start."""
    path = tmp_path / "agent.yaml"
    path.write_text("a: 1\n")
    os.utime(path, (STARTED_AT - 60, STARTED_AT - 60))
    return path


@pytest.fixture
def service(run_module: Run, unit: Unit, config: Path) -> Run:
    return lambda **changes: run_module(configured_service, **{"name": "agent", "watch": [str(config)], **changes})


def test_leaves_a_service_alone_that_is_as_wanted(service: Run, unit: Unit) -> None:
    result = service(restart="when_stale")
    assert (result["changed"], result["actions"], result["active"], result["restart_due"]) == (False, [], True, False)
    assert result["since"] == pytest.approx(STARTED_AT, abs=1e-5)
    assert unit.verbs == []


def test_enables_and_starts_what_is_stopped(service: Run, unit: Unit) -> None:
    unit.set(ActiveState="inactive", UnitFileState="disabled")
    result = service()
    assert result["actions"] == unit.verbs == ["enable", "start"]
    assert result["active"]
    assert result["since"] >= time.time() - 1


def test_restarts_once_when_the_configuration_is_newer(service: Run, unit: Unit, config: Path) -> None:
    os.utime(config, (STARTED_AT + 0.3, STARTED_AT + 0.3))
    assert service(restart="when_stale")["actions"] == ["restart"]
    assert service(restart="when_stale")["actions"] == []
    assert unit.verbs == ["restart"]


def test_restarts_what_was_started_before_its_user_came_into_a_group(
    service: Run, unit: Unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit.set(MainPID=str(os.getpid()))
    assert service(restart="when_stale", memberships=True)["actions"] == []
    monkeypatch.setattr(os, "getgrouplist", lambda _name, group: [group, 54321])
    assert service(memberships=True)["restart_due"]
    assert service(restart="when_stale")["actions"] == []
    assert service(restart="when_stale", memberships=True)["actions"] == ["restart"]


@pytest.mark.parametrize("pid", ["0", "4194305"])
def test_process_that_has_gone_lacks_no_group(service: Run, unit: Unit, pid: str) -> None:
    unit.set(MainPID=pid)
    assert not service(memberships=True)["restart_due"]


@pytest.mark.parametrize(("state", "verb"), [("active", "restart"), ("inactive", "start")])
def test_has_systemd_read_a_changed_unit_before_it_starts(
    service: Run, unit: Unit, config: Path, state: str, verb: str
) -> None:
    os.utime(config, (STARTED_AT + 1, STARTED_AT + 1))
    unit.set(ActiveState=state, NeedDaemonReload="yes")
    assert service(restart="when_stale", check=True)["actions"] == [verb]
    assert unit.verbs == []
    assert service(restart="when_stale")["actions"] == [verb]
    assert unit.verbs == ["daemon-reload", verb]


def test_leaves_the_restart_to_the_caller_if_asked(service: Run, unit: Unit, config: Path) -> None:
    os.utime(config, (STARTED_AT + 1, STARTED_AT + 1))
    result = service()
    assert (result["changed"], result["restart_due"]) == (False, True)
    assert unit.verbs == []


def test_stops_and_disables(service: Run, unit: Unit) -> None:
    result = service(enabled=False)
    assert result["actions"] == unit.verbs == ["stop", "disable"]
    assert (result["active"], result["since"]) == (False, 0)
    assert not service(enabled=False)["changed"]


OTHERS = ("agent-trace.service", "agent-process.service")


@pytest.mark.parametrize("facts", [{}, {"ActiveState": "inactive", "UnitFileState": "disabled"}])
def test_disables_the_units_that_would_start_it_again_at_boot(service: Run, unit: Unit, facts: dict[str, str]) -> None:
    unit.set(companions=(*OTHERS, "ssh.service"), **facts)
    foreseen = service(enabled=False, companions=["agent-*.service"], check=True)
    assert unit.verbs == []
    result = service(enabled=False, companions=["agent-*.service"])
    assert result["actions"] == foreseen["actions"] == unit.verbs
    assert unit.verbs[-1] == f"disable {' '.join(OTHERS)}"
    assert not service(enabled=False, companions=["agent-*.service"])["changed"]
    assert "mask" not in str(unit.verbs)


@pytest.mark.parametrize("arguments", [{"enabled": True, "companions": ["agent-*.service"]}, {"enabled": False}])
def test_other_units_are_left_alone_unless_asked(service: Run, unit: Unit, arguments: dict[str, Any]) -> None:
    unit.set(companions=(*OTHERS, "ssh.service"))
    service(**arguments)
    assert "service" not in str(unit.verbs)


@pytest.mark.parametrize("facts", [{"ActiveState": "inactive"}, {"UnitFileState": "disabled"}, {}])
def test_check_mode_names_what_the_run_then_does(service: Run, unit: Unit, facts: dict[str, str]) -> None:
    unit.set(**facts)
    foreseen = service(check=True)
    assert unit.verbs == []
    assert foreseen["actions"] == service()["actions"] == unit.verbs


def test_check_mode_is_told_of_changes_that_are_not_on_disk(service: Run, unit: Unit) -> None:
    assert service(check=True, pending=True, restart="when_stale")["actions"] == ["restart"]
    assert service(check=True, pending=True)["restart_due"]
    assert unit.verbs == []


def test_unit_that_is_not_installed(service: Run, unit: Unit) -> None:
    unit.set(LoadState="not-found", ActiveState="inactive", UnitFileState="", ActiveEnterTimestamp="")
    assert service(check=True)["actions"] == ["enable", "start"]
    assert not service(enabled=False)["changed"]
    result = service()
    assert result["failed"]
    assert "no unit agent.service" in result["msg"]


def test_start_that_fails_says_where_to_look(service: Run, unit: Unit) -> None:
    unit.set(ActiveState="failed", broken=("start",))
    result = service()
    assert result["failed"]
    for words in ("agent.service could not start", "Job for x.service failed", "journalctl -u agent.service"):
        assert words in result["msg"]


@pytest.mark.parametrize("stamp", ["", "n/a", "Tue 2026-11-24 00:37", "Tue 2026-13-99 00:00:00 UTC"])
def test_stamp_that_cannot_be_read_restarts_rather_than_trusts(service: Run, unit: Unit, stamp: str) -> None:
    unit.set(ActiveEnterTimestamp=stamp)
    assert service(restart="when_stale")["actions"] == ["restart"]


def test_stamp_without_fraction(service: Run, unit: Unit) -> None:
    unit.set(ActiveEnterTimestamp="Tue 2026-11-24 00:37:53 UTC")
    assert service()["since"] == int(STARTED_AT)


class TestNewestChange:
    def test_nothing_there(self, tmp_path: Path) -> None:
        assert newest_change([str(tmp_path / "none")], now=1e10) == 0

    def test_looks_into_folders_and_at_what_went_from_them(self, tmp_path: Path) -> None:
        inner = tmp_path / "conf.d" / "a.d"
        inner.mkdir(parents=True)
        file = inner / "conf.yaml"
        file.touch()
        for path, moment in ((file, 300), (inner, 200), (tmp_path / "conf.d", 100)):
            os.utime(path, (moment, moment))
        assert newest_change([str(tmp_path / "conf.d")], now=1e10) == 300
        os.utime(inner, (400, 400))
        assert newest_change([str(tmp_path / "conf.d")], now=1e10) == 400

    def test_passes_over_byte_code_and_the_future(self, tmp_path: Path) -> None:
        cache = tmp_path / "__pycache__"
        cache.mkdir()
        (cache / "a.pyc").touch()
        source, ahead = tmp_path / "a.py", tmp_path / "b.py"
        for path, moment in ((source, 100), (ahead, 9000)):
            path.touch()
            os.utime(path, (moment, moment))
        assert newest_change([str(tmp_path)], now=5000) == 100


@pytest.mark.parametrize(
    ("active", "enabled", "wanted", "restart", "stale", "verbs"),
    [
        (True, True, True, True, False, []),
        (True, True, True, True, True, ["restart"]),
        (True, True, True, False, True, []),
        (True, False, True, True, True, ["enable", "restart"]),
        (False, True, True, True, True, ["start"]),
        (False, False, True, False, False, ["enable", "start"]),
        (True, True, False, True, True, ["stop", "disable"]),
        (False, True, False, True, True, ["disable"]),
        (False, False, False, True, True, []),
    ],
)
def test_verbs(active: bool, enabled: bool, wanted: bool, restart: bool, stale: bool, verbs: list[str]) -> None:
    service = SimpleNamespace(active=active, enabled=enabled)
    assert decide(service, enabled=wanted, restart=restart, stale=stale) == verbs
