# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pipelines in docs/ci.md: GitHub and GitLab accept them, and their commands detect drift."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from account import Account

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TEXT = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
SCHEMAS = {"GitHub": "vendor.github-workflows", "GitLab": "vendor.gitlab-ci"}


def pipeline(service: str) -> str:
    """Return the file in docs/ci.md for a service."""
    found = re.search(rf"^## {service}$.*?^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def commands(service: str) -> tuple[list[str], str]:
    """Return a pipeline's commands: those that install, and the one that compares."""
    jobs = yaml.safe_load(pipeline(service))
    if service == "GitLab":
        [compare] = jobs["drift"]["script"]
        return jobs["drift"]["before_script"], compare
    steps = {step.get("name"): step.get("run") for step in jobs["jobs"]["drift"]["steps"]}
    return steps["Install"].splitlines(), steps["Compare"]


@pytest.mark.parametrize("service", SCHEMAS)
def test_service_accepts_the_file(service: str, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text(pipeline(service), encoding="utf-8")
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", SCHEMAS[service], str(file)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_both_run_the_same_commands() -> None:
    assert commands("GitHub") == commands("GitLab")


@dataclass
class Fleet:
    """A checkout of a user's inventory in a pipeline, from which no host is reachable."""

    folder: Path
    env: dict[str, str]

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], cwd=self.folder, env=self.env, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip

    def compare(self) -> subprocess.CompletedProcess[str]:
        (self.folder / "drift" / "objects.json").unlink(missing_ok=True)
        return self.run(commands("GitHub")[1])

    def apply(self) -> None:
        done = self.run(commands("GitHub")[1].replace("--check", ""))
        assert done.returncode == 0, done.stdout

    def summary(self) -> dict[str, Any]:
        return json.loads((self.folder / "drift" / "objects.json").read_text(encoding="utf-8"))

    def outcome(self, kind: str, outcome: str) -> dict[str, str]:
        """Return the addresses of a kind of object with this outcome, by key."""
        return {entry["key"]: entry["url"] for entry in self.summary()["objects"][kind][outcome]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with what the pipelines install; the tarball replaces the release on Galaxy."""
    home = tmp_path_factory.mktemp("home")
    env = {**os.environ, "HOME": str(home)}
    env.pop("ANSIBLE_CONFIG", None)
    galaxy = [str(BIN / "ansible-galaxy"), "collection"]
    for arguments in (["build", str(ROOT), "--output-path", str(home)], ["install", "--offline", "--no-deps"]):
        tarballs = [str(path) for path in home.glob("*.tar.gz")]
        subprocess.run([*galaxy, *arguments, *tarballs], cwd=home, env=env, check=True, capture_output=True)
    return home


@pytest.fixture
def fleet(account: Account, home: Path, tmp_path: Path) -> Fleet:
    installed = [line.split()[-1] for line in commands("GitHub")[0]]
    assert installed == [".venv", "datadog", "kennel.fleet"]
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(BIN)
    variables = {
        "datadog_api_url": account.standin.url,
        "datadog_objects_fleet": "drift",
        "datadog_objects_notify": "@me@example.com",
    }
    hosts = {"nowhere.example.com": {"ansible_host": "192.0.2.1"}}
    inventory = {"all": {"vars": variables}, "monitored": {"hosts": hosts}}
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    env = {
        "HOME": str(home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1",
        "DD_API_KEY": account.standin.api_key, "DD_APP_KEY": account.standin.app_key,
    }  # fmt: skip
    return Fleet(tmp_path, env)


def test_at_first_everything_is_missing(fleet: Fleet) -> None:
    done = fleet.compare()
    assert done.returncode == 2 and "A run without --check would make this true" in done.stdout, done.stdout
    summary = fleet.summary()
    assert summary["differs"] and summary["check"] and summary["fleet"] == "drift"
    assert set(fleet.outcome("dashboards", "created")) == {"timeboard"}
    assert summary["counts"]["created"] == sum(summary["counts"].values())


def test_unchanged_objects_pass(fleet: Fleet) -> None:
    fleet.apply()
    assert not fleet.summary()["check"] and fleet.summary()["counts"]["unchanged"] == 0
    done = fleet.compare()
    assert done.returncode == 0 and "changed=0" in done.stdout, done.stdout
    summary = fleet.summary()
    assert not summary["differs"] and summary["counts"]["unchanged"] == sum(summary["counts"].values())
    for kind in ("dashboards", "monitors", "downtimes"):
        addresses = fleet.outcome(kind, "unchanged")
        assert addresses and all(url.startswith("http") for url in addresses.values())
    [shown] = re.findall(r"^```json\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert form(json.loads(shown)) == form(summary)


def form(value: Any) -> Any:
    """Return the keys of a summary, at any depth."""
    return {name: form(item) for name, item in value.items()} if isinstance(value, dict) else None


def test_changed_and_deleted_objects_are_named_with_their_addresses(fleet: Fleet, account: Account) -> None:
    fleet.apply()
    client = account.client()
    [board] = account.there("dashboard")
    [monitor] = [one for one in account.there("monitor") if "kennel_key:mysql" in one["tags"]]
    whole = client.get(f"dashboard/{board['id']}")
    client.put(f"dashboard/{board['id']}", {**whole, "title": "Mine"})
    # With force, because the fleet's downtime mutes another one.
    client.delete(f"monitor/{monitor['id']}")
    done = fleet.compare()
    assert done.returncode == 2 and "Mine" in done.stdout
    assert fleet.summary()["counts"] | {"unchanged": 0} == {"created": 1, "changed": 1, "deleted": 0, "unchanged": 0}
    assert board["id"] in fleet.outcome("dashboards", "changed")["timeboard"]
    assert set(fleet.outcome("monitors", "created")) == {"mysql"}


def test_failed_comparison_has_no_summary(fleet: Fleet) -> None:
    fleet.env["DD_APP_KEY"] = "f" * 40
    done = fleet.compare()
    assert done.returncode not in (0, None) and not (fleet.folder / "drift" / "objects.json").exists()
