# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invalid inputs, through the real preflight.yml: one report names each once, and no valid one."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import fake_datadog
import good_inputs
import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import subject
from bad_agent import AGENT, TAGS, VERIFY
from bad_checks import APP, CHECKS
from bad_mysql import INTEGRATION, MYSQL
from bad_objects import DOWNTIMES, MONITORS, SETTINGS
from cases import SECRET, Case, hosts

ROOT = Path(__file__).resolve().parents[3]
OF_HOSTS = [*TAGS, *AGENT, *VERIFY, *MYSQL, *INTEGRATION, *CHECKS, *APP]
OF_FLEET = [*SETTINGS, *MONITORS, *DOWNTIMES]
RAW = ("Traceback", "UndefinedMarker", "<class", "AnsibleError", "NoneType", "Unexpected", "Error while")
# What is wrong, and what to do. A position in a query says enough.
FORM = re.compile(r"\. [A-Z].*[^.][.?]$|\(line \d+, column \d+\)\.$", re.DOTALL)
# The facts of every host.
FACTS = {
    "distribution": "Debian",
    "distribution_version": "12.9",
    "distribution_major_version": "12",
    "distribution_release": "bookworm",
    "architecture": "x86_64",
    "python": {"executable": "/usr/bin/python3", "version": {"major": 3}},
    "getent_group": {"root": ["x", "0", ""], "adm": ["x", "4", ""]},
}
FINE = {
    "ansible_connection": "local",
    "ansible_become": False,
    "datadog_mysql_user_password": f"{SECRET}-of-the-agent",
    "datadog_objects_fleet": "prod",
    "datadog_objects_notify": "@ops@example.com",
}
Report = dict[str, list[str]]


def good(table: dict[str, list[Any]], **also: Any) -> dict[str, dict[str, Any]]:
    """Return hosts, each with the next value of every variable."""
    most = max(map(len, table.values()))
    hosts = ({name: values[number % len(values)] for name, values in table.items()} for number in range(most))
    return {f"good-{number:03}": {**host, **also} for number, host in enumerate(hosts)}


def bad(cases: list[Case]) -> dict[str, tuple[dict[str, Any], list[Case]]]:
    return {f"bad-{number:03}": host for number, host in enumerate(hosts(cases))}


def run(folder: Path, playbook: Path, hosts: dict[str, dict[str, Any]], fake: fake_datadog.FakeApi) -> str:
    """Run a playbook for hosts that are all this machine, and return its output."""
    # Replaces the interpreter, because gathering real facts would take half a second per host.
    says = folder / "says"
    answer = json.dumps({"changed": False, "ansible_facts": {f"ansible_{name}": fact for name, fact in FACTS.items()}})
    says.write_text(f"#!/bin/sh\ncat >/dev/null\ncat <<'END'\n{answer}\nEND\n", encoding="utf-8")
    says.chmod(0o700)
    keys = {"datadog_api_key": fake.api_key, "datadog_app_key": fake.app_key, "datadog_api_url": fake.url}
    keys["ansible_python_interpreter"] = str(says)
    everywhere = {"hosts": {name: {} for name in hosts}}
    inventory = {"monitored": {"hosts": hosts, "vars": {**FINE, **keys}}, "mysql": everywhere, "apm": everywhere}
    (folder / "hosts.yml").write_text(yaml.safe_dump(inventory, sort_keys=False), encoding="utf-8")
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    env["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".ansible" / "collections")
    # Prints each message in one line.
    env["ANSIBLE_CALLBACK_RESULT_FORMAT"] = "json"
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [str(program), "-i", str(folder / "hosts.yml"), "--forks=4", str(playbook)]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300)
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def of_hosts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output of preflight.yml for hosts with the inputs of both tables."""
    inventory = good(good_inputs.HOSTS) | {name: variables for name, (variables, _cases) in bad(OF_HOSTS).items()}
    with fake_datadog.serve() as fake:
        empty = {"/api/v1/dashboard": {"dashboards": []}, "/api/v1/monitor": [], "/api/v1/query": {"series": []},
                 "/api/v2/downtime": {"data": []}, "/api/v1/downtime": []}  # fmt: skip
        fake.routes |= {path: lambda _query, answer=answer: (200, answer) for path, answer in empty.items()}
        return run(tmp_path_factory.mktemp("hosts"), ROOT / "playbooks" / "preflight.yml", inventory, fake)


@pytest.fixture(scope="module")
def of_fleet(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The problems that the check finds in inputs of fleets, here one fleet per host."""
    folder = tmp_path_factory.mktemp("fleet")
    said = (
        "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, ['checked', 'problems']))) }}"
    )
    tasks = [
        {"kennel.fleet.check_inputs": {"roles": ["datadog_objects"], "refuse": False}, "register": "checked"},
        {
            "ansible.builtin.copy": {"content": said, "dest": str(folder / "report"), "mode": "0600"},
            "delegate_to": "localhost",
            "vars": {"names": "{{ ansible_play_hosts }}"},
            "run_once": True,
        },
    ]
    (folder / "play.yml").write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    inventory = good(good_inputs.OBJECTS) | {name: variables for name, (variables, _cases) in bad(OF_FLEET).items()}
    with fake_datadog.serve() as fake:
        output = run(folder, folder / "play.yml", inventory, fake)
    assert (folder / "report").exists(), output
    return json.loads((folder / "report").read_text())


def faults(problems: list[str], cases: list[Case]) -> list[str]:
    """Return cases that no problem reports as expected, and problems of another form or that no case expects."""
    left, missing = list(problems), []
    for case in cases:
        own = [problem for problem in left if subject(problem) == case.variable]
        if len(own) == 1 and all(word in own[0] for word in case.words):
            left.remove(own[0])
        else:
            missing.append(f"{case.variables} should report {case.words}, but reports {own}")
            left = [problem for problem in left if problem not in own]
    unformed = [f"not what is wrong and what to do: {problem}" for problem in problems if not FORM.search(problem)]
    return missing + unformed + [f"unexpected: {problem}" for problem in left]


def check(report: Report, cases: list[Case]) -> None:
    found = {name: faults(report.get(name, []), wanted) for name, (_variables, wanted) in bad(cases).items()}
    text = "\n".join(f"{name}: {each}" for name, wrong in found.items() for each in wrong)
    assert not text, f"{len(text.splitlines())} of {len(cases)} cases\n{text}"


def of_report(output: str) -> Report:
    """Return the problems of each host."""
    _before, found, after = output.partition('"msg": "Nothing was changed. Fix this first:')
    assert found, output
    report: Report = {}
    text, _end = json.JSONDecoder().raw_decode(f'"{after}')
    for problem in text.splitlines()[1:]:
        host, _colon, text = problem.partition(": ")
        report.setdefault(host, []).append(text)
    return report


def test_there_are_many_cases() -> None:
    assert len(OF_HOSTS) + len(OF_FLEET) > 1500
    assert sum(map(len, itertools.chain(good_inputs.HOSTS.values(), good_inputs.OBJECTS.values()))) > 150


def test_each_invalid_host_input_is_reported_once(of_hosts: str) -> None:
    check(of_report(of_hosts), OF_HOSTS)


def test_each_invalid_fleet_input_is_reported_once(of_fleet: Report) -> None:
    check(of_fleet, OF_FLEET)


def test_valid_inputs_are_not_reported(of_hosts: str, of_fleet: Report) -> None:
    names = [*bad(OF_HOSTS), *good(good_inputs.HOSTS)]
    report = of_report(of_hosts)
    assert not {name: problems for name, problems in report.items() if not name.startswith("bad-")}
    assert report.keys() <= set(names)
    assert not {name: problems for name, problems in of_fleet.items() if name.startswith("good-") and problems}


def test_report_has_no_secrets_and_no_raw_errors(of_hosts: str, of_fleet: Report) -> None:
    text = of_hosts + json.dumps(of_fleet)
    assert SECRET not in text
    assert not [line for line in text.splitlines() for word in RAW if word in line]
