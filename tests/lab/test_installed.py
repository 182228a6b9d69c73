"""The collection as users have it: installed from its tarball, and used from a folder with only an inventory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
# The hosts in docs/inventory.yml, and the lab's hosts that represent them.
STANDING_FOR = {"web1.example.com": "fresh2", "db1.example.com": "fresh3"}


@dataclass
class User:
    """A user who has only the installed collection, and works in a separate folder."""

    lab: Any
    home: Path
    secrets: dict[str, str]

    @property
    def folder(self) -> Path:
        return self.home / "fleet"

    @property
    def collection(self) -> Path:
        return self.home / ".ansible" / "collections" / "ansible_collections" / "kennel" / "fleet"

    def run(self, program: str, *arguments: str):
        """Run an Ansible program without configuration and without Galaxy; it must succeed."""
        env = {
            "HOME": str(self.home), "PATH": f"{BIN}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Nothing listens there.
            "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:1", **self.secrets,
        }  # fmt: skip
        run = self.lab.run([str(BIN / program), *arguments], self.folder, env)
        assert run.status == 0, run.output[-4000:]
        return run

    def play(self, playbook: str, *arguments: str):
        """Run a playbook of the collection by its fully qualified name."""
        return self.run(
            "ansible-playbook", "-i", "inventory.yml", "-i", "lab.yml", f"kennel.fleet.{playbook}", *arguments
        )

    def installed(self) -> dict[str, str]:
        """Return all files of the installed collection with their checksums."""
        files = (path for path in self.collection.rglob("*") if path.is_file())
        return {str(path.relative_to(self.collection)): sha256(path.read_bytes()).hexdigest() for path in files}


def addresses(lab) -> dict[str, Any]:
    """Return a user's inventory of the lab: addresses of its hosts and of the stand-in Datadog."""
    script = [sys.executable, str(ROOT / "inventory" / "lab" / "hosts.py")]
    listed = json.loads(subprocess.run(script, env=lab.env, check=True, capture_output=True, text=True).stdout)
    shared = {name: value for name, value in listed["all"]["vars"].items() if name != "datadog_objects_fleet"}
    monitored = yaml.safe_load((ROOT / "inventory/lab/group_vars/monitored.yml").read_text(encoding="utf-8"))
    hosts = {name: listed["_meta"]["hostvars"][host] for name, host in STANDING_FOR.items()}
    return {"all": {"vars": shared | monitored, "hosts": hosts}}


@pytest.fixture(scope="module")
def user(lab, tmp_path_factory):
    """A user who has installed the tarball, and copied its inventory."""
    lab.renew()
    secrets = {
        variable: (lab.state / "secrets" / name).read_text(encoding="utf-8").strip()
        for variable, name in (("DD_API_KEY", "api_key"), ("DD_APP_KEY", "app_key"))
    }
    secrets |= {"KENNEL_MYSQL_PASSWORD": "the-watching-users", "KENNEL_APP_PASSWORD": "the-apps"}
    user = User(lab, tmp_path_factory.mktemp("home"), secrets)
    user.folder.mkdir()
    user.run("ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(user.home))
    [tarball] = user.home.glob("kennel-fleet-*.tar.gz")
    user.run("ansible-galaxy", "collection", "install", str(tarball))
    shutil.copy(user.collection / "docs" / "inventory.yml", user.folder)
    (user.folder / "lab.yml").write_text(yaml.safe_dump(addresses(lab)), encoding="utf-8")
    return user


@pytest.fixture(scope="module")
def untouched(user) -> dict[str, str]:
    """The files of the installed collection before any run."""
    return user.installed()


@pytest.fixture(scope="module")
def site(user, untouched):
    return user.play("site")


def rows(user, folder: str) -> list[dict[str, Any]]:
    return json.loads((user.folder / folder / "verify.json").read_text(encoding="utf-8"))["rows"]


def test_site_sets_up_and_verifies_bare_hosts(user, site):
    assert "Datadog has the data of all 2 hosts." in site.output
    found = rows(user, "verify")
    assert {row["host"] for row in found} >= set(STANDING_FOR) and all(row["ok"] for row in found)


def test_second_run_changes_nothing(user, site):
    check = user.play("site", "--check", "--diff")
    assert check.changed_tasks() == []
    user.play("preflight")


def test_verify_writes_reports_to_the_working_directory(user, site):
    user.play("verify", "-e", "datadog_verify_reports=reports/today")
    assert all(row["ok"] for row in rows(user, "reports/today"))
    assert (user.folder / "reports" / "today" / "verify.xml").is_file()


def test_export_is_written_to_and_applied_from_the_working_directory(user, site):
    user.play("export", "-e", "export_folder=account")
    assert len(yaml.safe_load((user.folder / "account" / "monitors.yml").read_text(encoding="utf-8"))) == 5
    check = user.play("objects", "--check", "--diff", "-e", "datadog_objects_folder=account")
    assert check.changed_tasks() == []


def test_snapshot_and_teardown(user, site):
    assert "Shared with @someone@example.com" in user.play("snapshot", "-e", "to=@someone@example.com").output
    assert user.play("teardown").changed_tasks() == ["Delete the dashboards, monitors and downtimes"]


def test_installed_collection_is_unchanged(user, untouched, site):
    assert user.installed() == untouched
    assert {path.name for path in user.folder.iterdir()} == {"inventory.yml", "lab.yml", "verify", "reports", "account"}
