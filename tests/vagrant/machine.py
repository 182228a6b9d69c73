"""Calls Vagrant and libvirt as root, with separate state, so that the user's is not touched.

Network, storage pool, machine, box and lab have the name of the tests' state folder, so that they can all be found.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

import common
from common import ROOT

STATE = ROOT / ".kennel" / "tests-vagrant"
BIN = Path(sys.executable).parent
NAME = common.short_name(STATE)
# A folder that the hypervisor, which runs as a separate user, can read.
POOL = Path("/var/lib/libvirt") / NAME
BOX = f"kennel/{NAME}"
ENV = {
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "LC_ALL": "C.UTF-8",
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_NOCOLOR": "1",
    "LIBVIRT_DEFAULT_URI": "qemu:///system",
    "KENNEL_STATE": str(STATE / "lab"),
    "KENNEL_BOX": BOX,
    "KENNEL_LIBVIRT_DRIVER": "qemu",
    "KENNEL_MEMORY": "3072",
    "KENNEL_BOOT_TIMEOUT": "1800",
    "VAGRANT_HOME": str(STATE / "home"),
    "VAGRANT_DOTFILE_PATH": str(STATE / "dot"),
    "VAGRANT_CHECKPOINT_DISABLE": "1",
}


@dataclass
class Done:
    """A command's exit status, output and duration in seconds."""

    status: int
    output: str
    seconds: float

    def recap(self) -> dict[str, int]:
        """The counts of the only machine, from the recap."""
        [counts] = re.findall(r"^kennel1\s+: (ok=.*)$", self.output, re.MULTILINE)
        return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counts)}


def call(*command: str, data: str = "", env: dict[str, str] | None = None) -> Done:
    """Run a command with the tests' environment and additional variables."""
    begin = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **ENV, **(env or {})}, input=data, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return Done(done.returncode, done.stdout, time.monotonic() - begin)


def must(*command: str, data: str = "") -> str:
    """Run a command that must succeed, and return its output."""
    done = call(*command, data=data)
    assert done.status == 0, f"{' '.join(command)}:\n{done.output[-6000:]}"
    return done.output


def vagrant(*arguments: str, env: dict[str, str] | None = None) -> Done:
    return call("vagrant", *arguments, "--no-tty", env=env)


def virsh(*arguments: str, data: str = "") -> Done:
    return call("virsh", *arguments, data=data)
