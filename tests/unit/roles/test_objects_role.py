# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The objects that come with the role datadog_objects, as its input check returns them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
FLEET = {"datadog_objects_fleet": "shop", "datadog_objects_notify": "@ops@example.com"}
SCOPE = "kennel_fleet:shop"


def checked(folder: Path, cwd: Path | None = None, **variables: Any) -> dict[str, Any]:
    """Return the result of check_inputs for the role."""
    answer = folder / "answer.json"
    tasks = [
        {"kennel.fleet.check_inputs": {"roles": ["datadog_objects"], "refuse": False}, "register": "checked"},
        {"ansible.builtin.copy": {"dest": str(answer), "mode": "0600", "content": "{{ checked | to_json }}"}},
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    play["vars"] = {"ansible_python_interpreter": sys.executable, **FLEET, **variables}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_LOCALHOST_WARNING": "false"}
    env["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".ansible" / "collections")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(folder / "play.yml")]
    done = subprocess.run(command, cwd=cwd or folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(answer.read_text()))


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    hosts = ["web2", "web1"]
    return checked(tmp_path_factory.mktemp("play"), datadog_objects_service="Cart", datadog_objects_hosts=hosts)


def item(result: dict[str, Any], kind: str, key: str) -> dict[str, Any]:
    [found] = [one for one in result["inputs"]["datadog_objects"][kind] if one["key"] == key]
    return found


def queries(board: dict[str, Any]) -> list[str]:
    requests = [request for widget in board["widgets"] for request in widget["definition"]["requests"]]
    return [query["query"] for request in requests for query in request["queries"]]


def test_objects_are_valid_and_all_expected(result: dict[str, Any]) -> None:
    assert result["problems"] == []
    assert result["expects"]["datadog_objects"]["objects"] == {
        "dashboards": ["timeboard", "apm"],
        "monitors": ["my_metric", "mysql_user_time", "agent", "mysql", "errors"],
        "downtimes": ["my_metric_nights", "my_metric_weekends"],
    }


def test_dashboards_show_the_fleet_or_one_host_of_it(result: dict[str, Any]) -> None:
    shown, service = f"{{{SCOPE},$host}}", f"{{{SCOPE},$host,service:cart}}"
    assert queries(item(result, "dashboards", "timeboard")) == [
        f"avg:my_metric{shown} by {{host}}",
        f"avg:mysql.performance.user_time{shown}",
        f"sum:my_metric{shown}.rollup(sum, 3600)",
        f"sum:my_metric{shown}.rollup(sum, 60).fill(null)",
    ]
    assert queries(item(result, "dashboards", "apm")) == [
        f"sum:trace.flask.request.hits{service}.as_rate()",
        f"sum:trace.flask.request.errors{service}.as_rate()",
        *(f"{name}:trace.flask.request{service}" for name in ("p50", "p95", "p99")),
        f"avg:system.cpu.idle{shown} by {{host}}",
        f"avg:system.mem.usable{shown} by {{host}}",
        f"avg:system.mem.total{shown} by {{host}}",
        f"avg:mysql.performance.queries{shown} by {{host}}",
        f"avg:my_metric{shown} by {{host}}",
    ]
    for key in ("timeboard", "apm"):
        [variable] = item(result, "dashboards", key)["template_variables"]
        assert variable["available_values"] == ["web1", "web2"]


def test_monitors_watch_each_host_of_the_fleet(result: dict[str, Any]) -> None:
    found = {one["key"]: one["query"] for one in result["inputs"]["datadog_objects"]["monitors"]}
    hits, errors = (
        f"sum:trace.flask.request.{name}{{{SCOPE},service:cart}} by {{host}}" for name in ("hits", "errors")
    )
    assert found == {
        "my_metric": f"avg(last_5m):avg:my_metric{{{SCOPE}}} by {{host}} > 800",
        "mysql_user_time": f"avg(last_4h):anomalies(avg:mysql.performance.user_time{{{SCOPE}}} by {{host}}, 'basic', 2,"
        " direction='both', interval=60, alert_window='last_15m', count_default_zero='true') >= 1",
        "agent": f'"datadog.agent.up".over("{SCOPE}").by("host").last(2).count_by_status()',
        "mysql": f'"mysql.can_connect".over("{SCOPE}").by("host").last(4).count_by_status()',
        "errors": f"sum(last_5m):{errors}.as_count() / {hits}.as_count() > 0.05",
    }
    assert item(result, "monitors", "my_metric")["options"]["thresholds"] == {
        "critical": 800,
        "critical_recovery": 750,
        "warning": 500,
        "warning_recovery": 450,
    }


def test_messages_are_datadog_templates_with_recipients(result: dict[str, Any]) -> None:
    assert item(result, "monitors", "my_metric")["message"].splitlines() == [
        "{{#is_alert}}my_metric is {{value}} on {{host.name}} ({{host.ip}}), above {{threshold}}.{{/is_alert}}",
        "{{#is_warning}}my_metric is {{value}} on {{host.name}}, above {{warn_threshold}}.{{/is_warning}}",
        "{{#is_no_data}}{{host.name}} has stopped sending my_metric.{{/is_no_data}}",
        "{{#is_recovery}}my_metric is back to {{value}} on {{host.name}}.{{/is_recovery}}",
        "@ops@example.com",
    ]
    objects = result["inputs"]["datadog_objects"]
    assert all(one["message"].endswith("@ops@example.com") for one in objects["monitors"] + objects["downtimes"])
    assert (
        "{{value}} of requests on {{host.name}} ({{host.ip}}) are failing"
        in item(result, "monitors", "errors")["message"]
    )


def test_settings_are_used(tmp_path: Path) -> None:
    settings = {
        "alert": "80",
        "warning": 50.5,
        "no_data_minutes": 20,
        "tags": ["Env:A", "team:a"],
        "timezone": "Asia/Tokyo",
    }
    result = checked(tmp_path, **{f"datadog_objects_{name}": value for name, value in settings.items()})
    assert result["problems"] == []
    monitor = item(result, "monitors", "my_metric")
    assert monitor["query"] == "avg(last_5m):avg:my_metric{env:a,team:a} by {host} > 80"
    assert monitor["options"]["no_data_timeframe"] == 20 and monitor["options"]["thresholds"]["warning"] == 50.5
    assert '.over("env:a","team:a")' in item(result, "monitors", "agent")["query"]
    assert item(result, "downtimes", "my_metric_nights")["schedule"]["timezone"] == "Asia/Tokyo"
    # Without a service.
    assert item(result, "dashboards", "apm")["state"] == item(result, "monitors", "errors")["state"] == "absent"
    assert "errors" not in result["expects"]["datadog_objects"]["objects"]["monitors"]


def test_relative_folder_is_relative_to_the_working_directory(tmp_path: Path) -> None:
    started, folder = tmp_path / "started", tmp_path / "playbooks"
    (started / "export").mkdir(parents=True)
    folder.mkdir()
    note = {"key": "note", "title": "{{ braces }}", "layout_type": "free", "widgets": []}
    (started / "export" / "dashboards.yml").write_text(yaml.safe_dump([note]))
    result = checked(folder, started, datadog_objects_folder="export")
    assert result["problems"] == [] and item(result, "dashboards", "note") == note


def test_braces_that_ansible_would_template_are_refused_with_the_fix(tmp_path: Path) -> None:
    monitor = {"key": "disk", "name": "The disk of {{host.name}}", "type": "metric alert", "query": "x", "message": ""}
    [problem] = checked(tmp_path, datadog_objects_extra_monitors=[monitor])["problems"]
    assert problem.startswith("datadog_objects_extra_monitors cannot be templated: 'host' is undefined")
    assert "write !unsafe before the text" in problem


def test_invalid_setting_is_one_problem(tmp_path: Path) -> None:
    wrong = {"datadog_objects_operation": "flask request", "datadog_objects_service": "cart"}
    [problem] = checked(tmp_path, **wrong)["problems"]
    assert problem.startswith("datadog_objects_operation 'flask request' is not an operation")
    [problem] = checked(tmp_path, datadog_objects_alert="high")["problems"]
    assert "datadog_objects_alert" in problem
