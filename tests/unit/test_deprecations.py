# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The collection causes no deprecation warnings in Ansible. ./kennel test newest checks with the newest version."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from deprecations import ours
from standin_process import Standin, free_port

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
# As ansible-core 2.22 prints them.
FACT = """\
[DEPRECATION WARNING]: INJECT_FACTS_AS_VARS default to `True` is deprecated. Removed from ansible-core version 2.24.
Origin: {}:5:20
"""
MODULE = "[DEPRECATION WARNING]: The old way. This feature will be removed from collection '{}' version 9.9.\n"
IMPORT = "[DEPRECATION WARNING]: Importing 'to_text' from 'ansible.module_utils._text' is deprecated.\n"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (FACT.format("/home/me/.ansible/collections/ansible_collections/kennel/fleet/roles/mysql/tasks/main.yml"), 1),
        (FACT.format("/home/me/fleet/playbooks/site.yml"), 1),
        (FACT.format("/usr/lib/python3/ansible_collections/community/mysql/roles/x/tasks/main.yml"), 0),
        (MODULE.format("kennel.fleet"), 1),
        (MODULE.format("community.mysql"), 0),
        (IMPORT, 1),
        (f"TASK [a] ***\n{IMPORT}ok: [one]\n{FACT.format('/home/me/fleet/site.yml')}{IMPORT}", 3),
        (f"\x1b[1;35m{IMPORT.strip()}\x1b[0m\n", 1),
        ("[DEPRECATION WARNING]: tree has been deprecated. Use another callback plugin, or vendor it.\n", 0),
        ("[WARNING]: No inventory was parsed\n", 0),
    ],
)
def test_our_deprecation_warnings_are_found(text: str, count: int) -> None:
    assert len(ours(text)) == count


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An inventory with this machine as a fleet's only host, and a stand-in Datadog for its objects."""
    folder = tmp_path_factory.mktemp("fleet")
    standin = Standin(folder, free_port())
    standin.start()
    variables = {
        "ansible_connection": "local",
        "ansible_become": False,
        "ansible_python_interpreter": sys.executable,
        "datadog_api_key": standin.api_key,
        "datadog_app_key": standin.app_key,
        "datadog_api_url": standin.url,
        "datadog_objects_fleet": "deprecations",
        "datadog_objects_notify": "@me@example.com",
        # Only the name of this machine is used.
        "datadog_agent_state": "absent",
        "datadog_mysql_user_password": "the-watching-users",
        "flask_apm_database": {"unix_socket": "/run/mysqld/mysqld.sock", "user": "app", "database": "app"},
        "flask_apm_database_password": "the-apps-own",
    }
    groups = {name: {"hosts": {"this": None}} for name in ("monitored", "mysql", "apm")}
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump({"all": {"vars": variables, "children": groups}}), encoding="utf-8")
    yield path
    standin.stop()


@pytest.mark.parametrize("playbook", ["preflight", "objects", "teardown", "export"])
def test_playbooks_on_the_controller_cause_no_deprecation_warnings(
    inventory: Path, playbook: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [str(PLAYBOOK), "-i", str(inventory), f"playbooks/{playbook}.yml", "-e", f"export_folder={tmp_path}"],
        cwd=ROOT,
        env={
            **os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_DEPRECATION_WARNINGS": "1",
        },
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert ours(done.stdout) == []
    # The playbook reached its last task, whatever preflight reports about this machine.
    assert done.returncode == 0 or (playbook == "preflight" and "Report every problem" in done.stdout), done.stdout
