"""A separate lab for tests, and helpers that run playbooks as a user would."""

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
    """The output and exit status of an ansible-playbook run."""

    status: int
    output: str

    def changed_tasks(self) -> list[str]:
        """The tasks and handlers that reported a change, in order."""
        tasks, current = [], ""
        for line in self.output.splitlines():
            header = re.match(r"(?:TASK|RUNNING HANDLER) \[(.*)\] \*+", line)
            if header:
                current = header[1]
            elif re.match(r"changed: \[", line) and (not tasks or tasks[-1] != current):
                tasks.append(current)
        return tasks

    def module_calls(self) -> int:
        """The number of modules sent to hosts, from a run on one host with -vvv."""
        return len(re.findall(r"^Using module file", self.output, re.MULTILINE))

    def list_refreshes(self) -> int:
        """The number of refreshes of a package list, from a run with -vvv."""
        return len(re.findall(r"^\s*\"?cache_updated\"?: true", self.output, re.MULTILINE))

    def missing(self) -> dict[str, str]:
        """The missing signals in verify's output, as text by host."""
        said = self.output[self.output.index("Show what Datadog has") :].split("PLAY RECAP")[0]
        found: dict[str, dict[str, None]] = {}
        # A host with another name in Datadog is shown with both.
        for host, text in re.findall(r"^\s*(fresh\d)(?: \(in Datadog \S+\))?: (.+)$", said, re.MULTILINE):
            found.setdefault(host, {})[text] = None
        return {host: "\n".join(texts) for host, texts in found.items()}

    def recap(self) -> dict[str, dict[str, int]]:
        """The counts by host, from the recap."""
        found = {}
        for host, counts in re.findall(r"^(\S+)\s+: (ok=.*)$", self.output, re.MULTILINE):
            found[host] = {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", counts)}
        return found


class Going:
    """A running playbook. Its output goes to a file, and can be read at any time."""

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
        """Wait until the run ends."""
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
        """Start a playbook of the project; extra variables are passed in a file, as secrets would be.

        :arg inventory: contents of an additional inventory.
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
        """Run a command in a folder, with exactly this environment."""
        done = subprocess.run(
            command, cwd=folder, env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout)

    def on(self, host: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as root, over SSH."""
        plan = next(item for item in self.plan["hosts"] if item["name"] == host)
        ssh = ["ssh", "-p", str(plan["port"]), "-i", str(self.state / "id_ed25519"), "-o", "BatchMode=yes",
               "-o", f"UserKnownHostsFile={self.state}/known_hosts", f"{plan['user']}@{plan['address']}"]  # fmt: skip
        return subprocess.run([*ssh, "sudo", "sh"], input=command, text=True, capture_output=True, check=False)

    def own_python(self, host: str) -> str:
        """Create a Python on a host that does not see the system's packages, and return its path."""
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
        """All secrets of this lab."""
        return [path.read_text(encoding="utf-8").strip() for path in sorted((self.state / "secrets").iterdir())]

    def down(self) -> None:
        self.play("lab_down", "-e", "lab_keep_image=true")

    def renew(self) -> None:
        """Replace all hosts by bare ones."""
        self.down()
        done = self.play("lab_up", extra={"lab_hosts": HOSTS})
        assert done.status == 0, done.output

    def container(self, name: str) -> str:
        """Return the container of a host, or of the stand-in Datadog."""
        return f"{self.plan['name']}-{name}"

    def up(self) -> None:
        """Start the lab as planned: recreate missing containers, and start stopped ones."""
        done = self.play("lab_up")
        assert done.status == 0, done.output

    def power_off(self, host: str) -> None:
        """Kill every process of a host at once. Written data stays."""
        assert self.podman("kill", "--signal=KILL", self.container(host)).returncode == 0

    def power_on(self, host: str) -> None:
        """Start a host again, and wait until it accepts logins."""
        assert self.podman("start", self.container(host)).returncode == 0
        # --wait returns immediately if systemd does not respond yet.
        booted = "until systemctl is-system-running --wait | grep -q -e running -e degraded; do sleep 0.2; done"
        assert self.podman("exec", self.container(host), "timeout", "90", "sh", "-c", booted).returncode == 0

    def reset(self, host: str) -> None:
        """Replace this host by a bare one."""
        self.podman("rm", "--force", "--time=0", self.container(host))
        self.up()


@pytest.fixture(scope="session")
def lab():
    """A lab with three bare hosts, which is removed afterwards."""
    lab = Lab(STATE)
    lab.renew()
    yield lab
    lab.down()
