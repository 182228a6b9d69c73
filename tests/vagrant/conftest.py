"""A separate virtual machine, started by the project's Vagrantfile as a user would."""

from __future__ import annotations

import ipaddress
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from machine import BIN, BOX, NAME, POOL, ROOT, STATE, Done, call, must, virsh

# Every Vagrant command reads this before the project's Vagrantfile.
OWN = f"""\
Vagrant.configure("2") do |config|
  config.vm.provider "libvirt" do |libvirt|
    libvirt.management_network_name = "{NAME}"
    libvirt.management_network_address = "{{network}}"
    libvirt.management_network_keep = true
    libvirt.storage_pool_name = "{NAME}"
    libvirt.default_prefix = "{NAME}-"
    libvirt.disk_driver :cache => "unsafe"
  end
end
"""
NETWORK = f"""\
<network>
  <name>{NAME}</name>
  <forward mode="nat"/>
  <bridge name="{NAME}"/>
  <ip address="{{address}}" netmask="255.255.255.0"><dhcp><range start="{{first}}" end="{{last}}"/></dhcp></ip>
</network>
"""


@pytest.fixture(scope="session")
def libvirt() -> Iterator[None]:
    """A running libvirt. Without systemd, it is started here, and stopped by its process."""
    if virsh("list").status == 0:
        yield
        return
    started = []
    for program in ("virtlogd", "libvirtd"):
        pid = Path(f"/run/{NAME}-{program}.pid")
        must(program, "--daemon", "--pid-file", str(pid))
        started.append(pid.read_text(encoding="ascii").strip())
    yield
    must("kill", *started)


def remove_all() -> None:
    """Remove everything with the tests' name, if it exists."""
    if STATE.exists():
        call("vagrant", "destroy", "--force", "--no-tty")
    for domain in virsh("list", "--all", "--name").output.split():
        if domain.startswith(f"{NAME}-"):
            virsh("destroy", domain)
            must("virsh", "undefine", domain, "--remove-all-storage")
    if NAME in virsh("pool-list", "--all", "--name").output.split():
        for volume in virsh("vol-list", NAME).output.splitlines()[2:]:
            if volume.strip():
                must("virsh", "vol-delete", volume.split()[0], "--pool", NAME)
        virsh("pool-destroy", NAME)
        must("virsh", "pool-undefine", NAME)
    # It is not an error if there is none.
    shutil.rmtree(POOL, ignore_errors=True)
    if NAME in virsh("net-list", "--all", "--name").output.split():
        virsh("net-destroy", NAME)
        must("virsh", "net-undefine", NAME)
    if STATE.exists():
        call(str(BIN / "ansible-playbook"), "playbooks/lab_down.yml", "-e", "lab_keep_image=true")
        shutil.rmtree(STATE)


@pytest.fixture(scope="session")
def folder(libvirt: None) -> Iterator[Path]:
    """The folder of the tests' state, without remains of an earlier run, and removed afterwards."""
    remove_all()
    (STATE / "home").mkdir(parents=True, mode=0o700)
    yield STATE
    remove_all()


@pytest.fixture(scope="session")
def lab(folder: Path) -> dict[str, Any]:
    """A lab whose stand-in Datadog listens on a network for virtual machines. Its only host stays bare."""
    taken = [ipaddress.ip_network(route, strict=False) for route in re.findall(
        r"^(\d+\.\d+\.\d+\.\d+(?:/\d+)?) ", must("ip", "-4", "route"), re.MULTILINE)]  # fmt: skip
    free = (ipaddress.ip_network(f"10.213.{number}.0/24") for number in range(256))
    network = next(one for one in free if not any(one.overlaps(other) for other in taken))
    shape = {"address": network[1], "first": network[2], "last": network[-2]}
    must("virsh", "net-define", "/dev/stdin", data=NETWORK.format(**shape))
    must("virsh", "net-start", NAME)
    POOL.mkdir()
    must("virsh", "pool-define-as", NAME, "dir", "--target", str(POOL))
    must("virsh", "pool-start", NAME)
    (folder / "home" / "Vagrantfile").write_text(OWN.format(network=network), encoding="utf-8")
    must(
        *(str(BIN / "ansible-playbook"), "playbooks/lab_up.yml"),
        *("-e", "lab_count=1", "-e", f"lab_listen={network[1]}"),
    )
    return json.loads((folder / "lab" / "lab.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def box(lab: dict[str, Any], report: Callable[[str, Done], Done]) -> str:
    """A box with this machine's distribution, with the tests' name."""
    cache = ROOT / ".kennel" / "cache"
    made = report("box", call(sys.executable, "-B", "lab/box.py", "--cache", str(cache)))
    assert made.status == 0, made.output
    must("vagrant", "box", "add", "--no-tty", "--name", BOX, json.loads(made.output.splitlines()[-1])["box"])
    return BOX


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest) -> Callable[[str, Done], Done]:
    """Return a function that prints a command's duration immediately, and returns its result."""
    capture = request.config.pluginmanager.getplugin("capturemanager")

    def say(what: str, done: Done) -> Done:
        with capture.global_and_fixture_disabled():
            print(f"{what}: {done.seconds:.0f} s, ended with {done.status}", flush=True)
        return done

    return say
