# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls to a fake apt-get, which a file controls."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._host import apt
from ansible_collections.kennel.fleet.plugins.module_utils._host.dpkg import CommandError

LONG_AGO = 1_000_000_000


class Module:
    """The part of AnsibleModule that the calls need."""

    def run_command(self, command: list[str], environ_update: dict[str, str]) -> tuple[int, str, str]:
        done = subprocess.run(command, env={**os.environ, **environ_update}, capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with old package lists, and an apt-get that runs the script `apt-get` next to it."""
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "debian_InRelease").touch()
    os.utime(folder, (LONG_AGO, LONG_AGO))
    monkeypatch.setattr(apt, "LISTS", str(folder))
    monkeypatch.setattr(apt, "STAMPS", (str(folder), str(tmp_path / "not-there")))
    monkeypatch.setattr(apt.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return folder


def script(lists: Path, text: str) -> None:
    path = lists.parent / "apt-get"
    path.write_text(f"#!/bin/sh\ncd {lists.parent}\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(("source", "old"), [("/etc/apt/sources.list.d/datadog.list", True), ("", False)])
def test_lists_are_only_fresh_after_a_complete_update(lists: Path, source: str, old: bool) -> None:
    script(lists, "touch lists/new")
    apt.refresh_lists(Module(), source)
    assert (lists / "new").exists()
    assert (lists.stat().st_mtime == LONG_AGO) is old


def test_waits_until_the_lists_are_free(lists: Path) -> None:
    said = "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)"
    script(lists, f"echo x >>calls; [ $(wc -l <calls) -gt 2 ] || {{ echo '{said}' >&2; exit 100; }}")
    apt.refresh_lists(Module())
    assert (lists.parent / "calls").read_text() == "x\n" * 3


@pytest.mark.parametrize("source", ["", "/etc/apt/sources.list.d/datadog.list"])
def test_refuses_an_untrusted_repository(lists: Path, source: str) -> None:
    script(lists, "echo 'W: GPG error: NO_PUBKEY 1' >&2; exit 100")
    with pytest.raises(CommandError, match=r"(?s)Error-Mode=any.* update' fails: W: GPG error: NO_PUBKEY 1"):
        apt.refresh_lists(Module(), source)


def test_never_prompts_and_keeps_changed_files(lists: Path) -> None:
    script(lists, 'echo "$DEBIAN_FRONTEND $LC_ALL $*" >calls')
    apt.install(Module(), "datadog-agent")
    said: Any = (lists.parent / "calls").read_text().split()
    assert said[:2] == ["noninteractive", "C.UTF-8"]
    assert {"--yes", "Dpkg::Options::=--force-confdef", "Dpkg::Options::=--force-confold"} < set(said)


@pytest.mark.parametrize("source", ["", "/etc/apt/sources.list.d/datadog.list"])
def test_refreshes_all_lists_on_a_host_that_has_none(lists: Path, source: str) -> None:
    (lists / "debian_InRelease").unlink()
    script(lists, 'echo "$*" >calls; touch lists/new')
    apt.refresh_lists(Module(), source)
    assert "SourceList" not in (lists.parent / "calls").read_text()
    assert lists.stat().st_mtime > LONG_AGO
