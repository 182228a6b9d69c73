# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that lists packages, with a fake dpkg and a separate dpkg folder."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._host import dpkg
from ansible_collections.kennel.fleet.plugins.modules import installed_packages

PACKAGES = """installed ok openssh-server
half-installed reinstreq mariadb-server
installed reinstreq datadog-agent
unpacked ok python3-venv
config-files ok nginx
installed ok adduser
installed ok libc6
installed ok libc6
"""
# The fake dpkg does what it is asked, as the journal shows, or says why not.
DPKG = """#!/bin/sh
echo "$DPKG_FRONTEND_LOCKED $DEBIAN_FRONTEND $*" >>{root}/calls
if [ -e {root}/broken ]; then echo "mariadb-server: post-installation script failed" >&2; exit 1; fi
rm -f {root}/updates/[0-9]*
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in (("dpkg-query", f"#!/bin/sh\ncat <<'END'\n{PACKAGES}END\n"), ("dpkg", DPKG)):
        (programs / name).write_text(text.replace("{root}", str(tmp_path)))
        (programs / name).chmod(0o755)
    (tmp_path / "updates").mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(dpkg, "ADMINDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(run_module: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda **arguments: run_module(installed_packages, **arguments)


def interrupt(host: Path) -> None:
    (host / "updates" / "0001").touch()


def calls(host: Path) -> list[str]:
    path = host / "calls"
    return path.read_text().splitlines() if path.exists() else []


def test_lists_completely_installed_packages(host: Path, run: Callable[..., dict[str, Any]]) -> None:
    result = run()
    assert (result["changed"], result["installed"]) == (False, ["adduser", "libc6", "openssh-server"])
    assert calls(host) == []


def test_completes_an_interrupted_dpkg_without_prompts(host: Path, run: Callable[..., dict[str, Any]]) -> None:
    interrupt(host)
    assert run(check=True)["changed"]
    assert calls(host) == []
    assert run()["changed"]
    assert calls(host) == ["1 noninteractive --force-confdef --force-confold --configure --pending"]
    assert not run()["changed"]


def test_failure_to_complete_names_the_fix(host: Path, run: Callable[..., dict[str, Any]]) -> None:
    interrupt(host)
    (host / "broken").touch()
    result = run()
    assert result["failed"]
    assert "mariadb-server: post-installation script failed" in result["msg"]
    assert "'dpkg --configure -a' succeeds" in result["msg"]


def holder(host: Path, then: str) -> subprocess.Popen[str]:
    """Another program that holds dpkg's lock until it gets input, and then runs THEN."""
    code = (
        "import fcntl, os, sys; stream = open(sys.argv[1], 'w'); fcntl.lockf(stream, fcntl.LOCK_EX)\n"
        f"print('held', flush=True); sys.stdin.readline(); {then}"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(host / "lock-frontend")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    return other


def test_waits_for_a_running_dpkg(
    host: Path, run: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dpkg started by a killed run may still be running, and its journal looks like an abandoned one."""
    interrupt(host)
    other = holder(host, f"os.unlink({str(host / 'updates' / '0001')!r})")
    lockf = fcntl.lockf

    def attempt(handle: int, how: int) -> None:
        try:
            lockf(handle, how)
        except OSError:
            # The module has seen the lock: now the other program can finish.
            other.communicate("go on\n")
            raise

    monkeypatch.setattr(fcntl, "lockf", attempt)
    result = run()
    assert (result["failed"], result["changed"]) == (False, False)
    assert other.returncode == 0 and calls(host) == []


def test_names_a_lock_that_is_never_released(
    host: Path, run: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt(host)
    monkeypatch.setattr(dpkg, "LOCK_TIMEOUT", 0)
    other = holder(host, "pass")
    result = run()
    other.communicate("go on\n")
    assert result["failed"]
    assert f"fuser -v {host}/lock-frontend" in result["msg"]
    assert calls(host) == []
