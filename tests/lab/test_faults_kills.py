"""The controller is killed during a run, and the next run starts at once. It succeeds, and the host is as after a run
without interruption.
"""

from __future__ import annotations

from typing import Any

import faults
import pytest

pytestmark = pytest.mark.long

HOST = "fresh3"
OLD, NEW = "1:7.99.0~lab-1", "1:7.99.1~lab-1"
# Parts of everything that roles manage: package, files, database, services.
BEFORE: dict[str, Any] = {"datadog_agent_version": OLD, "datadog_agent_allow_downgrade": True}
AFTER: dict[str, Any] = {
    **BEFORE,
    "datadog_agent_version": NEW,
    "datadog_tags_literals": ["team:night"],
    "datadog_custom_check_interval": 20,
    "datadog_mysql_user_password": "another-one-for-the-agent",
    "flask_apm_database_password": "another-one-for-the-app",
    "flask_apm_version": "1.0.1",
    "mysql_settings": {"max_connections": 77},
}
# Killed when the output names the task, or when the command then succeeds on the host.
FIRST = [
    ("Gather the facts of the host", ""),
    ("Install and configure the Agent", ""),
    ("Install and configure the Agent", "[ -d /opt/datadog-agent/embedded ]"),
    ("Install and configure the Agent", "[ -e /etc/datadog-agent/datadog.yaml ]"),
    ("common_packages : Install the packages]", "ls /usr/sbin/mariadbd*"),
    ("Run the server with its settings", ""),
    ("Create the users]", ""),
    ("Create the monitoring user]", ""),
    ("Install the checks]", ""),
    ("RUNNING HANDLER [kennel.fleet.common_agent : Restart", ""),
    ("Install the app and its libraries", "[ -d /opt/flask_apm/venv-*/lib/python3*/site-packages/pip ]"),
    ("Run the app with its settings", ""),
]
CHANGING = [
    ("Install and configure the Agent", ""),
    ("Install and configure the Agent", faults.DPKG_IS_AT_WORK),
    ("Install and configure the Agent", "grep -q team:night /etc/datadog-agent/datadog.yaml"),
    ("Run the server with its settings", "! systemctl is-active mariadb"),
    ("Create the users]", ""),
    ("Create the monitoring user]", ""),
    ("Configure the integration", ""),
    ("Install the checks]", ""),
    ("RUNNING HANDLER [kennel.fleet.common_agent : Restart", ""),
    ("Run the app with its settings", ""),
]


def names(points: list[tuple[str, str]]) -> list[str]:
    return [text.strip("]") for text, _command in points]


def killed(lab, extra: dict[str, Any], text: str, command: str) -> None:
    run = lab.start("hosts", f"--limit={HOST}", extra=extra)
    faults.reach(run, text)
    if command:
        faults.wait_on_host(lab, HOST, command)
    faults.kill(run)


def recovered(lab, extra: dict[str, Any]) -> dict[str, Any]:
    """Return the host's state after a successful run, and one that changes nothing."""
    for count in (None, 0):
        run = lab.play("hosts", f"--limit={HOST}", extra=extra)
        assert run.status == 0, run.output[-3000:]
        assert count is None or run.changed_tasks() == []
    return faults.state_of(lab, HOST)


@pytest.fixture(scope="module")
def clean(lab) -> dict[str, Any]:
    """The host's state after a first run."""
    lab.reset(HOST)
    return recovered(lab, BEFORE)


@pytest.mark.parametrize(("text", "command"), FIRST, ids=names(FIRST))
def test_killed_first_run_is_completed_by_the_next(lab, clean, text, command):
    lab.reset(HOST)
    killed(lab, BEFORE, text, command)
    assert faults.differences(clean, recovered(lab, BEFORE)) == {}


@pytest.fixture(scope="module")
def two(lab) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Two setups of the host, each with its state after clean runs. The host has the second setup."""
    both = [(extra, recovered(lab, extra)) for extra in (BEFORE, AFTER, BEFORE)]
    return both[1:]


@pytest.mark.parametrize(("text", "command"), CHANGING, ids=names(CHANGING))
def test_killed_later_run_is_completed_by_the_next(lab, two, text, command):
    extra, clean = two[0]
    killed(lab, extra, text, command)
    assert faults.differences(clean, recovered(lab, extra)) == {}
    two.reverse()
