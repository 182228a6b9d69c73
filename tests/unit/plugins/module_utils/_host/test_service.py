# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only the Agent's service uses: other units, and starts that are left to a handler."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host.changes import Changes
from ansible_collections.kennel.fleet.plugins.module_utils._host.service import Wanted, apply, decide, newest_change
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
    def call(check: bool = False, **wanted: Any) -> dict[str, Any]:
        def main() -> None:
            changes = Changes(AnsibleModule(argument_spec={}, supports_check_mode=True))
            apply(changes, Wanted(**{"name": "agent", "enabled": True, "watch": [str(config)], **wanted}))
            changes.module.exit_json(actions=changes.actions, **changes.result)

        return run_module(SimpleNamespace(main=main), check=check)

    return call


@pytest.mark.parametrize(
    ("facts", "now", "later"),
    [({}, [], "restart"), ({"ActiveState": "inactive", "UnitFileState": "disabled"}, ["enable"], "start")],
)
def test_can_leave_start_and_restart_to_a_handler(
    service: Run, unit: Unit, config: Path, facts: dict[str, str], now: list[str], later: str
) -> None:
    assert not service(defer=True)["changed"]
    os.utime(config, (STARTED_AT + 1, STARTED_AT + 1))
    unit.set(**facts)
    for check in (True, False):
        result = service(defer=True, check=check)
        assert (result["changed"], result["actions"]) == (True, [*now, f"{later} is due"])
    assert unit.verbs == now
    # The handler does not know whether the service should run.
    assert service(enabled=None)["actions"] == [later]
    assert not service(defer=True)["changed"]


@pytest.mark.parametrize(
    "facts",
    [
        {"ActiveState": "inactive", "UnitFileState": "disabled"},
        {"LoadState": "not-found", "ActiveState": "inactive", "UnitFileState": ""},
    ],
)
def test_handler_leaves_a_disabled_or_missing_service_alone(
    service: Run, unit: Unit, config: Path, facts: dict[str, str]
) -> None:
    os.utime(config, (STARTED_AT + 1, STARTED_AT + 1))
    unit.set(**facts)
    assert not service(enabled=None)["changed"]
    assert unit.verbs == []


def test_stops_a_disabled_service_at_once(service: Run, unit: Unit) -> None:
    assert service(enabled=False, defer=True)["actions"] == unit.verbs == ["stop", "disable"]


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
        (True, False, None, True, ["restart"]),
        (False, True, None, False, ["start"]),
        (False, False, None, True, []),
    ],
)
def test_actions(active: bool, enabled: bool, wanted: bool | None, stale: bool, verbs: list[str]) -> None:
    service = SimpleNamespace(active=active, enabled=enabled)
    assert decide(service, enabled=wanted, stale=stale) == verbs
