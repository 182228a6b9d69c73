# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a timeboard script to Kennel: the role applies the files from playbooks/import.yml, and then changes nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from account import Account

ROOT = Path(__file__).resolve().parents[2]
TIMEBOARD = {
    "title": "My Timeboard",
    "description": "An informative timeboard.",
    "read_only": False,
    "template_variables": [{"name": "host", "prefix": "host", "default": "host:web-1"}],
    "graphs": [
        {
            "title": "my_metric",
            "definition": {
                "viz": "timeseries",
                "events": [],
                "requests": [{"q": "avg:my_metric{$host}", "type": "area", "style": {"width": "thin"}}],
            },
        },
        {
            "title": "anomalies",
            "viz": "timeseries",
            "definition": {"requests": [{"q": "anomalies(avg:mysql.performance.user_time{*}, 'basic', 2)"}]},
        },
        {
            "title": "sum of an hour",
            "definition": {
                "viz": "query_value",
                "precision": "0",
                "requests": [{"q": "sum:my_metric{*}.rollup(sum, 3600)", "aggregator": "sum"}],
            },
        },
    ],
}

# As terraform-provider-datadog stores a dashboard: blocks are lists, and unset fields are empty.
BLOCKS = {
    "id": "abc-def-ghi",
    "title": "From Terraform",
    "description": "",
    "layout_type": "ordered",
    "is_read_only": False,
    "widget": [
        {
            "id": 1,
            "note_definition": [],
            "timeseries_definition": [
                {
                    "title": "Load",
                    "live_span": "",
                    "request": [
                        {
                            "q": "",
                            "display_type": "line",
                            "formula": [{"formula_expression": "a", "alias": ""}],
                            "query": [{"metric_query": [{"data_source": "metrics", "name": "a", "query": "avg:x{*}"}]}],
                        }
                    ],
                }
            ],
        }
    ],
}
STATE = {
    "version": 4,
    "resources": [{"mode": "managed", "type": "datadog_dashboard", "instances": [{"attributes": BLOCKS}]}],
}


@pytest.fixture
def play(account: Account, tmp_path: Path) -> Any:
    """Run a playbook in a separate folder; return the exit status, the number of changes and the output."""

    def run(playbook: str, *arguments: str) -> tuple[int, int, str]:
        env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "1000"}
        env["ANSIBLE_COLLECTIONS_PATH"] = str(ROOT / ".ansible" / "collections")
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "hosts.yml", playbook, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=120)
        output = done.stdout + done.stderr
        return done.returncode, sum(map(int, re.findall(r"changed=(\d+)", output))), output

    local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    inventory = {"all": {"hosts": {"localhost": local}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    keys = {"api_key": account.standin.api_key, "app_key": account.standin.app_key, "api_url": account.standin.url}
    role = {
        "role": "kennel.fleet.datadog_objects",
        "vars": {
            "datadog_objects_fleet": "lab",
            "datadog_objects_notify": "@me@example.com",
            "datadog_objects_folder": str(tmp_path / "import"),
        },
    }
    objects = {"hosts": "localhost", "gather_facts": False, "roles": [role]}
    objects["module_defaults"] = {"group/kennel.fleet.datadog": keys}
    (tmp_path / "objects.yml").write_text(yaml.safe_dump([objects]), encoding="utf-8")
    return run


def test_timeboard_and_terraform_state_become_dashboards_of_the_fleet(
    play: Any, account: Account, tmp_path: Path
) -> None:
    (tmp_path / "timeboard.json").write_text(json.dumps(TIMEBOARD), encoding="utf-8")
    (tmp_path / "terraform.tfstate").write_text(json.dumps(STATE), encoding="utf-8")
    playbook = str(ROOT / "playbooks" / "import.yml")
    files = ["-e", json.dumps({"import_files": ["timeboard.json", "terraform.tfstate"]})]
    status, changes, output = play(playbook, *files, "--check")
    assert (status, changes) == (0, 1), output
    assert not (tmp_path / "import").exists()
    status, changes, output = play(playbook, *files)
    assert (status, changes) == (0, 2), output
    assert play(playbook, *files)[1] == 0
    status, changes, output = play("objects.yml")
    assert status == 0 and changes > 0, output
    titles = {board["title"]: board for board in account.there("dashboard")}
    listed = titles["My Timeboard"]
    assert "From Terraform" in titles
    keys = {"dd_api_key": account.standin.api_key, "dd_application_key": account.standin.app_key}
    board = json.loads(account.standin.get(f"/api/v1/dashboard/{listed['id']}", **keys)[1])
    line, anomalies, value = [widget["definition"] for widget in board["widgets"]]
    assert line["requests"] == [{"q": "avg:my_metric{$host}", "display_type": "area", "style": {"line_width": "thin"}}]
    assert (anomalies["type"], value["type"], value["precision"]) == ("timeseries", "query_value", 0)
    assert board["template_variables"] == [{"name": "host", "prefix": "host", "defaults": ["web-1"]}]
    status, changes, output = play("objects.yml")
    assert (status, changes) == (0, 0), output


def test_unusable_files_are_reported_and_the_others_written(play: Any, tmp_path: Path) -> None:
    bad = {"title": "Bad", "graphs": [{"title": "x", "definition": {"requests": [{"q": "avg:my_metric{"}]}}]}
    (tmp_path / "boards.json").write_text(json.dumps([TIMEBOARD, bad]), encoding="utf-8")
    playbook = str(ROOT / "playbooks" / "import.yml")
    status, _changes, output = play(playbook, "-e", json.dumps({"import_files": ["boards.json"]}))
    assert status != 0 and "Left out: dashboard 'Bad'" in output and "widget 'x'" in output
    written = yaml.safe_load((tmp_path / "import" / "dashboards.yml").read_text(encoding="utf-8"))
    assert [board["key"] for board in written] == ["my_timeboard"]
    (tmp_path / "boards.json").write_text("{}", encoding="utf-8")
    status, _changes, output = play(playbook, "-e", "import_files=boards.json", "-e", "import_folder=other")
    assert status != 0 and "boards.json: this has nothing. Provide the JSON of a dashboard" in output
    assert not (tmp_path / "other").exists()
    status, _changes, output = play(playbook)
    assert status != 0 and "Nothing to import. Give the files" in output
