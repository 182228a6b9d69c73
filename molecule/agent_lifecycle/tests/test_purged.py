"""The last step purges the Agent; nothing of it is left on the host."""

import pytest

# apt keeps downloads, and systemd's journal and dpkg's log keep their entries.
NOT_OURS = ("/var/cache/apt", "/var/lib/apt", "/var/log")


@pytest.mark.parametrize("what", ["-iname *datadog*", "-iname *dd-agent*", "-nouser", "-nogroup", "-name .kennel-*"])
def test_nothing_of_the_agent_is_left(host, what):
    with host.sudo():
        found = host.run(f"set -f; find / /run -xdev {what}").stdout.split()
    assert [path for path in found if not path.startswith(NOT_OURS)] == []


def test_user_and_group_are_gone(host):
    assert not host.user("dd-agent").exists
    assert not host.group("dd-agent").exists


@pytest.mark.parametrize("name", ["datadog-agent", "datadog-signing-keys"])
def test_packages_are_purged_from_dpkg(host, name):
    assert host.run(f"dpkg-query --show {name}").rc == 1


def test_repository_entry_is_removed(host):
    with host.sudo():
        assert host.run("grep -rl packages:8081 /etc/apt").stdout == ""
        assert host.run("apt-get update").rc == 0


def test_systemd_units_are_gone(host):
    assert host.run("systemctl list-units --all --no-legend 'datadog*'").stdout == ""
    assert host.run("systemctl list-unit-files --no-legend 'datadog*'").stdout == ""


def test_purge_installs_no_apt_library(host):
    assert not host.package("python3-apt").is_installed
