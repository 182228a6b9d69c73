# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Platforms: variables of the supported ones, and errors for others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.kennel.fleet.plugins.action.check_inputs import load_role
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Checked, Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_agent import PLATFORMS

ROOT = Path(__file__).resolve().parents[3]
MYSQL = {"package": "mysql-server", "service": "mysql", "settings_file": "/etc/mysql/mysql.conf.d/zz-kennel.cnf"}
MARIADB = {
    "package": "mariadb-server",
    "service": "mariadb",
    "settings_file": "/etc/mysql/mariadb.conf.d/zz-kennel.cnf",
}
# Distribution, version, major version and release, as ansible.builtin.setup reports them.
SUPPORTED = [
    (("Ubuntu", "22.04", "22", "jammy"), MYSQL),
    (("Ubuntu", "24.04", "24", "noble"), MYSQL),
    (("Ubuntu", "26.04", "26", "resolute"), MYSQL),
    (("Debian", "12.15", "12", "bookworm"), MARIADB),
    (("Debian", "13.8", "13", "trixie"), MARIADB),
    (("Debian", "forky/sid", "forky/sid", "forky"), MARIADB),
]
REFUSED = [
    (("Debian", "11.11", "11", "bullseye"), "Debian 11"),
    (("Debian", "14.0", "14", "forky"), "Debian 14"),
    (("Ubuntu", "20.04", "20", "focal"), "Ubuntu 20.04"),
    (("Ubuntu", "24.10", "24", "oracular"), "Ubuntu 24.10"),
    (("Ubuntu", "25.10", "25", "questing"), "Ubuntu 25.10"),
    (("Linux Mint", "22.1", "22", "xia"), "Linux Mint 22.1"),
    (("CentOS", "9", "9", "Stream"), "CentOS 9"),
    (("AlmaLinux", "9.6", "9", "Sage Margay"), "AlmaLinux 9.6"),
    (("Fedora", "42", "42", "NA"), "Fedora 42"),
]


def facts(platform: tuple[str, str, str, str], architecture: str = "x86_64", bits: str = "64") -> dict[str, Any]:
    """Return the facts of a host that the roles use."""
    names = ("distribution", "distribution_version", "distribution_major_version", "distribution_release")
    told = dict(zip(names, platform, strict=True))
    return {**told, "architecture": architecture, "userspace_bits": bits}


def checked(role: str, told: dict[str, Any], **given: Any) -> tuple[dict[str, Any], Checked]:
    """Return a role's variables, without prefix, on a host with these facts, and its check's result."""
    defaults, own, options, rules = load_role(role)
    inventory = {"datadog_agent_api_key": "0a" * 16, "datadog_agent_site": "datadoghq.eu"}
    scope = {**defaults, **own, "ansible_facts": told, **inventory, **given}
    templar = Templar(loader=DataLoader(), variables=scope)
    values = {name.removeprefix(f"{role}_"): templar.template(scope[name]) for name in options}
    return values, rules.check(values, Host("h1", facts=told))


def problems(told: dict[str, Any]) -> list[str]:
    return checked("datadog_agent", told)[1].problems


@pytest.mark.parametrize(("platform", "database"), SUPPORTED)
class TestSupported:
    @pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
    def test_platform_is_supported(self, platform: Any, database: dict[str, str], architecture: str) -> None:
        assert problems(facts(platform, architecture)) == []

    def test_database_is_the_distributions(self, platform: Any, database: dict[str, str]) -> None:
        values, result = checked("mysql", facts(platform))
        assert sorted(values["packages"]) == [database["package"], "python3-pymysql"]
        assert result.inputs == {name: database[name] for name in ("service", "settings_file")}
        assert values["socket"] == "/run/mysqld/mysqld.sock"


@pytest.mark.parametrize(("platform", "name"), REFUSED)
def test_other_platforms_are_refused_with_a_list(platform: Any, name: str) -> None:
    assert problems(facts(platform)) == [
        f"{name} is not supported. Use one of Debian 12, 13, sid; Ubuntu 22.04, 24.04, 26.04."
    ]


@pytest.mark.parametrize(
    ("architecture", "bits", "name"),
    # Raspbian calls itself Debian, and can run on a 64-bit kernel.
    [("armv7l", "32", "armv7l with 32 bits"), ("aarch64", "32", "aarch64 with 32 bits"), ("ppc64le", "64", "ppc64le")],
)
def test_host_without_a_package_is_refused(architecture: str, bits: str, name: str) -> None:
    told = facts(("Debian", "12", "12", "bookworm"), architecture, bits)
    assert problems(told) == [f"there is no Agent for {name}. Use a host with x86_64 or aarch64."]


DEBIAN = facts(("Debian", "12.15", "12", "bookworm"))


@pytest.mark.parametrize(
    "version", ["", "7.70.0", "7.70.0-1", "1:7.70.0-1", "1:7.99.0~lab-1", "7.71.0~rc.2", "1:7.70.0"]
)
def test_version_becomes_apts(version: str) -> None:
    called = checked("datadog_agent", DEBIAN, datadog_agent_version=version)[1].inputs["apt_version"]
    assert version in called
    assert (called == "") if version == "" else re.fullmatch(r"1:7\.[0-9]+\.[0-9]+(~[a-z]+(\.[0-9]+)?)?-1", called)


@pytest.mark.parametrize(
    ("version", "given", "written"),
    [
        # The Agent's default changed from false to true: Ansible manages a pinned version.
        ("7.70.0", {}, False),
        ("", {}, None),
        ("7.70.0", {"datadog_agent_remote_updates": True}, True),
        ("", {"datadog_agent_remote_updates": False}, False),
        ("", {"datadog_agent_remote_updates": "true"}, True),
        ("7.70.0", {"datadog_agent_remote_updates": ""}, None),
    ],
)
def test_remote_updates_are_disabled_for_pinned_versions(version: str, given: dict[str, Any], written: Any) -> None:
    settings = checked("datadog_agent", DEBIAN, datadog_agent_version=version, **given)[1].inputs["config"]
    assert settings.get("remote_updates") is written


def test_documents_name_the_supported_platforms() -> None:
    table = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
    hosts = table.partition("\n## Hosts\n")[2].partition("\n## ")[0]
    rows = [row.split("|")[1].strip() for row in hosts.splitlines() if row.startswith("| ")][1:]
    wanted = [f"{name} {release}" for name, releases in PLATFORMS.items() for release in releases]
    assert sorted(rows) == sorted(wanted)
