"""The controller is killed in mid-run, and the next run begins at once: it ends green, and the host is as if nothing
had happened.
"""

from __future__ import annotations

from typing import Any

import faults
import pytest

pytestmark = pytest.mark.long

HOST = "fresh3"
OLD, NEW = "1:7.99.0~lab-1", "1:7.99.1~lab-1"
# Some of everything that the roles bring about: package, files, database, services.
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
# When the output names the task, or when after that the host is as the command says.
FIRST = [
    ("Gather the facts of the host", ""),
    ("Install the Agent", ""),
    ("Install the Agent", "[ -d /opt/datadog-agent/embedded ]"),
    ("Configure the Agent, and start", ""),
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
    ("Install the Agent", ""),
    ("Install the Agent", faults.DPKG_IS_AT_WORK),
    ("Configure the Agent, and start", ""),
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
    """What the host is like after a run that ends green and one that finds nothing to change."""
    for count in (None, 0):
        run = lab.play("hosts", f"--limit={HOST}", extra=extra)
        assert run.status == 0, run.output[-3000:]
        assert count is None or run.changed_tasks() == []
    return faults.state_of(lab, HOST)


@pytest.fixture(scope="module")
def clean(lab) -> dict[str, Any]:
    """What a first run leaves on the host."""
    lab.reset(HOST)
    return recovered(lab, BEFORE)


@pytest.mark.parametrize(("text", "command"), FIRST, ids=names(FIRST))
def test_first_run_that_is_killed_is_finished_by_the_next(lab, clean, text, command):
    lab.reset(HOST)
    killed(lab, BEFORE, text, command)
    assert faults.differences(clean, recovered(lab, BEFORE)) == {}


@pytest.fixture(scope="module")
def two(lab) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Two ways that the host is set up, each with what clean runs leave. It is set up in the second."""
    both = [(extra, recovered(lab, extra)) for extra in (BEFORE, AFTER, BEFORE)]
    return both[1:]


@pytest.mark.parametrize(("text", "command"), CHANGING, ids=names(CHANGING))
def test_changing_run_that_is_killed_is_finished_by_the_next(lab, two, text, command):
    extra, clean = two[0]
    killed(lab, extra, text, command)
    assert faults.differences(clean, recovered(lab, extra)) == {}
    two.reverse()
