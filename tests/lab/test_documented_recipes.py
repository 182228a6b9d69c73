"""The recipes in docs/recipes.md for hosts, run on the lab as written. They take minutes."""

from __future__ import annotations

import pytest
from conftest import ROOT
from recipes import Kitchen, recipes

pytestmark = pytest.mark.long

# A token and a password to type into ansible-vault.
TYPED = "the-one-that-is-typed-in"


@pytest.fixture
def kitchen(lab, tmp_path):
    """The lab's hosts in a user's inventory, with the names in the recipes."""
    names = {"kennel_fleet:production": f"kennel_fleet:{lab.plan['name']}", "web2.example.com": "fresh2",
             "db1.example.com": "fresh1", "db2.example.com": "fresh3", '"7.71.0"': '"1:7.99.1~lab-1"'}  # fmt: skip
    kitchen = Kitchen(tmp_path, lab.env, names)
    pinned = 'datadog_agent_version: "1:7.99.0~lab-1"\n'
    for path in (ROOT / "inventory" / "lab" / "group_vars").iterdir():
        # A recipe sets the version for `all`; the lab's group variable would take precedence.
        text = path.read_text(encoding="utf-8").replace(pinned, "") + pinned * (path.stem == "all")
        kitchen.write(f"inventory/production/group_vars/{path.name}", text, "lab")
    (kitchen.inventory / "lab.py").symlink_to(ROOT / "inventory" / "lab" / "hosts.py")
    return kitchen


def cook(kitchen, title, secret=""):
    """Write the files of a recipe, and run its commands; ansible-vault's output goes where the recipe says."""
    recipe = recipes()[title]
    for name, text in recipe.files.items():
        kitchen.write(name, text)
    said = []
    for command in recipe.commands:
        vault = command.startswith("ansible-vault")
        done = kitchen.run(command, TYPED if vault else "")
        assert done.returncode == 0, done.stdout[-4000:]
        if vault:
            text = done.stdout[done.stdout.index(f"{command.split()[-1]}:") :].replace("Encryption successful", "")
            kitchen.write(secret, text, "secret")
        assert vault or TYPED not in done.stdout
        said.append(done.stdout)
    return said


def test_custom_check_with_a_secret_and_a_monitor(lab, kitchen):
    title = "A check of your own, with a secret and a monitor"
    _vault, site = cook(kitchen, title, "inventory/production/group_vars/all.yml")
    assert "queue.*" in site or "queue.depth" in site
    assert TYPED in lab.on("fresh2", "cat /etc/datadog-agent/conf.d/queue_depth.d/conf.yaml").stdout


def test_new_host(kitchen):
    [site] = cook(kitchen, "Add a host")
    assert "Datadog has the data of the host." in site


def test_rotated_password(lab, kitchen):
    title = "Rotate the password of the monitoring user"
    cook(kitchen, title, "inventory/production/group_vars/mysql.yml")
    assert TYPED in lab.on("fresh1", "cat /etc/datadog-agent/conf.d/mysql.d/conf.yaml").stdout
    login = f"mysql -u datadog -p{TYPED} -e 'SELECT 1'"
    assert lab.on("fresh1", login).returncode == 0


def test_several_servers(kitchen, lab):
    """Only preflight knows the second server here, because the lab's servers only listen locally."""
    recipe = recipes()["Watch several MySQL servers from one host"]
    for name, text in recipe.files.items():
        kitchen.write(name, text)
    kitchen.write("inventory/production/group_vars/mysql.yml", "vault_db2_password: of-the-other-server\n", "other")
    preflight, _site = recipe.commands
    done = kitchen.run(preflight)
    assert done.returncode == 0, done.stdout[-4000:]


def test_upgrade_in_batches(kitchen, lab):
    cook(kitchen, "Upgrade the Agent in batches")
    command = "dpkg-query --show --showformat '${Version}' datadog-agent"
    assert {lab.on(host["name"], command).stdout for host in lab.plan["hosts"]} == {"1:7.99.1~lab-1"}
    back = {"datadog_agent_version": "1:7.99.0~lab-1", "datadog_agent_allow_downgrade": True}
    assert lab.play("site", extra=back).status == 0
