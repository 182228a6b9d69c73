"""A machine from first boot to removal: behaviour that only a virtual machine shows, in addition to the lab's hosts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from machine import BIN, NAME, ROOT, STATE, Done, call, common, must, vagrant

pytestmark = pytest.mark.long
KEYS = {"DD_API_KEY": "", "DD_APP_KEY": ""}
UNITS = ("datadog-agent", "datadog-agent-trace", "mariadb", "flask_apm")
# One command, because each takes seconds.
QUESTION = f"""
echo boot $(cat /proc/sys/kernel/random/boot_id)
echo booted_at $(awk '/^btime/ {{ print $2 }}' /proc/stat)
echo memory $(awk '/^MemTotal/ {{ print $2 / 1024 }}' /proc/meminfo)
echo kind $(systemd-detect-virt)
echo state $(systemctl is-system-running --wait)
for unit in {" ".join(UNITS)}; do echo $unit $(systemctl is-active $unit) $(systemctl is-enabled $unit); done
"""


@dataclass
class Story:
    """The machine's history, in order."""

    up: Done
    again: Done
    before: dict[str, str]  # output on the machine
    uptime_before: float
    reboot: Done
    after: dict[str, str]
    verify: Done
    uptime_after: float
    memory: float
    destroy: Done
    left: str


def asked() -> dict[str, str]:
    """Return the machine's output of the command."""
    done = call("vagrant", "ssh", "kennel1", "--no-tty", "--command", "sudo sh", data=QUESTION)
    assert done.status == 0, done.output
    return dict(line.strip().split(" ", 1) for line in done.output.splitlines() if " " in line)


def shown(lab: dict[str, Any], metric: str, since: float) -> float:
    """Wait for a value of the machine's metric in Datadog since a time, and return the last one."""
    end = time.monotonic() + 600
    while time.monotonic() < end:
        now = int(time.time())
        query = f"from={int(since)}&to={now}&query=avg:{metric}%7Bhost:kennel1%7D"
        answer = common.ask(f"{lab['datadog']['url']}/api/v1/query?{query}", common.keys(lab))
        points = [value for series in (answer or {"series": []})["series"] for _, value in series["pointlist"]]
        if points:
            return points[-1]
        # The Agent sends every 15 seconds.
        time.sleep(5)
    raise AssertionError(f"{metric} did not arrive within ten minutes")


@pytest.fixture(scope="session")
def story(lab: dict[str, Any], box: str, report: Callable[[str, Done], Done]) -> Story:
    """Start the machine, provision it again, reboot it, verify it, and destroy it."""
    begin = time.time()
    up = report("vagrant up", vagrant("up", "--provider=libvirt", env=KEYS))
    assert up.status == 0, up.output[-6000:]
    again = report("vagrant provision", vagrant("provision", env=KEYS))
    before, uptime_before = asked(), shown(lab, "system.uptime", begin)
    reboot = report("vagrant reload", vagrant("reload", "--no-provision", env=KEYS))
    after = asked()
    inventories = (f"--inventory={STATE}/dot/provisioners/ansible/inventory", f"--inventory={ROOT}/inventory/vagrant")
    # Vagrant does not check host keys either, because the machine has just created them.
    ssh = {"ANSIBLE_HOST_KEY_CHECKING": "false", **KEYS}
    verify = report("verify", call(str(BIN / "ansible-playbook"), *inventories, "playbooks/verify.yml", env=ssh))
    booted = float(after["booted_at"])
    uptime_after, memory = shown(lab, "system.uptime", booted), shown(lab, "system.mem.total", booted)
    destroy = report("vagrant destroy", vagrant("destroy", "--force"))
    left = must("virsh", "list", "--all", "--name") + must("virsh", "vol-list", NAME)
    return Story(up, again, before, uptime_before, reboot, after, verify, uptime_after, memory, destroy, left)


def test_site_succeeds(story: Story) -> None:
    counts = story.up.recap()
    assert counts["failed"] == counts["unreachable"] == 0 < counts["changed"]


def test_second_run_changes_nothing(story: Story) -> None:
    assert story.again.status == 0, story.again.output[-6000:]
    assert story.again.recap()["changed"] == 0


def test_machine_is_not_a_container(story: Story) -> None:
    assert story.before["kind"] == "qemu"


def test_everything_runs_after_a_reboot(story: Story) -> None:
    assert story.reboot.status == 0, story.reboot.output[-3000:]
    assert story.after["boot"] != story.before["boot"]
    assert story.after["state"] == "running", "a unit has failed"
    # The package makes the Agent's main unit start the other one.
    own = {unit: story.after[unit].split()[0] for unit in UNITS}
    assert own == dict.fromkeys(UNITS, "active")


def test_everything_reports_after_a_reboot(story: Story) -> None:
    assert story.verify.status == 0, story.verify.output[-6000:]


def test_datadog_shows_the_reboot(story: Story) -> None:
    assert 0 < story.uptime_after < story.uptime_before


def test_datadog_shows_the_machines_memory(story: Story) -> None:
    assert round(story.memory) == round(float(story.before["memory"]))


def test_destroy_removes_machine_and_disks(story: Story) -> None:
    assert story.destroy.status == 0, story.destroy.output
    assert f"{NAME}-kennel1" not in story.left


def test_output_contains_no_secrets(story: Story, lab: dict[str, Any]) -> None:
    files = [*Path(lab["state"], "secrets").iterdir(), *Path(f"{lab['state']}-vagrant").glob("*_kennel1")]
    secrets = [file.read_text(encoding="utf-8").split()[0] for file in files]
    assert len(secrets) >= 4
    output = "".join(done.output for done in (story.up, story.again, story.verify))
    assert [secret[:4] for secret in secrets if secret in output] == []
