# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that installs checks. It loads code with the tests' Python, which has the genuine datadog-checks-base."""

from __future__ import annotations

import os
import pwd
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.modules import datadog_checks
from systemctl import Unit

Run = Callable[..., dict[str, Any]]

# The modules ask systemctl whether a service runs.
pytestmark = pytest.mark.usefixtures("unit")

CODE = """
from datadog_checks.base import AgentCheck

class Jobs(AgentCheck):
    def check(self, instance):
        self.gauge('jobs', 1)
"""
SECRET = "geheim-1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The Agent's configuration folder, as its package creates it."""
    root = tmp_path / "datadog-agent"
    for name in ("checks.d", "conf.d"):
        (root / name).mkdir(parents=True)
    return root


@pytest.fixture
def install(run_module: Run, own_files: None, root: Path) -> Run:
    check = {
        "name": "jobs",
        "instances": [{"min_collection_interval": 45}],
        "secrets": {"instances.0.password": SECRET},
        "source": "files/jobs.py",
    }
    host = {"root": str(root), "python": sys.executable, "user": pwd.getpwuid(os.getuid()).pw_name}

    def call(code: str | None = CODE, others: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        given = {
            key: changes.pop(key) for key in (*host, "check", "disable_others", "tracked", "prove") if key in changes
        }
        codes = {"code": {"jobs": code} if code is not None else {}} | (others or {})
        checks = [{**check, **changes}, *codes.pop("checks", [])]
        return run_module(datadog_checks, **{**host, **given}, checks=checks, **codes)

    return call


def tree(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_installs_code_and_configuration_once(install: Run, root: Path) -> None:
    first = install()
    assert first["files"] == [str(root / "checks.d/jobs.py"), str(root / "conf.d/jobs.d/conf.yaml")]
    assert (root / "checks.d/jobs.py").read_text() == CODE
    written = yaml.safe_load((root / "conf.d/jobs.d/conf.yaml").read_text())
    assert written["instances"] == [{"min_collection_interval": 45, "password": SECRET}]
    assert {stat.S_IMODE((root / path).stat().st_mode) for path in tree(root)} == {0o640}
    assert stat.S_IMODE((root / "conf.d/jobs.d").stat().st_mode) == 0o755
    again = install()
    assert (again["changed"], again["files"]) == (False, [])


def test_new_interval_only_changes_the_configuration(install: Run, root: Path) -> None:
    install()
    result = install(instances=[{"min_collection_interval": 30}])
    assert result["files"] == [str(root / "conf.d/jobs.d/conf.yaml")]
    [diff] = result["diff"]
    assert "45" in diff["before"]
    assert "30" in diff["after"]
    assert SECRET not in str(result)


def test_says_that_a_running_agent_must_be_restarted(install: Run, unit: Unit) -> None:
    assert install(check=True)["actions"] == install()["actions"] == ["restart is due"]
    assert install()["actions"] == []
    unit.set(ActiveState="inactive")
    assert install(instances=[{"min_collection_interval": 30}])["actions"] == []
    assert unit.verbs == []


def test_agents_own_check_needs_no_code_and_no_python(install: Run, root: Path) -> None:
    assert install(code=None, python="/nonexistent")["changed"]
    assert list(tree(root)) == ["conf.d/jobs.d/conf.yaml"]


def test_older_form_of_the_configuration_is_removed(install: Run, root: Path) -> None:
    old = root / "conf.d/jobs.yaml"
    old.write_text(f"instances:\n  - password: {SECRET}\n")
    result = install()
    assert str(old) in result["files"]
    assert not old.exists()
    assert SECRET not in str(result)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def", "SyntaxError"),
        ("import no_such_library", "no_such_library"),
        ("raise RuntimeError('at import')", "at import"),
        ("x = 1", "no subclass of AgentCheck"),
        ("from datadog_checks.base import AgentCheck", "no subclass of AgentCheck"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_code_that_does_not_load_changes_nothing(install: Run, root: Path, code: str, reason: str, check: bool) -> None:
    install()
    before = tree(root)
    result = install(code=code, instances=[{}], secrets={}, check=check)
    assert result["failed"]
    assert "check jobs does not load" in result["msg"]
    assert "Fix files/jobs.py" in result["msg"]
    assert reason in result["msg"]
    assert tree(root) == before


def test_check_mode_reports_the_same_and_changes_nothing(install: Run, root: Path) -> None:
    foreseen = install(check=True)
    assert tree(root) == {}
    assert foreseen == install()
    assert not install(check=True)["changed"]


def test_check_mode_works_without_an_agent(install: Run, tmp_path: Path) -> None:
    arguments = {"root": str(tmp_path / "none"), "python": str(tmp_path / "none/python3")}
    assert len(install(check=True, **arguments)["files"]) == 2
    result = install(**arguments)
    assert result["failed"]
    assert "Install the Agent before its checks" in result["msg"]


def test_absent_removes_every_form(install: Run, root: Path) -> None:
    install()
    (root / "conf.d/jobs.yaml").write_text("instances: [{}]\n")
    foreseen = install(state="absent", check=True)
    assert len(tree(root)) == 3
    assert install(state="absent") == foreseen
    assert tree(root) == {}
    assert not (root / "conf.d/jobs.d").exists()
    assert not install(state="absent")["changed"]


def test_absent_leaves_other_files(install: Run, root: Path) -> None:
    install()
    (root / "conf.d/jobs.d/auto_conf.yaml").write_text("a: 1\n")
    install(state="absent")
    assert list(tree(root)) == ["conf.d/jobs.d/auto_conf.yaml"]


@pytest.mark.parametrize("name", ["../jobs", "a-b", "1st", ""])
def test_refuses_invalid_module_names(install: Run, root: Path, name: str) -> None:
    assert install(name=name)["failed"]
    assert tree(root) == {}


def test_invalid_secret_is_named_by_its_path(install: Run, root: Path) -> None:
    result = install(secrets={"instances.5.password": SECRET})
    assert result["failed"]
    assert "instances.5.password" in result["msg"]
    assert SECRET not in str(result)
    assert tree(root) == {}


SECOND = {
    "checks": [{"name": "backlog", "sections": {"logs": [{"type": "file"}]}}, {"name": "old", "state": "absent"}],
    "code": {"jobs": CODE, "backlog": CODE.replace("Jobs", "Queue")},
}


def test_several_checks_are_installed_in_one_call(install: Run, root: Path) -> None:
    (root / "conf.d/old.yaml").write_text("instances: [{}]\n")
    foreseen = install(others=SECOND, check=True)
    result = install(others=SECOND)
    assert not result["failed"]
    assert result == foreseen
    assert list(tree(root)) == [
        "checks.d/backlog.py", "checks.d/jobs.py", "conf.d/backlog.d/conf.yaml", "conf.d/jobs.d/conf.yaml",
    ]  # fmt: skip
    written = yaml.safe_load((root / "conf.d/backlog.d/conf.yaml").read_text())
    assert written == {"init_config": {}, "instances": [{}], "logs": [{"type": "file"}]}
    assert not install(others=SECOND)["changed"]


def test_all_invalid_checks_are_named_and_none_is_installed(install: Run, root: Path) -> None:
    result = install(
        others={"checks": [{"name": "a-b"}, {"name": "good"}], "code": {"jobs": "def", "good": CODE}}, check=False
    )
    assert result["failed"]
    assert ["jobs" in line or "a-b" in line for line in result["msg"].splitlines()] == [True, True]
    assert tree(root) == {}


def test_check_may_import_another_one_from_the_same_call(install: Run, root: Path) -> None:
    assert install(code="from queue_base import Jobs\n")["failed"]
    codes = {"jobs": "import queue_base\n" + CODE, "queue_base": CODE.replace("Jobs", "Base")}
    assert install(others={"checks": [{"name": "queue_base"}], "code": codes})["changed"]


FILES = (
    "cpu.d/conf.yaml.default",
    "docker.d/auto_conf.yaml",
    "mysql.d/conf.yaml",
    "mysql.d/conf.yaml.example",
    "nginx.d/conf.yaml",
    "nginx.d/conf.yaml.disabled",
    "queue.d/conf.yaml",
    "queue.d/second.yml",
    "redisdb.yaml",
    "tomcat.d/metrics.yaml",
    "tomcat.d/other.yml",
)
OTHERS = {"disable_others": True, "tracked": ["queue", "mysql"], "code": None}


@pytest.fixture
def crowded(root: Path) -> Path:
    """The folder of configurations, where each file contains its name."""
    for name in FILES:
        path = root / "conf.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root / "conf.d"


def test_only_sets_aside_unlisted_configurations(install: Run, crowded: Path) -> None:
    install(code=None)
    before = tree(crowded)
    foreseen = install(check=True, **OTHERS)
    assert tree(crowded) == before
    result = install(**OTHERS)
    assert result == foreseen
    aside = {
        "nginx.d/conf.yaml": "nginx.d/conf.yaml.2.disabled",
        "redisdb.yaml": "redisdb.yaml.disabled",
        "tomcat.d/other.yml": "tomcat.d/other.yml.disabled",
    }
    assert result["files"] == [str(crowded / name) for name in aside]
    assert result["diff"] == [
        {"before": f"{crowded}/{name}\n", "after": f"{crowded}/{new}\n"} for name, new in aside.items()
    ]
    # Files that an earlier run set aside are still there.
    assert tree(crowded) == {aside.get(name, name): text for name, text in before.items()}
    assert not install(**OTHERS)["changed"]


def test_recreated_file_is_set_aside_under_the_same_name(install: Run, crowded: Path) -> None:
    install(code=None)
    tracked = ["nginx", "queue", "mysql", "tomcat"]
    for _ in range(3):
        (crowded / "redisdb.yaml").write_text("again")
        result = install(code=None, disable_others=True, tracked=tracked)
        assert result["files"] == [str(crowded / "redisdb.yaml")]
    assert [name for name in tree(crowded) if name.startswith("redisdb")] == ["redisdb.yaml.disabled"]


def test_leaves_other_checks_alone_by_default(install: Run, crowded: Path) -> None:
    before = tree(crowded)
    install(code=None)
    assert tree(crowded).items() >= before.items()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Return a function that sets what the Agent's command line does, and returns the list of its calls."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    calls = programs / "calls"

    def answer(script: str) -> list[str]:
        for name, text in {
            "runuser": 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
            "datadog-agent": f'echo "$*" >>{calls}; {script}',
        }.items():
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        before = calls.read_text().splitlines() if calls.exists() else []
        calls.write_text("")
        return before

    return answer


GIVES = """printf '[{"aggregator": {"metrics": [{"metric": "jobs"}]}, "runner": {"LastError": ""}}]'"""


def test_only_runs_unchanged_checks(install: Run, agent: Callable[[str], list[str]]) -> None:
    agent(GIVES)
    arguments: dict[str, Any] = {"metrics": ["jobs"], "prove": True, "code": None}
    # The Agent must be restarted first.
    assert (install(**arguments)["proven"], agent(GIVES)) == (False, [])
    assert (install(**arguments)["proven"], agent(GIVES)) == (True, ["check jobs --json"])
    assert (install(**arguments, check=True)["proven"], agent(GIVES)) == (False, [])
    assert (install(**{**arguments, "prove": False})["proven"], agent(GIVES)) == (False, [])


@pytest.mark.parametrize(
    "script", [GIVES.replace("jobs", "other"), "echo Error: unable to read the auth token >&2; exit 1"]
)
def test_check_with_missing_metrics_or_a_failed_run_is_not_proven(
    install: Run, agent: Callable[[str], list[str]], script: str
) -> None:
    agent(script)
    arguments: dict[str, Any] = {"metrics": ["jobs"], "prove": True, "code": None}
    install(**arguments)
    result = install(**arguments)
    assert (result["failed"], result["proven"]) == (False, False)


def test_check_without_metrics_is_not_run(install: Run, agent: Callable[[str], list[str]]) -> None:
    agent("exit 1")
    install(code=None)
    assert (install(code=None, prove=True)["proven"], agent("exit 1")) == (True, [])
