# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The project's ansible.cfg: no file with module arguments on the controller, and short names of filters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("pipelining", [True, False])
def test_module_arguments_on_the_controller_are_in_no_file(tmp_path: Path, pipelining: bool) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_REMOTE_TMP": str(folder),
        **({} if pipelining else {"ANSIBLE_PIPELINING": "false"}),
    }
    ansible = Path(sys.executable).with_name("ansible")
    module = ["-m", "ansible.builtin.command", "-a", f"grep -rl the-marked-argument {folder}"]
    command = [str(ansible), "localhost", "-i", "localhost,", "-c", "local", *module]
    said = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    # grep either reports that it found nothing, or prints the file that contains the keys.
    assert ("rc=1" in said, str(folder / "ansible-tmp") in said.replace("the-marked-argument", "")) == (
        pipelining,
        not pipelining,
    )


def test_playbooks_can_use_short_names_of_filters(tmp_path: Path) -> None:
    text = "{{ 'my_metric' | metric_query(by=['host']) | rollup('sum', 3600) }} {{ ['Env:Lab'] | datadog_tags }}"
    tasks = [{"ansible.builtin.debug": {"msg": text}}]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (tmp_path / "own.yml").write_text(json.dumps([play]), encoding="utf-8")
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(tmp_path / "own.yml")]
    said = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "avg:my_metric{*} by {host}.rollup(sum, 3600) ['env:lab']" in said
    links = {path.name for path in (ROOT / "filter_plugins").iterdir()}
    assert links == {path.name for path in (ROOT / "plugins" / "filter").glob("*.py")}
