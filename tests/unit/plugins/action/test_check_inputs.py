# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The action check_inputs in a playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[4]
FACTS = {
    "distribution": "Debian",
    "distribution_version": "12.9",
    "distribution_major_version": "12",
    "distribution_release": "bookworm",
    "architecture": "x86_64",
}
FINE = {"datadog_agent_api_key": "0a" * 16, "datadog_agent_site": "datadoghq.eu"}
Check = Callable[..., dict[str, Any]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return a function that checks roles on a host with given variables, and returns the task's result."""

    def run(roles: list[str], variables: dict[str, Any], **arguments: Any) -> dict[str, Any]:
        answer = tmp_path / "answer.json"
        answer.unlink(missing_ok=True)
        tasks = [
            # The next task saves the failed result.
            {"kennel.fleet.check_inputs": {"roles": roles, **arguments}, "register": "checked", "ignore_errors": True},
            {"ansible.builtin.copy": {"dest": str(answer), "mode": "0600", "content": "{{ checked | to_json }}"}},
        ]
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        play["vars"] = {"ansible_facts": FACTS, "ansible_python_interpreter": sys.executable, **FINE, **variables}
        (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
        env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"}
        env["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".ansible" / "collections")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-vvv", "play.yml"]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert answer.exists(), done.stdout + done.stderr
        result = json.loads(answer.read_text())
        return {
            "problems": result["msg"].splitlines() if result.get("failed") else [],
            **result,
            "output": done.stdout,
            "said": done.stderr,
        }

    return run


def test_problems_of_specification_and_rules_are_reported_together(check: Check) -> None:
    wrong = {
        "datadog_agent_enabled": "perhaps",
        "datadog_agent_apm_port": 0,
        "datadog_agent_hostname": "{{ nowhere }}",
        "datadog_tags_literals": ["webserver"],
    }
    result = check(["datadog_tags", "datadog_agent"], wrong)
    assert result["failed"]
    assert [problem.partition(":")[0] for problem in result["problems"]] == ["localhost"] * 4
    for words in ("'webserver' is not of the form", "datadog_agent_enabled", "datadog_agent_apm_port is 0", "nowhere"):
        assert sum(words in problem for problem in result["problems"]) == 1, words
    assert "inputs" not in result


def test_problems_can_be_collected_without_failing(check: Check) -> None:
    result = check(["datadog_agent"], {"datadog_agent_apm_port": 0}, refuse=False, known=["it is slow"])
    assert not result.get("failed")
    assert result["problems"][0] == "localhost: it is slow"
    assert len(result["problems"]) == 2


def test_warnings_are_shown_once_and_do_not_fail(check: Check) -> None:
    widget = {"definition": {"type": "hologram", "beam": 1}}
    board = {"key": "new", "title": "New", "layout_type": "ordered", "widgets": [widget]}
    given = {"datadog_objects_fleet": "lab", "datadog_objects_notify": "@ops@example.com"}
    given |= {"datadog_objects_extra_dashboards": [board]}
    result = check(["datadog_objects"], given)
    assert not result["problems"] and result["inputs"]
    assert result["said"].count("dashboard new: ") == 1 and "unknown, sent unchanged" in result["said"]


def test_effective_inputs_are_typed_and_have_no_secrets(check: Check) -> None:
    given = {
        "datadog_agent_enabled": "yes",
        "datadog_agent_apm_port": "8127",
        "datadog_agent_secrets": {"proxy.https": "http://me:geheim@proxy"},
        "mysql_users": [{"name": "shop", "password": "geheim-too", "priv": "shop.*:ALL"}],
    }
    result = check(["datadog_agent", "mysql"], given)
    agent, mysql = result["inputs"]["datadog_agent"], result["inputs"]["mysql"]
    assert (agent["enabled"], agent["apm_port"], agent["config"]["apm_config"]["receiver_port"]) == (True, 8127, 8127)
    assert mysql["users"] == [{"name": "shop", "priv": "shop.*:ALL"}]
    assert "geheim" not in result["output"]
    assert FINE["datadog_agent_api_key"] not in result["output"].partition("TASK [ansible.builtin.copy]")[0]


def test_agent_gets_the_tags_of_the_host(check: Check) -> None:
    result = check(["datadog_tags", "datadog_agent"], {"datadog_tags_literals": ["env:Lab"], "datadog_tags_fleet": "x"})
    assert result["inputs"]["datadog_agent"]["tags"] == ["env:lab", "kennel_fleet:x"]
    assert result["expects"]["datadog_agent"]["tags"] == ["env:lab", "kennel_fleet:x"]


def test_earlier_results_are_reused(check: Check) -> None:
    before = {"inputs": {"datadog_agent": {"version": "7.1.0"}}, "expects": {"datadog_agent": {}}}
    result = check(["datadog_agent"], {"datadog_agent_api_key": "no key"}, checked=before)
    assert result["inputs"]["datadog_agent"] == {"version": "7.1.0"}
    assert result["problems"] == []


def test_messages_contain_no_secrets(check: Check) -> None:
    given = {"datadog_agent_secrets": "geheim", "datadog_agent_api_key": "geheim-2"}
    result = check(["datadog_agent"], given)
    assert len(result["problems"]) == 2
    assert "geheim" not in " ".join(result["problems"])


def test_source_of_a_check_is_found_next_to_the_playbook_and_in_the_role(check: Check, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "jobs.py").write_text("def\n")
    mine = {"name": "my_metric", "source": "my_metric.py"}
    checks = [mine, {"name": "jobs", "source": "jobs.py"}, {"name": "none", "source": "none.py"}]
    problems = check(["datadog_custom_check"], {"datadog_custom_check_checks": checks})["problems"]
    assert [problem.partition("check ")[2][:4] for problem in problems] == ["jobs", "none"]


def test_missing_fact_is_reported_with_the_setting_that_gathers_it(check: Check) -> None:
    [problem] = check(["datadog_agent"], {"datadog_agent_env": "{{ ansible_facts['memtotal_mb'] }}"})["problems"]
    assert "datadog_agent_env cannot be templated" in problem and "kennel_gather_subset" in problem


def test_host_groups_are_only_queried_if_a_variable_names_some(check: Check) -> None:
    named = {"datadog_agent_groups": ["root", "no-such"]}
    result = check(["datadog_agent"], named)
    assert result["problems"] == [
        "localhost: datadog_agent_groups: the group 'no-such' does not exist on the host. Create it first, or remove"
        " it."
    ]
    assert "getent.py" in result["output"]
    assert "getent.py" not in check(["datadog_agent"], {})["output"]
