"""A lab of the tests' own, and the playbooks run against it as a user would run them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".kennel" / "tests"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
HOSTS: list[dict[str, Any]] = [
    {"name": "fresh1", "node": "node-f1", "groups": ["monitored", "mysql"],
     "vars": {"datadog_agent_hostname": "phi.kennel.test"}},
    {"name": "fresh2", "node": "fresh2", "groups": ["monitored"]},
    {"name": "fresh3", "node": "node-f3", "groups": ["monitored", "mysql", "apm"]},
]  # fmt: skip


@dataclass
class Run:
    """What one ansible-playbook run printed and how it ended."""

    status: int
    output: str

    def changed_tasks(self) -> list[str]:
        """The tasks, handlers included, that said that they changed something, in order."""
        tasks, current = [], ""
        for line in self.output.splitlines():
            header = re.match(r"(?:TASK|RUNNING HANDLER) \[(.*)\] \*+", line)
            if header:
                current = header[1]
            elif re.match(r"changed: \[", line) and (not tasks or tasks[-1] != current):
                tasks.append(current)
        return tasks

    def module_calls(self) -> int:
        """How many modules were sent to hosts, from a run on one host with -vvv."""
        return len(re.findall(r"^Using module file", self.output, re.MULTILINE))

    def list_refreshes(self) -> int:
        """How often a package list was refreshed, from the output of -vvv."""
        return len(re.findall(r"^\s*\"?cache_updated\"?: true", self.output, re.MULTILINE))

    def missing(self) -> dict[str, str]:
        """What verify says is missing, as text by host."""
        said = self.output[self.output.index("Show what Datadog has") :].split("PLAY RECAP")[0]
        found: dict[str, dict[str, None]] = {}
        # One that Datadog knows by another name is called by both.
        for host, text in re.findall(r"^\s*(fresh\d)(?: \(in Datadog \S+\))?: (.+)$", said, re.MULTILINE):
            found.setdefault(host, {})[text] = None
        return {host: "\n".join(texts) for host, texts in found.items()}

    def recap(self) -> dict[str, dict[str, int]]:
        """Counts by host, as the last lines give them."""
        found = {}
        for host, counts in re.findall(r"^(\S+)\s+: (ok=.*)$", self.output, re.MULTILINE):
            found[host] = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counts)}
        return found


class Going:
    """A run under way. What it prints goes to a file, so that it can be read at any time."""

    def __init__(self, command: list[str], env: dict[str, str], folder: tempfile.TemporaryDirectory[str]) -> None:
        self.folder = folder
        self.written = Path(folder.name) / "output"
        with self.written.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def output(self) -> str:
        return self.written.read_text(encoding="utf-8", errors="replace")

    def end(self) -> Run:
        """Wait for the end."""
        with self.folder:
            return Run(self.process.wait(), self.output)


class Lab:
    """The tests' lab."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.env = {
            **os.environ,
            "KENNEL_STATE": str(state),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{PLAYBOOK.parent}{os.pathsep}{os.environ['PATH']}",
        }

    def play(self, playbook: str, *arguments: str, **given: Any) -> Run:
        """Run a playbook of the project; see `start`."""
        return self.start(playbook, *arguments, **given).end()

    def start(
        self,
        playbook: str,
        *arguments: str,
        extra: dict[str, Any] | None = None,
        inventory: dict[str, Any] | None = None,
        **env: str,
    ) -> Going:
        """Begin a run of a playbook of the project; extra variables go through a file, as secrets would.

        :arg inventory: what an inventory beside the lab's says.
        """
        folder = tempfile.TemporaryDirectory()
        files = {name: Path(folder.name) / f"{name}.json" for name in ("extra", "hosts")}
        files["extra"].write_text(json.dumps(extra or {}), encoding="utf-8")
        files["hosts"].write_text(json.dumps(inventory or {}), encoding="utf-8")
        command = [str(PLAYBOOK), f"playbooks/{playbook}.yml", *arguments]
        command += ["-i", "inventory/lab", "-i", str(files["hosts"]), "-e", f"@{files['extra']}"]
        return Going(command, {**self.env, **env}, folder)

    @staticmethod
    def run(command: list[str], folder: Path, env: dict[str, str]) -> Run:
        """Run a command in a folder, in that environment and no other."""
        done = subprocess.run(
            command, cwd=folder, env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout)

    def on(self, host: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as root, over the host's own SSH."""
        plan = next(item for item in self.plan["hosts"] if item["name"] == host)
        ssh = ["ssh", "-p", str(plan["port"]), "-i", str(self.state / "id_ed25519"), "-o", "BatchMode=yes",
               "-o", f"UserKnownHostsFile={self.state}/known_hosts", f"{plan['user']}@{plan['address']}"]  # fmt: skip
        return subprocess.run([*ssh, "sudo", "sh"], input=command, text=True, capture_output=True, check=False)

    def own_python(self, host: str) -> str:
        """Give a host a Python of its own, which imports nothing of the system's packages, and say where it is."""
        folder = "/var/tmp/own"
        settings = "home = /usr/bin\\ninclude-system-site-packages = false\\n"
        self.on(host, f"mkdir -p {folder}/bin; ln -sf /usr/bin/python3 {folder}/bin/python")
        self.on(host, f"printf '{settings}' >{folder}/pyvenv.cfg")
        return f"{folder}/bin/python"

    def podman(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(ROOT / "lab" / "podman"), *arguments], text=True, capture_output=True, check=False)

    @property
    def plan(self) -> dict[str, Any]:
        return json.loads((self.state / "lab.json").read_text(encoding="utf-8"))

    def secrets(self) -> list[str]:
        """Every secret of this lab."""
        return [path.read_text(encoding="utf-8").strip() for path in sorted((self.state / "secrets").iterdir())]

    def down(self) -> None:
        self.play("lab_down", "-e", "lab_keep_image=true")

    def renew(self) -> None:
        """Bare hosts in place of what is there."""
        self.down()
        done = self.play("lab_up", extra={"lab_hosts": HOSTS})
        assert done.status == 0, done.output

    def container(self, name: str) -> str:
        """The container of a host, or of the stand-in Datadog."""
        return f"{self.plan['name']}-{name}"

    def up(self) -> None:
        """Bring the lab up as it was planned: what is gone is recreated, what has stopped is started."""
        done = self.play("lab_up")
        assert done.status == 0, done.output

    def power_off(self, host: str) -> None:
        """End every process of a host at once. What it has written stays."""
        assert self.podman("kill", "--signal=KILL", self.container(host)).returncode == 0

    def power_on(self, host: str) -> None:
        """Start a host again, and wait until it takes logins."""
        assert self.podman("start", self.container(host)).returncode == 0
        # --wait ends at once where systemd itself does not answer yet.
        booted = "until systemctl is-system-running --wait | grep -q -e running -e degraded; do sleep 0.2; done"
        assert self.podman("exec", self.container(host), "timeout", "90", "sh", "-c", booted).returncode == 0

    def reset(self, host: str) -> None:
        """A bare host in place of this one."""
        self.podman("rm", "--force", "--time=0", self.container(host))
        self.up()


@pytest.fixture(scope="session")
def lab():
    """A lab with three bare hosts; gone afterwards."""
    lab = Lab(STATE)
    lab.renew()
    yield lab
    lab.down()
