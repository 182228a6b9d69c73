# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fixtures for the unit tests of modules."""

from __future__ import annotations

import grp
import os
import pwd
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_datadog
import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._host import apt as apt_calls
from ansible_collections.kennel.fleet.plugins.module_utils._host import dpkg, safe_files
from ansible_collections.kennel.fleet.plugins.modules import datadog_agent
from gpg import Gpg, Keyring, Server, gnupg
from systemctl import SYSTEMCTL, Unit

Run = Callable[..., dict[str, Any]]
Say = Callable[[str], None]


@pytest.fixture
def fake_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[fake_datadog.FakeApi]:
    """A fake Datadog API whose data the test sets; the environment has no Datadog settings."""
    for name in ("DD_API_KEY", "DD_APP_KEY", "DD_SITE", "DATADOG_HOST"):
        monkeypatch.delenv(name, raising=False)
    with fake_datadog.serve() as fake:
        yield fake


@pytest.fixture
def own_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let modules give files to the user who runs the tests instead of dd-agent or root; modes are unchanged."""
    mine = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}
    for name in ("ensure_file", "ensure_folder"):
        real = getattr(safe_files, name)

        def give_to_me(*args: Any, real: Callable[..., bool] = real, **arguments: Any) -> bool:
            return real(*args, **{**arguments, **mine})

        monkeypatch.setattr(safe_files, name, give_to_me)


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def gpg() -> Iterator[Gpg]:
    with gnupg() as gpg:
        yield gpg


@pytest.fixture(scope="module")
def keys(gpg: Gpg) -> dict[str, str]:
    """Map names of keys to fingerprints."""
    return {name: gpg.key(name) for name in ("first", "second", "third", "fourth")}


@pytest.fixture
def server(tmp_path: Path, gpg: Gpg) -> Server:
    return Server(tmp_path / "server", gpg)


@pytest.fixture
def keyring(apt: Path, gpg: Gpg) -> Keyring:
    return Keyring(apt / "keyrings" / "datadog.gpg", gpg)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Return a function that sets the output of a fake dpkg-query. Initially, nothing is installed.

    After the fake apt-get has installed something, the version is 1:7.70.0-1. Other queries go to the real dpkg.
    """
    script = tmp_path / "bin" / "dpkg-query"
    script.parent.mkdir()
    programs = {
        "systemctl": ":",
        "dpkg": '[ "$1" != --compare-versions ] || exec /usr/bin/dpkg "$@"',
        "apt-get": f'case " $* " in *" install "*) cp {tmp_path}/bin/after {script} ;;\n'
        f'*" remove "*|*" purge "*) printf "#!/bin/sh\\nexit 1\\n" >{script} ;; esac',
    }
    for name, text in programs.items():
        (script.parent / name).write_text(f"#!/bin/sh\n{text}\n")
        (script.parent / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")

    def say(answer: str, path: Path = script) -> None:
        path.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n" if answer else "#!/bin/sh\nexit 1\n")
        path.chmod(0o755)

    say("")
    say("installed ok 1:7.70.0-1", script.with_name("after"))
    return say


@pytest.fixture
def unit(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Unit:
    folder = tmp_path_factory.mktemp("systemd")
    script = folder / "systemctl"
    script.write_text(SYSTEMCTL.format(python=sys.executable, state=str(folder / "unit.json")))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return Unit(folder / "unit.json")


@pytest.fixture
def repository(
    run_module: Run,
    own_files: None,
    apt: Path,
    server: Server,
    keyring: Keyring,
    keys: dict[str, str],
    installed: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    monkeypatch.setattr(dpkg, "ADMINDIR", str(tmp_path / "dpkg"))
    monkeypatch.setattr(apt_calls, "LISTS", str(tmp_path / "dpkg"))
    monkeypatch.setattr(apt_calls, "STAMPS", ())
    (tmp_path / "dpkg").mkdir()
    wanted = {
        "url": "https://apt.datadoghq.com/",
        "key_urls": [server.put("KEY_CURRENT.public", keys["first"])],
        "keyring": str(keyring),
        "sources": str(apt / "sources.list.d"),
    }
    return lambda **changes: run_module(datadog_agent, **{**wanted, **changes})
