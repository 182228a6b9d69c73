# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The recipes in docs/recipes.md for dashboards and monitors, run as written, with the stand-in Datadog."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml
from account import ITEMS, Account
from recipes import Kitchen, recipes


@pytest.fixture
def kitchen(account: Account, tmp_path: Path) -> Kitchen:
    """A fleet of this machine, whose objects exist already."""
    keys = {"DD_API_KEY": account.standin.api_key, "DD_APP_KEY": account.standin.app_key}
    kitchen = Kitchen(tmp_path, keys)
    local = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    fleet = {"datadog_objects_fleet": "production", "datadog_objects_notify": "@ops@example.com"}
    variables = {**local, **fleet, "datadog_api_url": account.standin.url, "kennel_ask_hosts": False}
    inventory = {"all": {"vars": variables}, "monitored": {"hosts": {"one": None}}}
    (kitchen.inventory / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    return kitchen


def cook(kitchen: Kitchen, title: str) -> list[str]:
    """Write the files of a recipe and run its commands; return their outputs."""
    recipe = recipes()[title]
    for name, text in recipe.files.items():
        kitchen.write(name, text)
    said = []
    for command in recipe.commands:
        done = kitchen.run(command)
        assert done.returncode == 0, done.stdout
        said.append(done.stdout)
    return said


def monitors(account: Account) -> dict[str, dict]:
    """Return the account's monitors by key."""
    found = {}
    for monitor in account.there("monitor"):
        key = next(tag.partition(":")[2] for tag in monitor["tags"] if tag.startswith("kennel_key:"))
        found[key] = monitor
    return found


def test_threshold_is_previewed_and_changed(kitchen: Kitchen, account: Account) -> None:
    assert kitchen.run("ansible-playbook -i inventory/production playbooks/objects.yml").returncode == 0
    preview, _done = cook(kitchen, "Change a threshold, with a preview")
    assert "> 800" in preview and "> 900" in preview
    assert monitors(account)["my_metric"]["options"]["thresholds"]["critical"] == 900


def test_monitor_is_removed(kitchen: Kitchen, account: Account) -> None:
    assert kitchen.run("ansible-playbook -i inventory/production playbooks/objects.yml").returncode == 0
    before = set(monitors(account))
    cook(kitchen, "Remove a monitor")
    assert before - set(monitors(account)) == {"mysql_user_time"}


def test_dashboard_is_adopted(kitchen: Kitchen, account: Account) -> None:
    board = {name: value for name, value in ITEMS["dashboard"].items() if name != "key"}
    made = account.client().post("dashboard", board)
    recipe = recipes()["Take over a dashboard that somebody made by hand"]
    settings = recipe.files.pop("inventory/production/group_vars/all.yml")
    for command in recipe.commands:
        done = kitchen.run(command)
        assert done.returncode == 0, done.stdout
    assert "kennel_fleet:production" in account.client().get(f"dashboard/{made['id']}")["description"]
    # From then on, the file next to the inventory applies.
    (kitchen.folder / "datadog").rename(kitchen.inventory.parent / "datadog")
    kitchen.write("inventory/production/group_vars/all.yml", settings)
    again = kitchen.run("ansible-playbook -i inventory/production playbooks/objects.yml")
    assert again.returncode == 0 and "changed=0" in again.stdout, again.stdout


def test_every_recipe_is_run_by_a_test() -> None:
    here = Path(__file__)
    files = (here, here.parents[1] / "lab" / "test_documented_recipes.py")
    tests = "".join(path.read_text(encoding="utf-8") for path in files)
    assert [title for title in recipes() if f'"{title}"' not in tests] == []
