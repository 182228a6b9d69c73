"""Faults of hosts, networks and repositories during a run: the run reports them, leaves nothing half done, and the next
run completes everything.
"""

from __future__ import annotations

from typing import Any

import faults
import pytest

HOST = "fresh2"
OLD, NEW = "1:7.99.0~lab-1", "1:7.99.1~lab-1"
UPGRADE = {"datadog_agent_version": NEW, "datadog_agent_allow_downgrade": True}
INTERVAL = {"datadog_custom_check_interval": 33}
# Differences between the two packages.
VERSION = {"package datadog-agent", "/opt/datadog-agent/embedded/lib/site-packages/standin_agent/VERSION"}
CHECK = "/etc/datadog-agent/conf.d/my_metric.d"
# Stops every dpkg while it unpacks the Agent, so that it is still running when the power fails.
FREEZE = """until ls /opt/datadog-agent/embedded/lib/site-packages/*/*.dpkg-new >/dev/null 2>&1; do :; done
for process in /proc/[0-9]*; do
    case $(cat $process/comm 2>/dev/null) in dpkg) kill -STOP ${process#/proc/} ;; esac
done
dpkg-query --show --showformat '${db:Status-Abbrev}' datadog-agent"""


def recovered(lab, *hosts: str, extra: dict[str, Any] | None = None) -> None:
    """Assert that a run succeeds, and that the next one changes nothing."""
    limit = f"--limit={','.join(hosts or (HOST,))}"
    run = lab.play("hosts", limit, extra=extra)
    assert run.status == 0, run.output[-3000:]
    run = lab.play("hosts", limit, extra=extra)
    assert (run.status, run.changed_tasks()) == (0, []), run.output[-3000:]


@pytest.fixture(scope="module")
def ready(lab) -> dict[str, Any]:
    """A host that is set up, and its state."""
    recovered(lab)
    return faults.state_of(lab, HOST)


@pytest.fixture
def again(lab, ready):
    """The host is restored afterwards."""
    yield
    recovered(lab, extra={"datadog_agent_allow_downgrade": True})
    assert faults.differences(ready, faults.state_of(lab, HOST)) == {}


def test_killed_run_can_be_reverted(lab, again):
    run = lab.start("hosts", f"--limit={HOST}", extra={**INTERVAL, "datadog_tags_literals": ["team:night"]})
    faults.reach(run, "Install the checks]")
    faults.kill(run)


def test_power_failure_during_dpkg_leaves_no_broken_agent(lab, ready, again):
    run = lab.start("hosts", f"--limit={HOST}", extra=UPGRADE)
    assert lab.on(HOST, f"timeout {faults.PATIENCE} sh <<'END'\n{FREEZE}\nEND\n").stdout == "iHR"
    lab.power_off(HOST)
    assert run.end().status != 0
    lab.power_on(HOST)
    assert lab.on(HOST, "ls /var/lib/dpkg/updates; find /opt -name '*.dpkg-new'").stdout.split()
    recovered(lab, extra=UPGRADE)
    assert set(faults.differences(ready, faults.state_of(lab, HOST))) == VERSION


# Makes a host's Python wait for a power failure while it writes a file.
WAITS = """import os, time
real = os.fsync
def fsync(handle):
    if "/etc/datadog-agent" in os.readlink(f"/proc/self/fd/{handle}"):
        open("/run/is-writing", "w").close()
        time.sleep(600)
    real(handle)
os.fsync = fsync
"""


@pytest.mark.long
def test_power_failure_while_writing_a_file_keeps_the_old_one(lab, ready, again):
    own = lab.own_python(HOST)
    packages = lab.on(HOST, f"{own} -c 'import sysconfig; print(sysconfig.get_path(\"purelib\"))'").stdout.strip()
    # Python runs the lines in such a file when it starts.
    place = f"mkdir -p {packages}; cd {packages}; echo import waits >waits.pth; cat >waits.py <<'END'\n{WAITS}END\n"
    assert lab.on(HOST, place).returncode == 0
    python = {"all": {"hosts": {HOST: {"ansible_python_interpreter": own}}}}
    run = lab.start("hosts", f"--limit={HOST}", extra=INTERVAL, inventory=python)
    faults.wait_on_host(lab, HOST, "[ -e /run/is-writing ]")
    before = set(lab.on(HOST, f"ls -A {CHECK}").stdout.split())
    lab.power_off(HOST)
    assert run.end().status != 0
    lab.power_on(HOST)
    assert lab.on(HOST, f"cat {CHECK}/conf.yaml; rm -r /var/tmp/own").stdout.count("min_collection_interval: 45") == 1
    assert before > {"conf.yaml"}


@pytest.mark.long
def test_power_failure_while_restarting_mysql_keeps_its_settings(lab):
    recovered(lab, "fresh1")
    clean = faults.state_of(lab, "fresh1")
    slow = "/etc/systemd/system/mariadb.service.d"
    waits = r"mkdir -p {0}; printf '[Service]\nExecStartPre=/bin/sleep 600\n' >{0}/slow.conf; systemctl daemon-reload"
    lab.on("fresh1", waits.format(slow))
    run = lab.start("hosts", "--limit=fresh1", extra={"mysql_settings": {"max_connections": 77}})
    faults.wait_on_host(lab, "fresh1", "[ $(systemctl show -P SubState mariadb) = start-pre ]")
    lab.podman("exec", lab.container("fresh1"), "rm", "-r", slow)
    lab.power_off("fresh1")
    assert run.end().status != 0
    lab.power_on("fresh1")
    recovered(lab, "fresh1", extra={"mysql_settings": {"max_connections": 77}})
    assert lab.on("fresh1", "mysql -Ne 'SELECT @@max_connections'").stdout.strip() == "77"
    recovered(lab, "fresh1")
    assert faults.differences(clean, faults.state_of(lab, "fresh1")) == {}


# Only connections of the account with which Ansible logs in. Processes on the host keep running.
CUT = """for process in /proc/[0-9]*; do
    case $(tr '\\0' ' ' <$process/cmdline 2>/dev/null) in "sshd: kennel"*) kill -KILL ${process#/proc/} ;; esac
done"""


@pytest.mark.long
def test_lost_connection_only_fails_its_host(lab, ready, again):
    one = f"{{{{ '{NEW}' if inventory_hostname == '{HOST}' else '{OLD}' }}}}"
    run = lab.start("hosts", extra={**INTERVAL, **UPGRADE, "datadog_agent_version": one})
    faults.wait_on_host(lab, HOST, faults.DPKG_IS_AT_WORK)
    lab.podman("exec", lab.container(HOST), "sh", "-c", f"{CUT}\nsystemctl stop ssh.service")
    try:
        ended = run.end()
    finally:
        lab.podman("exec", lab.container(HOST), "systemctl", "start", "ssh.service")
    assert ended.status == 4, ended.output[-3000:]
    recap = ended.recap()
    assert {host: counts["unreachable"] for host, counts in recap.items()} == {"fresh1": 0, HOST: 1, "fresh3": 0}
    for host in ("fresh1", "fresh3"):
        assert recap[host]["failed"] == 0
        assert "min_collection_interval: 33" in lab.on(host, f"cat {CHECK}/conf.yaml").stdout
    recovered(lab, "fresh1", "fresh3")


@pytest.mark.long
def test_unreachable_host_does_not_stop_the_others(lab, ready, again):
    lab.power_off(HOST)
    try:
        run = lab.play("hosts", extra=INTERVAL)
        site = lab.play("site", extra=INTERVAL)
    finally:
        lab.power_on(HOST)
    assert run.status == 4, run.output[-3000:]
    assert {host: counts["unreachable"] for host, counts in run.recap().items()} == {"fresh1": 0, HOST: 1, "fresh3": 0}
    assert "min_collection_interval: 33" in lab.on("fresh1", f"cat {CHECK}/conf.yaml").stdout
    # Preflight fails before anything is changed.
    assert site.status != 0 and f"{HOST}: it cannot be reached" in site.output and site.changed_tasks() == []
    recovered(lab, "fresh1", "fresh3")


def test_full_disk_is_reported_and_the_old_file_is_kept(lab, again):
    full = f"""set -e
        cp -a {CHECK}/. /var/tmp/kept
        mount -t tmpfs -o size=8k,mode=0755,uid=$(id -u dd-agent),gid=$(id -g dd-agent) full {CHECK}
        cp -a /var/tmp/kept/. {CHECK}
        ! dd if=/dev/zero of={CHECK}/full bs=4k 2>/dev/null"""
    assert lab.on(HOST, f"mkdir -p /var/tmp/kept; {full}").returncode == 0
    try:
        run = lab.play("hosts", f"--limit={HOST}", extra=INTERVAL)
        left = lab.on(HOST, f"ls -A {CHECK}; cat {CHECK}/conf.yaml").stdout
    finally:
        lab.on(HOST, f"umount {CHECK}; rm -r /var/tmp/kept")
    assert run.status != 0
    assert f"{CHECK}/conf.yaml: No space left on device. Fix that on the host and run again." in " ".join(
        run.output.split()
    )
    assert left.split("\n")[:2] == ["conf.yaml", "full"] and "min_collection_interval: 45" in left


@pytest.mark.long
def test_full_disk_during_dpkg_leaves_no_broken_agent(lab, ready, again):
    lab.on(HOST, "mkdir -p /var/tmp/kept; cp -a /opt/datadog-agent/. /var/tmp/kept")
    lab.on(HOST, "mount -t tmpfs -o size=40m full /opt/datadog-agent; cp -a /var/tmp/kept/. /opt/datadog-agent")
    try:
        run = lab.play("hosts", f"--limit={HOST}", extra=UPGRADE)
        state = lab.on(HOST, "df /opt/datadog-agent; dpkg-query -Wf '${db:Status-Abbrev}' datadog-agent").stdout
    finally:
        lab.on(HOST, "umount -l /opt/datadog-agent; rm -r /var/tmp/kept")
    assert run.status != 0, state
    assert "No space left on device" in run.output
    recovered(lab, extra=UPGRADE)
    assert set(faults.differences(ready, faults.state_of(lab, HOST))) == VERSION
