# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that writes datadog.yaml."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.modules import datadog_config

KEY, NEXT_KEY = "0a" * 16, "1b" * 16
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "datadog.yaml"


@pytest.fixture
def write(run_module: Run, own_files: None, path: Path) -> Run:
    wanted = {"path": str(path), "config": {"site": "datadoghq.eu", "tags": ["env:lab"]}, "secrets": {"api_key": KEY}}
    return lambda **changes: run_module(datadog_config, **{**wanted, **changes})


def test_writes_once_privately_and_with_its_secrets(write: Run, path: Path) -> None:
    first = write()
    assert first["changed"]
    assert first["path"] == str(path)
    assert yaml.safe_load(path.read_text()) == {"site": "datadoghq.eu", "tags": ["env:lab"], "api_key": KEY}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not write()["changed"]


def test_puts_the_mode_right(write: Run, path: Path) -> None:
    write()
    path.chmod(0o644)
    assert write()["changed"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_replaces_an_old_file_without_showing_what_it_held(write: Run, path: Path) -> None:
    path.write_text(f"# api_key: {NEXT_KEY}\napi_key: {NEXT_KEY}\nproxy:\n  https: http://me:geheim@proxy\n")
    result = write()
    assert result["changed"]
    assert "datadoghq.eu" in result["diff"]["after"]
    for secret in (KEY, NEXT_KEY, "geheim"):
        assert secret not in str(result)


def test_new_key_shows_as_a_change_and_not_as_itself(write: Run) -> None:
    write()
    result = write(secrets={"api_key": NEXT_KEY})
    assert result["changed"]
    assert result["diff"]["before"] != result["diff"]["after"]
    assert KEY not in str(result)
    assert NEXT_KEY not in str(result)


def test_check_mode_tells_the_same_and_writes_nothing(write: Run, path: Path) -> None:
    foreseen = write(check=True)
    assert not path.exists()
    assert foreseen == write()
    assert not write(check=True)["changed"]


def test_check_mode_works_where_there_is_no_agent_yet(write: Run, tmp_path: Path) -> None:
    assert write(check=True, path=str(tmp_path / "none" / "datadog.yaml"))["changed"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"secrets": {"tags.7.x": KEY}}, "tags.7.x"),
        ({"path": "/nonexistent/datadog.yaml"}, "/nonexistent does not exist: create it"),
    ],
)
def test_refusals_name_the_place_and_no_secret(write: Run, path: Path, changes: dict[str, Any], words: str) -> None:
    result = write(**changes)
    assert result["failed"]
    assert words in result["msg"]
    assert KEY not in str(result)
    assert not path.exists()
