"""The account of the tests' lab, and a fixture that runs playbooks against it."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parents[3]
# Always the tests' lab, whatever KENNEL_STATE says: tests must not touch a user's lab.
STATE = ROOT / ".kennel" / "molecule"


class Account:
    """The account, through the API."""

    def __init__(self):
        lab = json.loads((STATE / "lab.json").read_text(encoding="utf-8"))
        keys = {name: (STATE / "secrets" / name).read_text(encoding="utf-8").strip() for name in ("api_key", "app_key")}
        self.fleet, self.url, self.hosts = lab["name"], lab["datadog"]["url"], lab["hosts"]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"DD-API-KEY": keys["api_key"], "DD-APPLICATION-KEY": keys["app_key"]})

    def call(self, method, path, body=None, **params):
        answer = self.session.request(method, f"{self.url}/api/{path}", json=body, params=params, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def everything(self):
        """Return every dashboard, monitor and downtime by kind and id, without fields that change by themselves."""
        boards = [
            self.call("GET", f"v1/dashboard/{one['id']}") for one in self.call("GET", "v1/dashboard")["dashboards"]
        ]
        monitors = self.call("GET", "v1/monitor")
        downtimes = [
            {"id": one["id"], **one["attributes"]}
            for one in self.call("GET", "v2/downtime")["data"]
            if one["attributes"]["status"] not in ("canceled", "ended")
        ]
        kinds = {"dashboard": boards, "monitor": monitors, "downtime": downtimes}
        # Fields that evaluation and time change.
        own = ("overall_state", "overall_state_modified", "state", "status", "schedule", "matching_downtimes")
        return {
            (kind, one["id"]): {name: value for name, value in one.items() if name not in own}
            for kind, found in kinds.items()
            for one in found
        }

    def marked(self, fleet):
        """Return the objects of a fleet."""
        return {id_: one for id_, one in self.everything().items() if f"kennel_fleet:{fleet}" in json.dumps(one)}


@pytest.fixture(scope="session")
def account():
    return Account()


class Run:
    """A playbook's output and exit status."""

    def __init__(self, done):
        self.status, self.output = done.returncode, done.stdout
        self.changed = sum(int(number) for number in re.findall(r"changed=(\d+)", self.output))


@pytest.fixture(scope="session")
def play():
    """Return a function that runs one of the project's playbooks as a user would."""

    def run(playbook, *arguments, **variables):
        command = ["ansible-playbook", f"--inventory={ROOT}/inventory/lab", str(ROOT / "playbooks" / f"{playbook}.yml")]
        settings = {"KENNEL_STATE": STATE, "ANSIBLE_CONFIG": ROOT / "ansible.cfg", "PWD": ROOT,
                    "ANSIBLE_NOCOLOR": 1, "ANSIBLE_FORCE_COLOR": 0}  # fmt: skip
        env = os.environ | {name: str(value) for name, value in settings.items()}
        done = subprocess.run(
            [*command, *arguments, "-e", json.dumps(variables)], cwd=ROOT, env=env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
        return Run(done)

    return run
