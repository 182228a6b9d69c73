# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that sets aside the checks that nothing keeps track of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import datadog_untracked_checks

Run = Callable[..., dict[str, Any]]

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


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The Agent's configuration folder: each file says its own name."""
    for name in FILES:
        path = tmp_path / "[etc]" / "conf.d" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "[etc]"


def left(root: Path) -> dict[str, str]:
    folder = root / "conf.d"
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_sets_aside_what_is_not_tracked_and_nothing_else(run_module: Run, root: Path) -> None:
    def untracked(**arguments: Any) -> dict[str, Any]:
        return run_module(datadog_untracked_checks, root=str(root), tracked=["queue", "mysql"], **arguments)

    before = left(root)
    foreseen = untracked(check=True)
    assert left(root) == before
    result = untracked()
    assert result == foreseen
    aside = {
        "nginx.d/conf.yaml": "nginx.d/conf.yaml.2.disabled",
        "redisdb.yaml": "redisdb.yaml.disabled",
        "tomcat.d/other.yml": "tomcat.d/other.yml.disabled",
    }
    assert result["files"] == [str(root / "conf.d" / name) for name in aside]
    assert result["diff"] == [
        {"before": f"{root}/conf.d/{name}\n", "after": f"{root}/conf.d/{new}\n"} for name, new in aside.items()
    ]
    # What an earlier run set aside is still there.
    assert left(root) == {aside.get(name, name): text for name, text in before.items()}
    assert not untracked()["changed"]


def test_file_that_comes_back_as_it_was_is_set_aside_under_the_same_name(run_module: Run, root: Path) -> None:
    file = root / "conf.d" / "redisdb.yaml"
    tracked = ["nginx", "queue", "mysql", "tomcat"]
    for _ in range(3):
        file.write_text("again")
        assert run_module(datadog_untracked_checks, root=str(root), tracked=tracked)["files"] == [str(file)]
    assert [name for name in left(root) if name.startswith("redisdb")] == ["redisdb.yaml.disabled"]


def test_host_without_an_agent_has_no_checks(run_module: Run, tmp_path: Path) -> None:
    assert run_module(datadog_untracked_checks, root=str(tmp_path / "none"), tracked=[])["files"] == []
