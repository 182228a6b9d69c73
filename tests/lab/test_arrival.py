"""Verify: succeeds if Datadog has the data, and otherwise fails with the cause."""

from __future__ import annotations

import re
import shlex
import time
from itertools import pairwise

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

# In these tests the data is missing from the start, so there is nothing to wait for.
WAIT = {"datadog_verify_timeout": 10}
HOSTS = ("fresh1", "fresh2", "fresh3")


@pytest.fixture(scope="module")
def fleet(lab):
    """All hosts, set up and verified once."""
    run = lab.play("site")
    assert run.status == 0, run.output[-4000:]
    return run


def test_table_shows_each_host_and_signal(fleet):
    table = fleet.output[fleet.output.index("Show what Datadog has") :].partition("PLAY RECAP")[0]
    parts = re.split(r"^ *(fresh\d)\b.*$", table, flags=re.MULTILINE)
    shown = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert set(shown) == set(HOSTS)
    for host, signal in (("fresh1", "my_metric"), ("fresh1", "mysql.can_connect"), ("fresh2", "my_metric")):
        assert re.search(rf"^ *{re.escape(signal)} +ok ", shown[host], re.MULTILINE), (host, signal)


def test_second_site_run_changes_nothing_and_needs_no_root_here(lab, fleet, tmp_path):
    """Uses a variable that makes Ansible use sudo for every task without an explicit `become`."""
    (tmp_path / "sudo").write_text("#!/bin/sh\necho sudo was asked here >&2\nexit 1\n", encoding="utf-8")
    (tmp_path / "sudo").chmod(0o755)
    # If the controller's user is root, Ansible would not call sudo.
    env = {"PATH": f"{tmp_path}:{lab.env['PATH']}", "ANSIBLE_BECOME_ALLOW_SAME_USER": "true"}
    run = lab.play("site", inventory={"all": {"vars": {"ansible_become": True}}}, **env)
    assert run.status == 0, run.output[-4000:]
    assert {host: counts["changed"] for host, counts in run.recap().items()} == dict.fromkeys((*HOSTS, "localhost"), 0)


@pytest.fixture(scope="module")
def broken(lab, fleet):
    """Verify's output for three hosts with different problems, by host. Everything is restored afterwards."""
    code = (
        "from datadog_checks.base import AgentCheck, ConfigurationError\n"
        "class MyMetric(AgentCheck):\n"
        "    def __init__(self, *arguments, **options):\n"
        "        raise ConfigurationError('host is needed')\n"
    )
    check, settings = "/etc/datadog-agent/checks.d/my_metric.py", "/etc/datadog-agent/datadog.yaml"
    lab.on("fresh1", f"cat {check} >/var/tmp/kept; printf %s {shlex.quote(code)} >{check}; systemctl stop mariadb")
    lab.on("fresh3", f"cat {settings} >/var/tmp/kept; sed -i 's/^api_key: .*/api_key: \"{'f' * 32}\"/' {settings}")
    for host in ("fresh1", "fresh3"):
        lab.on(host, "systemctl restart datadog-agent")
    try:
        # Two flushes of the Agent, so that the database check has reported it.
        time.sleep(32)
        lab.on("fresh2", "systemctl stop datadog-agent")
        run = lab.play("verify", extra=WAIT)
    finally:
        lab.on("fresh1", f"systemctl start mariadb; cat /var/tmp/kept >{check}; systemctl restart datadog-agent")
        lab.on("fresh2", "systemctl start datadog-agent")
        lab.on("fresh3", f"cat /var/tmp/kept >{settings}; rm /var/tmp/kept; systemctl restart datadog-agent")
    assert run.status != 0
    return run.missing()


def test_stopped_database_is_reported(broken):
    assert "mysql.can_connect" in broken["fresh1"]


def test_check_with_a_failing_constructor_is_reported_with_its_error(broken):
    assert "The check my_metric fails there:" in broken["fresh1"] and "host is needed" in broken["fresh1"]


def test_stopped_agent_is_the_only_problem_reported_for_its_host(broken):
    assert broken["fresh2"].startswith("Agent: ") and "the Agent is not running" in broken["fresh2"]
    assert "\n" not in broken["fresh2"]


def test_refused_key_is_reported_with_the_variable_to_set(broken):
    for words in ("Agent", "API Key invalid", "datadog_site"):
        assert words in broken["fresh3"]


def test_checks_only_run_once_the_agent_is_enabled(lab, fleet):
    """As on a fresh host: the command line lacks files that the Agent creates at its first start."""
    lab.on("fresh2", "systemctl stop datadog-agent && cd /etc/datadog-agent && rm -f auth_token ipc_cert.pem")
    off = lab.play("hosts", "--limit=fresh2", extra={"datadog_agent_enabled": False})
    on = lab.play("hosts", "--limit=fresh2")
    assert off.status == 0, off.output[-3000:]
    ran = re.compile(r"Run each check once\] \*+\nok: ")
    assert not ran.search(off.output)
    assert on.status == 0, on.output[-3000:]
    assert ran.search(on.output)


def test_host_with_a_disabled_agent_is_left_out(lab, fleet):
    run = lab.play("verify", extra={"datadog_agent_enabled": "{{ inventory_hostname != 'fresh2' }}"})
    assert run.status == 0, run.output[-3000:]
    assert "Datadog has the data of all 2 hosts." in run.output


def test_wrong_tags_are_reported(lab, fleet):
    run = lab.play("verify", extra={**WAIT, "datadog_tags_literals": ["team:nobody"]})
    assert run.status != 0
    assert all("team:nobody" in run.missing()[host] for host in HOSTS)


def test_configuration_written_by_an_interrupted_run_takes_effect(lab, fleet):
    """As if a run was killed between writing a file and restarting the Agent."""
    lab.on("fresh2", "sed -i s/45/30/ /etc/datadog-agent/conf.d/my_metric.d/conf.yaml")
    run = lab.play("hosts", "--limit=fresh2", extra={"datadog_custom_check_interval": 30})
    assert run.status == 0, run.output[-3000:]
    assert run.changed_tasks() == ["kennel.fleet.datadog_agent : Install and configure the Agent, or remove it"]
    again = lab.play("hosts", "--limit=fresh2", extra={"datadog_custom_check_interval": 30})
    assert again.changed_tasks() == []


def test_no_data_is_lost_while_datadog_is_unreachable(lab, fleet):
    container = f"{lab.plan['name']}-datadog"
    start = time.time()
    lab.podman("exec", container, "systemctl", "stop", "kennel-datadog")
    # Longer than three flushes of the Agent, so that it has queued points.
    time.sleep(50)
    lab.podman("exec", container, "systemctl", "start", "kennel-datadog")
    points: list[float] = []
    deadline = time.time() + 90
    while time.time() < deadline:
        # Until the Agent's next attempt.
        time.sleep(5)
        points = _load_points(lab, start)
        if points and max(points) > time.time() - 40:
            break
    gaps = [later - earlier for earlier, later in pairwise(points)]
    assert gaps and max(gaps) <= 20, gaps


# For exact points: one series, and no longer interval than the Agent's.
QUERY = "avg:system.load.1{host:fresh2}.rollup(avg, 1)"


def _load_points(lab, start: float) -> list[float]:
    keys = lab.state / "secrets"
    # It may not respond immediately after its start, so connections are retried.
    session = requests.Session()
    session.mount("http://", HTTPAdapter(max_retries=Retry(connect=6, backoff_factor=0.5)))
    answer = session.get(
        f"{lab.plan['datadog']['url']}/api/v1/query",
        params={"from": int(start), "to": int(time.time()) + 1, "query": QUERY},
        headers={"DD-API-KEY": (keys / "api_key").read_text().strip(),
                 "DD-APPLICATION-KEY": (keys / "app_key").read_text().strip()},
        timeout=10,
    )  # fmt: skip
    answer.raise_for_status()
    series = answer.json()["series"]
    return [stamp / 1000 for stamp, value in series[0]["pointlist"] if value is not None] if series else []
