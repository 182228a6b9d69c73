# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that installs a Python application, with a fake Python that records its calls."""

from __future__ import annotations

import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.modules import python_app

Run = Callable[..., dict[str, Any]]

# `-c` prints the version, `-m venv` creates a folder with this Python, `-m pip` records the index it would use.
PYTHON = """#!{python}
import json, os, shutil, sys
from pathlib import Path
state = Path({state!r})
said = json.loads(state.read_text())
if sys.argv[1] == "-c":
    sys.exit(print(said["version"]))
if sys.argv[2] == "venv":
    Path(sys.argv[3], "bin").mkdir(parents=True)
    shutil.copy(__file__, Path(sys.argv[3], "bin", "python"))
else:
    cert = os.environ.get("PIP_CERT")
    said["pip"].append({{
        "arguments": sys.argv, "index": os.environ.get("PIP_INDEX_URL"), "cert": cert and Path(cert).read_text(),
        "listed": Path(sys.argv[sys.argv.index("-r") + 1]).read_text(),
    }})
    state.write_text(json.dumps(said))
    if said["broken"]:
        sys.exit("ERROR: No matching distribution found for flask from " + os.environ.get("PIP_INDEX_URL", ""))
"""
INDEX = "https://me:geheim@index.example.com/simple"


class Host:
    """The fake Python's output and recorded calls."""

    def __init__(self, folder: Path) -> None:
        self.app, self.python, self.state = folder / "app", folder / "python3", folder / "state.json"
        self.python.write_text(PYTHON.format(python=sys.executable, state=str(self.state)))
        self.python.chmod(0o755)
        self.set(version="(3, 11)", broken=False)

    def set(self, **facts: Any) -> None:
        before = json.loads(self.state.read_text()) if self.state.exists() else {}
        self.state.write_text(json.dumps({**before, **facts, "pip": []}))

    @property
    def installs(self) -> list[dict[str, Any]]:
        return json.loads(self.state.read_text())["pip"]

    def environments(self) -> set[str]:
        return {path.name for path in self.app.glob("venv-*")}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def install(run_module: Run, own_files: None, host: Host) -> Run:
    wanted = {
        "path": str(host.app),
        "python": str(host.python),
        "files": {"app.py": "x = 1\n"},
        "requirements": "flask==3.1.3\n",
    }
    return lambda **changes: run_module(python_app, **{**wanted, **changes})


def test_installs_once(install: Run, host: Host) -> None:
    result = install()
    assert result["changed"]
    assert result["files"] == [str(host.app / "app.py"), str(host.app / "venv")]
    assert (host.app / "app.py").read_text() == "x = 1\n"
    assert (host.app / "venv" / "requirements.txt").read_text() == "flask==3.1.3\n"
    assert [done["listed"] for done in host.installs] == ["flask==3.1.3\n"]
    again = install()
    assert (again["changed"], again["files"], again["diff"]) == (False, [], [])
    assert len(host.installs) == 1


def test_application_can_read_all_of_it(install: Run, host: Host) -> None:
    install()
    modes = {path: stat.S_IMODE((host.app / path).stat().st_mode) for path in (".", "app.py", "venv/requirements.txt")}
    assert modes == {".": 0o755, "app.py": 0o644, "venv/requirements.txt": 0o644}


def test_writes_files_in_other_folders(install: Run, tmp_path: Path) -> None:
    unit = tmp_path / "app.service"
    assert str(unit) in install(files={str(unit): "[Unit]\n"})["files"]
    assert unit.read_text() == "[Unit]\n"


def test_changed_file_keeps_the_environment(install: Run, host: Host) -> None:
    install()
    result = install(files={"app.py": "x = 2\n"})
    assert result["files"] == [str(host.app / "app.py")]
    assert [(diff["before"], diff["after"]) for diff in result["diff"]] == [("x = 1\n", "x = 2\n")]
    assert len(host.installs) == 1


@pytest.mark.parametrize(
    ("requirements", "version"), [("flask==3.1.4\n", "(3, 11)"), ("flask==3.1.3\n", "(3, 13)")], ids=["pins", "Python"]
)
def test_new_environment_replaces_the_old_one_which_is_kept_for_running_processes(
    install: Run, host: Host, requirements: str, version: str
) -> None:
    install()
    old = (host.app / "venv").resolve()
    host.set(version=version)
    assert install(requirements=requirements)["files"] == [str(host.app / "venv")]
    assert (host.app / "venv").resolve() != old
    assert old.is_dir()
    install(requirements="flask==3.2.0\n")
    assert not old.exists()
    assert len(host.environments()) == 2


def test_incomplete_environment_is_never_used(install: Run, host: Host) -> None:
    host.set(broken=True)
    assert install()["failed"]
    assert not (host.app / "venv").exists()
    host.set(broken=False)
    assert install()["changed"]
    assert (host.app / "venv" / "requirements.txt").exists()
    assert len(host.environments()) == 1


def test_waits_for_processes_of_a_killed_run(install: Run, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    real, others = python_app.fcntl.flock, []

    def flock(handle: int, how: int) -> None:
        # While this run waits, the other one finishes.
        monkeypatch.setattr(python_app.fcntl, "flock", real)
        others.append(install())
        real(handle, how)

    monkeypatch.setattr(python_app.fcntl, "flock", flock)
    assert not install().get("failed")
    assert [other["changed"] for other in others] == [True]
    assert len(host.installs) == 1


def test_old_environment_is_kept_if_the_new_one_fails(install: Run, host: Host) -> None:
    install()
    old = (host.app / "venv").resolve()
    host.set(broken=True)
    assert install(requirements="flask==4\n")["failed"]
    assert (host.app / "venv").resolve() == old


def test_uses_the_given_index_without_showing_it(install: Run, host: Host) -> None:
    install(index_url=INDEX, ca_bundle="-----BEGIN CERTIFICATE-----\n")
    [done] = host.installs
    assert (done["index"], done["cert"]) == (INDEX, "-----BEGIN CERTIFICATE-----\n")
    assert "geheim" not in str(done["arguments"])


def test_uses_pips_settings_by_default(install: Run, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    install()
    [done] = host.installs
    assert (done["index"], done["cert"]) == (None, None)
    assert {"--no-deps", "--only-binary=:all:"} <= set(done["arguments"])


def test_failure_includes_pips_message(install: Run, host: Host) -> None:
    host.set(broken=True)
    result = install()
    assert (
        "pip could not install the requirements: " in result["msg"]
        and "\nCheck index_url and ca_bundle." in result["msg"]
    )
    assert "No matching distribution found for flask" in result["msg"]
    result = install(index_url=f"{INDEX}?token=geheim")
    assert "from https://me:********@index.example.com/simple?token=********" in result["msg"]


def test_check_mode_reports_the_same_and_writes_nothing(install: Run, host: Host) -> None:
    foreseen = install(check=True)
    assert not host.app.exists()
    assert foreseen == install()
    assert not install(check=True)["changed"]
    assert install(check=True, requirements="flask==4\n")["files"] == [str(host.app / "venv")]
    assert len(host.installs) == 1


def test_check_mode_works_without_python(install: Run, host: Host, tmp_path: Path) -> None:
    assert install(check=True, python=str(tmp_path / "none"))["changed"]
    assert "none does not exist. Install it" in install(python=str(tmp_path / "none"))["msg"]
