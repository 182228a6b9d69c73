# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that installs, configures and removes the Agent, with a fake dpkg whose packages are in a file."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._host import agent_package, dpkg
from ansible_collections.kennel.fleet.plugins.module_utils._host import apt as apt_calls
from ansible_collections.kennel.fleet.plugins.modules import datadog_agent
from systemctl import Unit

Run = Callable[..., dict[str, Any]]

# One program with all names. A package is [status, flag, version, names of packages that depend on it].
PROGRAM = """#!{python}
import json, os, pathlib, subprocess, sys
name, arguments = pathlib.Path(sys.argv[0]).name, sys.argv[1:]
state_file = pathlib.Path({state!r})
state = json.loads(state_file.read_text())
packages = state["packages"]
root = pathlib.Path({root!r})

def end(text="", status=0):
    if name != "dpkg-query":
        state["calls"].append(" ".join([name, *(part for part in arguments if "Path=" not in part)]))
    state_file.write_text(json.dumps(state))
    print(text, end="", file=sys.stderr if status else sys.stdout)
    sys.exit(status)

def purge(package, path):
    if package == "datadog-agent":
        # As the real one's postrm.
        script = "set -e; deluser dd-agent --quiet; "
        script += "(grep -q ^dd-agent: $R/group && delgroup dd-agent --quiet) || true; "
        script += "rm -rf $R/opt/datadog-agent $R/etc/datadog-agent $R/var/log/datadog"
        state_file.write_text(json.dumps(state))
        environment = {{**os.environ, "PATH": path, "R": str(root)}}
        done = subprocess.run(["/bin/sh", "-c", script], env=environment, text=True, capture_output=True)
        if done.returncode:
            end(f"postrm: {{done.stderr}}", 100)
    del packages[package]

if "--compare-versions" in arguments:
    sys.exit(subprocess.run(["/usr/bin/dpkg", *arguments]).returncode)
package = arguments[-1] if arguments else ""
if name == "dpkg-query":
    if package not in packages:
        end(status=1)
    end(" ".join(packages[package][:3]))
if name in ("userdel", "groupdel"):
    for file in [root / "passwd", root / "group"] if name == "userdel" else [root / "group"]:
        file.write_text("".join(l for l in file.read_text().splitlines(True) if not l.startswith(package + ":")))
if name == "dpkg" and "--configure" in arguments:
    for value in packages.values():
        if value[0] in ("unpacked", "half-configured"):
            value[0] = "installed"
if name == "dpkg" and "--purge" in arguments:
    if packages[package][3:]:
        end(f"{{packages[package][3]}} depends on {{package}}", 1)
    if "--no-act" not in arguments:
        del packages[package]
if name == "dpkg" and "--remove" in arguments:
    packages[package][:2] = ["config-files", "ok"]
if name == "apt-get" and ("remove" in arguments or "purge" in arguments):
    if state["broken"] == "removal":
        end("E: Sub-process returned an error code", 100)
    if packages[package][1] == "reinstreq":
        end("E: The package needs to be reinstalled, but I can't find an archive for it.", 100)
    packages[package][0] = "config-files"
    if "purge" in arguments:
        [path] = [part.partition("=")[2] for part in arguments if part.startswith("DPkg::Path=")]
        purge(package, path)
if name == "apt-get" and "update" in arguments and not any("SourceList" in part for part in arguments):
    state["lists"] = "all"
if name == "apt-get" and "install" in arguments:
    if state["broken"] and state["lists"] != state["broken"]:
        end("E: Unable to fetch some archives", 100)
    package, _, version = package.partition("=")
    packages[package] = ["installed", "ok", version or "1:7.99.0"]
end()
"""


class Host:
    """The host of the fake programs, in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.path = root / "state.json"
        self.set({})
        for name in ("passwd", "group"):
            (root / name).write_text("root:x:0:\n")

    def set(self, packages: dict[str, list[str]], *, broken: str = "") -> None:
        """With BROKEN, no installation succeeds; with "all", only after all package lists were refreshed."""
        state = {"packages": packages, "calls": [], "broken": broken, "lists": "few"}
        self.path.write_text(json.dumps(state))

    def put(self, *paths: str) -> None:
        for path in paths:
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text("x")

    def account(self) -> None:
        for name in ("passwd", "group"):
            (self.root / name).write_text("root:x:0:\ndd-agent:x:998:\ndd-agent-other:x:999:\n")

    @property
    def packages(self) -> dict[str, list[str]]:
        return json.loads(self.path.read_text())["packages"]

    @property
    def calls(self) -> list[str]:
        return json.loads(self.path.read_text())["calls"]

    def left(self) -> list[str]:
        """The files in the folder, without those of the tests."""
        own = {"state.json", "passwd", "group", "programs", "var/lib/dpkg/updates", "lists/debian_InRelease"}
        paths = {
            str(path.relative_to(self.root)) for path in self.root.rglob("*") if not path.is_dir() or path.is_symlink()
        }
        return sorted(path for path in paths if path not in own and not path.startswith("programs/"))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("dpkg", "dpkg-query", "apt-get", "systemctl", "userdel", "groupdel"):
        script = programs / name
        script.write_text(PROGRAM.format(python=sys.executable, state=str(tmp_path / "state.json"), root=str(tmp_path)))
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "var/lib/dpkg/updates").mkdir(parents=True)
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/debian_InRelease").touch()
    monkeypatch.setattr(apt_calls, "LISTS", str(tmp_path / "lists"))
    monkeypatch.setattr(apt_calls, "STAMPS", ())
    module = agent_package
    for where in (dpkg, module):
        monkeypatch.setattr(where, "ADMINDIR", str(tmp_path / "var/lib/dpkg"))

    def below(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(f"{tmp_path}{path}" for path in paths)

    for name in ("FOLDERS", "UNITS", "LINKS", "TARGETS"):
        monkeypatch.setattr(module, name, below(getattr(module, name)))
    monkeypatch.setattr(module, "INSTALLER", f"{tmp_path}{module.INSTALLER}")
    accounts = {f"{tmp_path}/{os.path.basename(path)}": tool for path, tool in module.ACCOUNTS.items()}
    monkeypatch.setattr(module, "ACCOUNTS", accounts)
    return Host(tmp_path)


@pytest.fixture
def apt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apt")
    (folder / "sources.list.d").mkdir()
    return folder


@pytest.fixture
def package(run_module: Run, host: Host, own_files: None, apt: Path) -> Run:
    repository = {
        "url": "https://apt.datadoghq.com/",
        "key_urls": [],
        "sources": str(apt / "sources.list.d"),
        "keyring": str(apt / "keyring.gpg"),
    }
    return lambda **arguments: run_module(datadog_agent, **repository, **arguments)


def both(package: Run, host: Host, **arguments: Any) -> dict[str, Any]:
    """Run in check mode, which must report the same without changes, and then for real."""
    before = host.packages, host.left()
    foreseen = package(check=True, **arguments)
    assert (host.packages, host.left()) == before
    result = package(**arguments)
    assert foreseen == result
    return result


AGENT = ["installed", "ok", "1:7.99.0"]
EVERYTHING = (
    "etc/datadog-agent/datadog.yaml",
    "opt/datadog-agent/run/x",
    "var/log/datadog/agent.log",
    "opt/datadog-packages/packages.db",
    "opt/datadog-packages/run/x",
    "usr/lib/systemd/system/datadog-agent-trace.service",
    "etc/systemd/system/multi-user.target.wants/datadog-agent.service",
)


class TestWhole:
    @pytest.fixture(autouse=True)
    def repository(self, package: Run) -> None:
        """The repository is set up already."""
        package()

    @pytest.mark.parametrize("version", ["", "1:7.99.0"])
    def test_leaves_an_installed_package_alone(self, package: Run, host: Host, version: str) -> None:
        host.set({"datadog-agent": AGENT})
        result = both(package, host, version=version)
        assert (result["changed"], result["actions"], result["version_changed"]) == (False, [], False)
        assert host.calls == []

    @pytest.mark.parametrize("status", ["half-configured", "unpacked"])
    def test_configures_an_unpacked_package(self, package: Run, host: Host, status: str) -> None:
        host.set({"datadog-agent": [status, "ok", "1:7.98.0"]})
        assert both(package, host, version="1:7.98.0")["changed"]
        assert host.packages["datadog-agent"] == ["installed", "ok", "1:7.98.0"]
        assert [call.split()[-2:] for call in host.calls] == [["--configure", "--pending"]]
        assert not package()["changed"]

    @pytest.mark.parametrize(("wanted", "other"), [("", False), ("1:7.98.0", False), ("1:7.99.0", True)])
    def test_replaces_an_unpacked_package_with_another_version(
        self, package: Run, host: Host, wanted: str, other: bool
    ) -> None:
        host.set({"datadog-agent": ["unpacked", "ok", "1:7.98.0"]})
        assert both(package, host, version=wanted)["version_changed"] is other
        assert host.packages["datadog-agent"] == ["installed", "ok", wanted or "1:7.98.0"]

    @pytest.mark.parametrize(("version", "installed"), [("1:7.98.0", "1:7.98.0"), ("", "1:7.99.0")])
    @pytest.mark.parametrize("damage", [["half-installed", "reinstreq"], ["installed", "reinstreq"]])
    def test_reinstalls_a_half_installed_package(
        self, package: Run, host: Host, damage: list[str], version: str, installed: str
    ) -> None:
        host.set({"datadog-agent": [*damage, "1:7.97.0"]})
        result = both(package, host, version=version)
        assert (result["actions"], result["version_changed"]) == (["datadog-agent"], False)
        assert host.packages["datadog-agent"] == ["installed", "ok", installed]
        assert "--reinstall" in host.calls[-1]

    @pytest.mark.parametrize("status", [["half-installed", "reinstreq"], ["unpacked", "ok"]])
    def test_interrupted_installation_of_a_newer_version_is_not_downgraded(
        self, package: Run, host: Host, status: list[str]
    ) -> None:
        host.set({"datadog-agent": [*status, "1:7.99.0"]})
        result = package(version="1:7.70.0")
        assert result["failed"] and "datadog_agent_allow_downgrade" in result["msg"]
        assert host.calls == []
        assert not package(version="1:7.70.0", allow_downgrade=True)["failed"]
        assert "--allow-downgrades" in host.calls[-1]
        assert host.packages["datadog-agent"] == ["installed", "ok", "1:7.70.0"]

    def test_completes_an_interrupted_dpkg(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": AGENT, "other": ["unpacked", "ok", "1"]})
        host.put("var/lib/dpkg/updates/0001")
        assert both(package, host)["changed"]
        assert host.packages["other"][0] == "installed"

    def test_failure_includes_apts_message(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": ["half-installed", "reinstreq", "1"]}, broken="always")
        result = package()
        assert result["failed"]
        assert "apt-get" in result["msg"] and "Unable to fetch some archives" in result["msg"]


class TestInstall:
    @pytest.mark.parametrize("packages", [{}, {"datadog-agent": ["config-files", "ok", "1:7.97.0"]}])
    def test_installs_a_missing_package(self, package: Run, host: Host, packages: dict[str, list[str]]) -> None:
        host.set(packages)
        result = both(package, host, version="1:7.98.0")
        assert (result["actions"], result["previous_version"]) == (["datadog-agent 1:7.98.0"], "")
        assert host.packages["datadog-agent"] == ["installed", "ok", "1:7.98.0"]
        assert not package(version="1:7.98.0")["changed"]

    def test_installs_the_newest_version_by_default(self, package: Run, host: Host) -> None:
        assert package(check=True)["actions"] == ["datadog-agent"]
        assert package()["actions"] == ["datadog-agent 1:7.99.0"]

    def test_reports_both_versions_of_an_upgrade(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": ["installed", "ok", "1:7.98.0"]})
        result = both(package, host, version="1:7.99.0")
        assert result["actions"] == ["datadog-agent 1:7.98.0 -> 1:7.99.0"]
        assert (result["previous_version"], result["version_changed"]) == ("1:7.98.0", True)

    def test_only_refreshes_the_lists_of_the_repository(self, package: Run, host: Host, apt: Path) -> None:
        package()
        [refresh, installation] = [call for call in host.calls if call.startswith("apt-get")]
        assert f"Dir::Etc::SourceList={apt}/sources.list.d/datadog.list" in refresh
        assert "Dir::Etc::SourceParts=-" in refresh and "APT::Get::List-Cleanup=false" in refresh
        assert "--force-confold" in installation and installation.endswith(" install datadog-agent")

    def test_refreshes_all_lists_if_necessary(self, package: Run, host: Host) -> None:
        host.set({}, broken="all")
        assert package(version="1:7.98.0")["actions"] == ["datadog-agent 1:7.98.0"]

    def test_downgrades_if_allowed(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": AGENT})
        package(version="1:7.98.0", allow_downgrade=True)
        assert "--allow-downgrades" in host.calls[-1]
        assert host.packages["datadog-agent"][2] == "1:7.98.0"

    def test_failure_includes_command_and_apts_message(self, package: Run, host: Host) -> None:
        host.set({}, broken="always")
        result = package(version="1:7.98.0")
        assert result["failed"]
        assert "install datadog-agent=1:7.98.0' fails: E: Unable to fetch some archives" in result["msg"]


class TestAbsent:
    @pytest.mark.parametrize("purge", [False, True])
    def test_does_nothing_if_the_agent_was_never_installed(self, package: Run, host: Host, purge: bool) -> None:
        result = both(package, host, state="absent", purge=purge)
        assert (result["changed"], result["actions"]) == (False, [])
        assert host.calls == []

    def test_removal_keeps_configuration_and_account(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": AGENT, "datadog-signing-keys": AGENT})
        host.account()
        host.put(*EVERYTHING)
        assert both(package, host, state="absent")["actions"] == ["datadog-agent"]
        assert host.packages["datadog-agent"][0] == "config-files"
        assert "datadog-signing-keys" in host.packages
        assert host.left() == sorted(EVERYTHING)
        assert not package(state="absent")["changed"]

    @pytest.mark.parametrize(
        "status", [["installed", "ok"], ["config-files", "ok"], ["half-installed", "reinstreq"], None]
    )
    def test_purge_leaves_nothing_behind(self, package: Run, host: Host, status: list[str] | None) -> None:
        """Even without adduser, and after an earlier removal."""
        host.set({"datadog-agent": [*status, "1"]} if status else {})
        host.account()
        host.put(*EVERYTHING)
        link = host.root / "usr/bin/datadog-agent"
        link.parent.mkdir(parents=True)
        link.symlink_to(host.root / "opt/datadog-agent/bin/agent/agent")
        assert both(package, host, state="absent", purge=True)["changed"]
        assert host.packages == {}
        assert host.left() == []
        assert not (host.root / "opt/datadog-packages").exists()
        for name in ("passwd", "group"):
            assert (host.root / name).read_text() == "root:x:0:\ndd-agent-other:x:999:\n"
        assert not package(state="absent", purge=True)["changed"]

    def test_removal_first_completes_an_interrupted_dpkg(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": AGENT, "other": ["unpacked", "ok", "1"]})
        host.put("var/lib/dpkg/updates/0001")
        assert both(package, host, state="absent")["actions"] == ["datadog-agent"]
        assert host.packages["other"][0] == "installed"
        assert "--configure" in host.calls[0]

    def test_purge_works_without_the_account(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": AGENT})
        assert not both(package, host, state="absent", purge=True)["failed"]
        assert host.packages == {}

    @pytest.mark.parametrize(
        ("others_need_it", "dependents", "gone"), [(False, [], True), (True, [], False), (False, ["other"], False)]
    )
    def test_purge_removes_the_package_of_keys_if_unused(
        self, package: Run, host: Host, apt: Path, others_need_it: bool, dependents: list[str], gone: bool
    ) -> None:
        host.set({"datadog-agent": AGENT, "datadog-signing-keys": [*AGENT, *dependents]})
        if others_need_it:
            other = apt / "sources.list.d" / "other.list"
            other.write_text(f"deb [signed-by={apt}/keyring.gpg] https://mirror.example/ stable x\n")
        result = both(package, host, state="absent", purge=True)
        assert ("datadog-signing-keys" in result["actions"]) is gone
        assert ("datadog-signing-keys" not in host.packages) is gone

    def test_purge_keeps_files_of_other_products_and_of_the_administrator(self, package: Run, host: Host) -> None:
        kept = (
            "opt/datadog-packages/datadog-apm-inject/stable/x",
            "opt/datadog-packages/packages.db",
            "etc/systemd/system/datadog-agent.service.d/override.conf",
            "usr/lib/systemd/system/datadog-other.service",
        )
        host.put(*kept, "opt/datadog-packages/datadog-agent/stable/x")
        (host.root / "usr/bin").mkdir()
        (host.root / "usr/bin/datadog-agent").symlink_to("/usr/local/bin/mine")
        both(package, host, state="absent", purge=True)
        assert host.left() == sorted([*kept, "usr/bin/datadog-agent"])

    def test_purge_does_not_follow_a_link(self, package: Run, host: Host) -> None:
        host.put("precious/file")
        for path in ("etc/datadog-agent", "opt/datadog-packages"):
            (host.root / path).parent.mkdir(parents=True, exist_ok=True)
            (host.root / path).symlink_to(host.root / "precious")
        both(package, host, state="absent", purge=True)
        assert "precious/file" in host.left()
        assert not (host.root / "etc/datadog-agent").is_symlink()


KEY = "0a" * 16


class TestConfigure:
    @pytest.fixture
    def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        path = tmp_path / "datadog.yaml"
        monkeypatch.setitem(datadog_agent.DATADOG_YAML, "path", str(path))
        return path

    @pytest.fixture
    def agent(self, package: Run, host: Host, unit: Unit, path: Path) -> Run:
        """An installed Agent whose service is enabled, but not running."""
        unit.name = "datadog-agent"
        unit.set(ActiveState="inactive")
        package()
        wanted = {"config": {"site": "datadoghq.eu"}, "secrets": {"api_key": KEY}}
        return lambda **changes: package(**{**wanted, **changes})

    def test_writes_the_configuration_and_leaves_the_start_to_a_handler(
        self, agent: Run, unit: Unit, path: Path
    ) -> None:
        foreseen = agent(check=True)
        assert not path.exists()
        result = agent()
        assert foreseen == result
        assert (result["changed"], result["files"], result["actions"]) == (True, [str(path)], ["start is due"])
        assert yaml.safe_load(path.read_text()) == {"site": "datadoghq.eu", "api_key": KEY}
        assert KEY not in str(result)
        assert unit.verbs == []
        unit.set(ActiveState="active", ActiveEnterTimestamp="Tue 2096-01-03 00:00:00 UTC")
        assert not agent()["changed"]

    def test_stops_an_agent_that_should_not_run(self, agent: Run, unit: Unit) -> None:
        unit.set(ActiveState="active", companions=("datadog-agent-trace.service",))
        verbs = ["stop", "disable", "disable datadog-agent-trace.service"]
        assert agent(enabled=False)["actions"] == unit.verbs == verbs

    def test_reports_installation_and_configuration_together(self, agent: Run, host: Host) -> None:
        host.set({})
        assert agent(version="1:7.98.0")["actions"] == ["datadog-agent 1:7.98.0", "start is due"]

    def test_stops_before_anything_else_can_fail(self, agent: Run, unit: Unit, path: Path) -> None:
        unit.set(ActiveState="active")
        path.mkdir()
        result = agent(enabled=False)
        assert result["failed"] and str(path) in result["msg"]
        assert unit.verbs == result["actions"] == ["stop", "disable"]
        assert result["changed"]

    def test_failure_reports_what_was_installed_before(self, agent: Run, unit: Unit, host: Host) -> None:
        host.set({})
        unit.set(LoadState="not-found", UnitFileState="")
        result = agent()
        assert result["failed"] and "datadog-agent.service does not exist" in result["msg"]
        assert result["actions"] == ["datadog-agent 1:7.99.0"] and result["changed"]

    def test_check_mode_reports_the_same_as_a_first_run(self, agent: Run, host: Host, unit: Unit) -> None:
        host.set({})
        unit.set(LoadState="not-found", ActiveState="inactive", UnitFileState="")
        foreseen = agent(check=True, version="1:7.98.0")
        # The package brings the unit and enables it.
        unit.set(LoadState="loaded", UnitFileState="enabled")
        assert agent(version="1:7.98.0") == foreseen

    def test_failed_removal_reports_only_what_is_gone(self, package: Run, host: Host) -> None:
        host.set({"datadog-agent": ["installed", "ok", "1:7.99.0"]}, broken="removal")
        result = package(state="absent", purge=True)
        assert result["failed"] and result["actions"] == []

    def test_new_group_restarts_a_running_agent(self, agent: Run, unit: Unit) -> None:
        agent()
        unit.set(ActiveState="active", ActiveEnterTimestamp="Tue 2096-01-03 00:00:00 UTC")
        result = agent(groups=["adm"], check=True)
        assert result["actions"] == ["restart is due", "put dd-agent into adm"]

    def test_removal_leaves_configuration_and_service_to_the_package(self, agent: Run, unit: Unit, path: Path) -> None:
        assert agent(state="absent")["actions"] == ["datadog-agent"]
        assert not path.exists()
        assert unit.verbs == ["daemon-reload"]
