# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbooks, as far as they can be tested without hosts: tags, and tasks on the controller."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
# The lab's playbooks need root on the controller, and say so.
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml") if not path.stem.startswith("lab_"))
SITE = "preflight, agent, tags, mysql, checks, app, objects, verify"
ALONE = {"site": SITE, "preflight": "preflight", "hosts": "agent, tags, mysql, checks, app",
         "objects": "objects", "verify": "verify"}  # fmt: skip


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory with one host, to which nothing connects."""
    path = tmp_path_factory.mktemp("inventory") / "hosts.yml"
    path.write_text("monitored: {hosts: {one: {ansible_connection: local}}}", encoding="utf-8")
    return path


def play(inventory: Path, playbook: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("ansible-playbook")
    env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "COLUMNS": "1000"}
    # Prints each message in one line.
    env["ANSIBLE_CALLBACK_RESULT_FORMAT"] = "json"
    command = [str(program), "-i", str(inventory), f"playbooks/{playbook}.yml", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_unknown_tags_are_refused_with_a_list_of_tags(inventory: Path, playbook: str) -> None:
    run = play(inventory, playbook, "--tags=typo")
    assert run.returncode != 0
    known = f"They accept {ALONE.get(playbook)}."
    instead = "This playbook does one thing. Run it without them." if playbook not in ALONE else known
    assert f"--tags and --skip-tags do not accept typo here. {instead}" in run.stdout + run.stderr


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_checks_run_with_any_tags(inventory: Path, playbook: str) -> None:
    run = play(inventory, playbook, "--skip-tags=always")
    assert run.returncode != 0 and "TASK [" not in run.stdout
    assert "--tags and --skip-tags do not accept always here." in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("playbook", "arguments", "words"),
    [
        ("site", ["--skip-tags=typo"], "do not accept typo here"),
        ("site", ["--skip-tags=all"], "do not accept all here"),
        ("site", ["--tags=untagged"], "do not accept untagged here"),
        ("site", ["--tags=tagged"], "do not accept tagged here"),
        ("site", ["--skip-tags=tagged"], "do not accept tagged here"),
        ("hosts", ["--tags=agent", "--skip-tags=always"], "do not accept always here"),
        ("hosts", ["--tags=objects,verify"], "do not accept objects, verify here"),
        ("hosts", ["--tags=agent,checks", "--skip-tags=agent,checks"], "--skip-tags skips everything"),
        ("hosts", ["--tags=mysql,app"], "--tags app,mysql: no host in this run is in the group for this tag"),
        # Tags that Molecule adds are accepted.
        ("hosts", ["--tags=mysql", "--skip-tags=notest,molecule-notest"], "no host in this run is in the group"),
        ("hosts", ["--tags=agent", "-e", "kennel_serial=1"], "kennel_serial verifies each batch as a whole"),
    ],
)
def test_run_without_effect_is_refused(inventory: Path, playbook: str, arguments: list[str], words: str) -> None:
    run = play(inventory, playbook, *arguments)
    assert run.returncode != 0 and words in run.stdout + run.stderr


def test_documented_tags_are_those_that_are_accepted(inventory: Path) -> None:
    run = play(inventory, "site", "--list-tags")
    assert run.returncode == 0
    lists = [line.partition("[")[2].strip("]").split(", ") for line in run.stdout.splitlines() if "TASK TAGS" in line]
    assert set().union(*lists) == {*SITE.split(", "), "always"}


class Loader(yaml.SafeLoader):
    """A YAML loader that also knows Ansible's tags."""


Loader.add_constructor("!unsafe", lambda _loader, node: node.value)


def tasks(things: Any) -> Iterator[dict[str, Any]]:
    """Yield every task of a play or file, including tasks in blocks."""
    for thing in things or []:
        if isinstance(thing, dict):
            yield thing
            for part in ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers"):
                yield from tasks(thing.get(part))


FILES = [ROOT / "playbooks" / f"{name}.yml" for name in PLAYBOOKS]
FILES += sorted([*(ROOT / "playbooks" / "tasks").glob("*.yml"), *(ROOT / "roles").glob("*/tasks/*.yml")])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_tasks_on_the_controller_use_neither_root_nor_module_files(path: Path) -> None:
    """ansible_become in the group `all` takes precedence over the keyword become, and is meant for hosts."""
    for task in tasks(yaml.load(path.read_text(encoding="utf-8"), Loader)):
        own = task.get("vars", {})
        if "localhost" in (task.get("hosts"), task.get("delegate_to")) or "ansible_become" in own:
            assert own.get("ansible_become") is False, task.get("name")
            # Otherwise, the API keys would be in a file while a module runs.
            assert own.get("ansible_pipelining") is True, task.get("name")
