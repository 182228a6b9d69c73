# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Modules work as root in a service user's folder, and that user attacks them."""

from __future__ import annotations

import ast
import os
import pwd
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._host.safe_files import FileProblem
from ansible_collections.kennel.fleet.plugins.module_utils._host.service import newest_change
from ansible_collections.kennel.fleet.plugins.modules import (
    configured_service,
    datadog_checks,
    python_app,
)

Run = Callable[..., dict[str, Any]]

# The modules ask systemctl whether a service runs.
pytestmark = pytest.mark.usefixtures("unit")
Trees = SimpleNamespace

ROOT = Path(__file__).resolve().parents[5]
SECRET = "root:$6$geheim"
USER = pwd.getpwuid(os.getuid()).pw_name
CODE = """
from datadog_checks.base import AgentCheck

class Backlog(AgentCheck):
    def check(self, instance):
        pass
"""


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    """The Agent's configuration folder, and a folder of root with the same names in it."""
    agent, roots = tmp_path / "etc" / "datadog-agent", tmp_path / "root"
    for folder in (agent / "checks.d", agent / "conf.d" / "backlog.d"):
        folder.mkdir(parents=True)
    for name in ("conf.yaml", "backlog.yaml", "backlog.py", "backlog.d/conf.yaml", "datadog.yaml"):
        path = roots / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"instances:\n  - plain: {SECRET}\n")
        path.chmod(0o600)
    roots.chmod(0o700)
    return SimpleNamespace(agent=agent, roots=roots)


def state(folder: Path) -> list[tuple[str, int, int, bytes]]:
    """Return everything in a folder, with owners."""
    found = []
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found.append((str(path), status.st_mode, status.st_uid, content))
    return found


@pytest.fixture
def check(run_module: Run, own_files: None, trees: Trees) -> Run:
    host = {"root": str(trees.agent), "python": sys.executable, "user": USER, "code": {"backlog": CODE}}
    return lambda check=False, **changes: run_module(
        datadog_checks, check=check, checks=[{"name": "backlog", **changes}], **host
    )


def set_link(path: Path, target: Path) -> None:
    if path.is_dir():
        for inner in path.iterdir():
            inner.rmdir()
        path.rmdir()
    path.symlink_to(target)


PLACES = {
    "conf.d/backlog.d": ".",
    "conf.d": ".",
    "checks.d": ".",
    "conf.d/backlog.d/conf.yaml": "conf.yaml",
    "checks.d/backlog.py": "backlog.py",
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("place", PLACES)
def test_check_is_not_written_through_a_link(check: Run, trees: Trees, place: str, check_mode: bool) -> None:
    set_link(trees.agent / place, trees.roots / PLACES[place])
    before = state(trees.roots), state(trees.agent)
    result = check(check=check_mode)
    assert result["failed"]
    assert result["msg"].startswith(f"{trees.agent / place} is a link to '{trees.roots}")
    assert "run again" in result["msg"]
    assert SECRET not in str(result)
    assert (state(trees.roots), state(trees.agent)) == before


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to(path.name), lambda path: path.mkdir()])
@pytest.mark.parametrize("place", ["conf.d/backlog.d/conf.yaml", "checks.d/backlog.py"])
def test_pipes_and_folders_in_place_of_a_check_are_refused(check: Run, trees: Trees, place: str, make) -> None:
    make(trees.agent / place)
    before = state(trees.agent)
    result = check()
    assert result["failed"]
    assert result["msg"].startswith(f"{trees.agent / place} is a ")
    assert state(trees.agent) == before


@pytest.mark.parametrize("place", ["conf.d/backlog.d/conf.yaml", "checks.d/backlog.py"])
def test_hard_link_is_not_shown_and_keeps_its_owner(check: Run, trees: Trees, place: str) -> None:
    (trees.agent / place).hardlink_to(trees.roots / "conf.yaml")
    before = state(trees.roots)
    result = check()
    assert f"{trees.agent / place} has 2 names (hard links)" in result["msg"]
    assert SECRET not in str(result)
    assert state(trees.roots) == before


@pytest.mark.parametrize("place", ["conf.d/backlog.d", "conf.d", "checks.d"])
def test_check_is_not_removed_through_a_link(check: Run, trees: Trees, place: str) -> None:
    set_link(trees.agent / place, trees.roots)
    before = state(trees.roots)
    result = check(state="absent")
    assert result["failed"]
    assert result["msg"].startswith(f"{trees.agent / place} is a link to '{trees.roots}'")
    assert SECRET not in str(result)
    assert state(trees.roots) == before


def test_links_are_removed_without_showing_their_targets(check: Run, trees: Trees) -> None:
    links = ("checks.d/backlog.py", "conf.d/backlog.yaml", "conf.d/backlog.d/conf.yaml")
    for place in links:
        (trees.agent / place).symlink_to(trees.roots / "conf.yaml")
    before = state(trees.roots)
    foreseen = check(state="absent", check=True)
    result = check(state="absent")
    assert result == foreseen
    assert sorted(result["files"]) == sorted(str(trees.agent / place) for place in links)
    assert SECRET not in str(result)
    assert f"(a link to '{trees.roots}/conf.yaml')" in str(result["diff"])
    assert state(trees.roots) == before
    assert not check(state="absent")["changed"]


def test_mode_of_a_checks_folder_is_restored_and_reported(check: Run, trees: Trees) -> None:
    check()
    (trees.agent / "conf.d" / "backlog.d").chmod(0o777)
    assert check(check=True)["changed"]
    result = check()
    assert (result["changed"], result["files"]) == (True, [])
    assert stat.S_IMODE((trees.agent / "conf.d" / "backlog.d").stat().st_mode) == 0o755
    assert not check()["changed"]


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda path, target: path.symlink_to(target),
        lambda path, target: path.hardlink_to(target),
        lambda path, _target: path.symlink_to(path.name),
        lambda path, _target: os.mkfifo(path),
        lambda path, _target: path.mkdir(),
    ],
)
def test_configuration_is_not_written_through_a_trap(
    run_module: Run, own_files: None, trees: Trees, check_mode: bool, make
) -> None:
    path = trees.agent / "datadog.yaml"
    make(path, trees.roots / "datadog.yaml")
    before = state(trees.roots), state(trees.agent)
    result = run_module(
        configured_service, check=check_mode, name="agent", files=[{"path": str(path), "config": {"site": "s"}}]
    )
    assert result["failed"]
    assert result["msg"].startswith(f"{path} ")
    assert SECRET not in str(result)
    assert (state(trees.roots), state(trees.agent)) == before


class TestUntracked:
    @pytest.fixture
    def untracked(self, run_module: Run, trees: Trees) -> Run:
        return lambda **arguments: run_module(
            datadog_checks, root=str(trees.agent), checks=[], disable_others=True, tracked=["backlog"], **arguments
        )

    def test_linked_folder_is_not_a_check_and_its_target_is_kept(self, untracked: Run, trees: Trees) -> None:
        (trees.agent / "conf.d" / "nginx.d").symlink_to(trees.roots)
        before = state(trees.roots)
        assert not untracked()["changed"]
        assert state(trees.roots) == before

    def test_link_is_set_aside_without_its_target(self, untracked: Run, trees: Trees) -> None:
        link = trees.agent / "conf.d" / "nginx.yaml"
        link.symlink_to(trees.roots / "conf.yaml")
        before = state(trees.roots)
        assert untracked()["files"] == [str(link)]
        assert (link.parent / "nginx.yaml.disabled").is_symlink()
        assert state(trees.roots) == before

    def test_linked_folder_of_checks_is_refused(self, untracked: Run, trees: Trees) -> None:
        set_link(trees.agent / "conf.d", trees.roots)
        before = state(trees.roots)
        result = untracked()
        assert result["msg"].startswith(f"{trees.agent}/conf.d is a link to '{trees.roots}'")
        assert state(trees.roots) == before

    def test_pipe_is_set_aside_like_a_file(self, untracked: Run, trees: Trees) -> None:
        os.mkfifo(trees.agent / "conf.d" / "nginx.yaml")
        os.mkfifo(trees.agent / "conf.d" / "nginx.yaml.disabled")
        assert untracked()["changed"]
        assert {path.name for path in (trees.agent / "conf.d").glob("nginx*")} == {
            "nginx.yaml.disabled",
            "nginx.yaml.2.disabled",
        }


def test_linked_watched_folder_is_refused(trees: Trees) -> None:
    set_link(trees.agent / "conf.d", trees.roots)
    with pytest.raises(FileProblem, match=f"{trees.agent}/conf.d is a link to '{trees.roots}'"):
        newest_change([str(trees.agent / "conf.d")], now=1e10)


def test_links_in_a_watched_folder_are_not_followed(trees: Trees) -> None:
    folder = trees.agent / "conf.d"
    (folder / "a.d").symlink_to(trees.roots)
    (folder / "b.yaml").symlink_to(trees.roots / "conf.yaml")
    for path in (trees.roots, trees.roots / "conf.yaml"):
        os.utime(path, (3000, 3000))
    for path in (folder / "a.d", folder / "b.yaml", folder / "backlog.d", folder):
        os.utime(path, (100, 100), follow_symlinks=False)
    os.utime(folder / "a.d", (200, 200), follow_symlinks=False)
    assert newest_change([str(folder)], now=1e10) == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change owners")
def test_app_refuses_a_folder_that_another_user_filled(run_module: Run, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").symlink_to("/etc/passwd")
    os.chown(app, 61234, 61234)
    result = run_module(python_app, path=str(app), files={"app.py": "x\n"}, requirements="flask==1\n")
    assert result["msg"].startswith(f"{app} belongs to the user 61234, who may have put anything into it")
    assert (app / "app.py").is_symlink()


def test_app_refuses_an_environment_from_elsewhere(
    run_module: Run, own_files: None, tmp_path: Path, trees: Trees
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "venv").mkdir()
    arguments = {"path": str(app), "requirements": "flask==1\n", "python": sys.executable}
    assert f"{app}/venv is not a link that this module created" in run_module(python_app, **arguments)["msg"]
    (app / "venv").rmdir()
    (app / "venv").symlink_to(trees.roots)
    (trees.roots / "requirements.txt").write_text("flask==1\n")
    before = state(trees.roots)
    assert run_module(python_app, check=True, **arguments)["changed"]
    assert state(trees.roots) == before


# Calls that work on files by path. Except for those listed below, modules must use safe_files.
BY_PATH = {
    *(
        f"os.{name}"
        for name in ("open", "unlink", "remove", "rename", "replace", "mkdir", "makedirs", "rmdir", "chmod")
    ),
    *(f"os.{name}" for name in ("chown", "lchown", "symlink", "link", "walk", "fwalk", "scandir", "truncate", "utime")),
    *(f"shutil.{name}" for name in ("rmtree", "copy", "copy2", "copyfile", "copytree", "move", "chown")),
    *(f"tempfile.{name}" for name in ("mkstemp", "mkdtemp", "NamedTemporaryFile", "TemporaryDirectory")),
    *("open", "glob.glob", "glob"),
    *(f"module.{name}" for name in ("atomic_move", "set_fs_attributes_if_different", "set_mode_if_different")),
    *("module.load_file_common_arguments", "module.set_owner_if_different", "module.set_group_if_different"),
}
ALLOWED = {
    ("safe_files.py", "os.open"): "below an open folder",
    ("safe_files.py", "os.unlink"): "below an open folder",
    ("safe_files.py", "os.rename"): "below an open folder",
    ("safe_files.py", "os.mkdir"): "below an open folder",
    ("safe_files.py", "os.rmdir"): "below an open folder",
    ("safe_files.py", "os.utime"): "of an open folder",
    ("safe_paths.py", "os.open"): "below an open folder",
    ("dpkg.py", "os.open"): "in /var/lib/dpkg",
    ("service.py", "open"): "/proc",
    ("python_app.py", "os.open"): "a folder that the module has made root's",
    ("python_app.py", "os.symlink"): "in a folder that the module has made root's",
    ("python_app.py", "os.replace"): "in a folder that the module has made root's",
    ("python_app.py", "os.unlink"): "in a folder that the module has made root's",
    ("python_app.py", "shutil.rmtree"): "in a folder that the module has made root's",
    ("python_app.py", "tempfile.TemporaryDirectory"): "its name cannot be foreseen",
    ("python_app.py", "open"): "in a separate temporary folder",
    ("keyring.py", "os.makedirs"): "/usr/share/keyrings",
    ("apt.py", "glob.glob"): "in a folder of root's",
    ("apt.py", "os.utime"): "in folders of apt's, which are root's",
    ("agent_package.py", "glob.glob"): "below /etc/systemd and /usr/lib/systemd",
    ("agent_package.py", "shutil.rmtree"): "in a folder of root's, and it follows no link",
    ("agent_package.py", "tempfile.TemporaryDirectory"): "in /var/lib, and its name cannot be foreseen",
    ("agent_package.py", "open"): "in a separate temporary folder",
    ("agent_package.py", "os.chmod"): "in a separate temporary folder",
    ("check_import.py", "open"): "run as the Agent's user",
    ("check_import.py", "os.open"): "run as the Agent's user",
    ("check_import.py", "os.mkdir"): "run as the Agent's user",
    ("check_import.py", "os.symlink"): "run as the Agent's user",
    ("check_import.py", "shutil.rmtree"): "run as the Agent's user",
    ("check_import.py", "tempfile.mkdtemp"): "run as the Agent's user",
    ("datadog_verify.py", "open"): "a temporary file of the controller's",
    ("module.py", "tempfile.mkstemp"): "on the controller",
    ("module.py", "os.chmod"): "on the controller",
    ("module.py", "os.replace"): "on the controller",
    ("module.py", "os.makedirs"): "on the controller",
}


def test_modules_use_safe_files() -> None:
    found = set()
    for path in [*(ROOT / "plugins" / "modules").glob("*.py"), *(ROOT / "plugins" / "module_utils").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                found.add((path.name, ast.unparse(node.func).replace("self.module.", "module.")))
    assert {(name, call) for name, call in found if call in BY_PATH} - set(ALLOWED) == set()


# Tasks that work on files by path, as root. No service user can change their folders.
WRITING = {
    "file",
    "copy",
    "template",
    "lineinfile",
    "blockinfile",
    "replace",
    "assemble",
    "unarchive",
    "get_url",
    "slurp",
}


def tasks_of(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [task for item in value for task in tasks_of(item)]
    inner = [task for name in ("block", "rescue", "always") for task in tasks_of(value.get(name, []))]
    return [value, *inner]


def test_tasks_do_not_write_files() -> None:
    found = set()
    for path in ROOT.glob("roles/*/*/*.yml"):
        if path.parent.name in ("tasks", "handlers"):
            for task in tasks_of(yaml.safe_load(path.read_text(encoding="utf-8"))):
                for name, arguments in task.items():
                    if name.startswith("ansible.builtin.") and name.removeprefix("ansible.builtin.") in WRITING:
                        where = arguments.get("path") or arguments.get("dest")
                        found.add((path.parents[1].name, name.removeprefix("ansible.builtin."), where))
    # The collection's modules write them, because these know which links root may follow.
    assert found == set()
    assert shutil.rmtree.avoids_symlink_attacks
