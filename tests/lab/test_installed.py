"""The collection as others have it: installed from its tarball, used from a folder that holds an inventory alone."""

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
# The hosts that docs/inventory.yml names, and those of the lab that stand for them.
STANDING_FOR = {"web1.example.com": "fresh2", "db1.example.com": "fresh3"}


@dataclass
class User:
    """Somebody whose home holds nothing but the installed collection, working in a folder of their own."""

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
        """Run a program of Ansible's to a good end, without configuration and without Galaxy."""
        env = {
            "HOME": str(self.home), "PATH": f"{BIN}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            # Nobody answers there.
            "ANSIBLE_GALAXY_SERVER": "http://127.0.0.1:1", **self.secrets,
        }  # fmt: skip
        run = self.lab.run([str(BIN / program), *arguments], self.folder, env)
        assert run.status == 0, run.output[-4000:]
        return run

    def play(self, playbook: str, *arguments: str):
        """Run a playbook of the collection by its full name."""
        return self.run(
            "ansible-playbook", "-i", "inventory.yml", "-i", "lab.yml", f"kennel.fleet.{playbook}", *arguments
        )

    def installed(self) -> dict[str, str]:
        """Every file of the installed collection with its checksum."""
        files = (path for path in self.collection.rglob("*") if path.is_file())
        return {str(path.relative_to(self.collection)): sha256(path.read_bytes()).hexdigest() for path in files}


def addresses(lab) -> dict[str, Any]:
    """What a user's inventory would say of the lab: where its hosts are, and who answers as Datadog."""
    script = [sys.executable, str(ROOT / "inventory" / "lab" / "hosts.py")]
    listed = json.loads(subprocess.run(script, env=lab.env, check=True, capture_output=True, text=True).stdout)
    shared = {name: value for name, value in listed["all"]["vars"].items() if name != "datadog_objects_fleet"}
    monitored = yaml.safe_load((ROOT / "inventory/lab/group_vars/monitored.yml").read_text(encoding="utf-8"))
    hosts = {name: listed["_meta"]["hostvars"][host] for name, host in STANDING_FOR.items()}
    return {"all": {"vars": shared | monitored, "hosts": hosts}}


@pytest.fixture(scope="module")
def user(lab, tmp_path_factory):
    """Has installed the tarball, and copied the inventory that it ships."""
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
    """The installed collection before anything ran."""
    return user.installed()


@pytest.fixture(scope="module")
def site(user, untouched):
    return user.play("site")


def rows(user, folder: str) -> list[dict[str, Any]]:
    return json.loads((user.folder / folder / "verify.json").read_text(encoding="utf-8"))["rows"]


def test_site_takes_bare_hosts_to_proven_ones(user, site):
    assert "Datadog has the data of all 2 hosts." in site.output
    found = rows(user, "verify")
    assert {row["host"] for row in found} >= set(STANDING_FOR) and all(row["ok"] for row in found)


def test_nothing_more_is_to_be_done(user, site):
    check = user.play("site", "--check", "--diff")
    assert check.changed_tasks() == []
    user.play("preflight")


def test_verify_asks_again_and_reports_where_it_is_run(user, site):
    user.play("verify", "-e", "datadog_verify_reports=reports/today")
    assert all(row["ok"] for row in rows(user, "reports/today"))
    assert (user.folder / "reports" / "today" / "verify.xml").is_file()


def test_export_writes_where_it_is_run_and_is_taken_from_there(user, site):
    user.play("export", "-e", "export_folder=account")
    assert len(yaml.safe_load((user.folder / "account" / "monitors.yml").read_text(encoding="utf-8"))) == 5
    check = user.play("objects", "--check", "--diff", "-e", "datadog_objects_folder=account")
    assert check.changed_tasks() == []


def test_snapshot_and_teardown(user, site):
    assert "Shared with @someone@example.com" in user.play("snapshot", "-e", "to=@someone@example.com").output
    assert user.play("teardown").changed_tasks() == ["Delete the dashboards, monitors and downtimes"]


def test_nothing_was_written_into_the_installed_collection(user, untouched, site):
    assert user.installed() == untouched
    assert {path.name for path in user.folder.iterdir()} == {"inventory.yml", "lab.yml", "verify", "reports", "account"}
