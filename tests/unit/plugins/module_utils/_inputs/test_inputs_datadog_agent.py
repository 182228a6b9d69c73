# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs that the role datadog_agent refuses: each problem once, with its variable, and no crash on any type."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_agent import check
from anything import ANYTHING
from hypothesis import given

AGENT = {
    "state": "present",
    "enabled": True,
    "env": "",
    "apt_url": "https://apt.datadoghq.com/",
    "apt_suite": "stable",
    "apt_component": "7",
    "apt_key_urls": ["https://keys.datadoghq.com/KEY.public"],
    "apm_enabled": True,
    "dogstatsd_enabled": True,
    "groups": ["adm"],
    "api_key": "0a" * 16,
    "site": "datadoghq.eu",
    "dd_url": "",
    "apm_port": 8126,
    "apm_url": "",
    "dogstatsd_port": 8125,
    "hostname": "",
    "version": "",
    "remote_updates": "",
    "tags": ["env:lab"],
    "config": {"log_level": "info", "proxy": {"no_proxy": ["10.0.0.1"]}},
    "secrets": {},
}

FACTS = {
    "distribution": "Debian",
    "distribution_version": "12.9",
    "distribution_major_version": "12",
    "distribution_release": "bookworm",
    "architecture": "x86_64",
    "getent_group": {"adm": ["x", "4", ""], "root": ["x", "0", ""]},
}


def agent_problems(inputs: dict[str, Any], **facts: Any) -> list[str]:
    """Return the problems of inputs, which include facts."""
    known = {**FACTS, **facts}
    return check(inputs, Host("h1", facts=known)).problems


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"api_key": "ENC[api_key]"},
        {"api_key": "0A" * 16},
        {"dd_url": "http://datadog:8080", "hostname": "web-1.lab", "version": "7.70.0"},
        {"version": "1:7.99.0~lab-1"},
        {"dd_url": "http://datadog:8080", "apm_url": "http://datadog:8080", "apm_port": "8126"},
        {"config": {"apm_config": {"apm_non_local_traffic": True}}},
        {"config": {"proxy": {"https": "http://proxy:3128"}, "api_key_validation_interval": 60}},
        {"config": {"database_password": "ENC[db]"}},
        *({"remote_updates": value} for value in (True, False, "true", "False")),
    ],
)
def test_valid_agent_inputs(changes: dict[str, Any]) -> None:
    assert agent_problems({**AGENT, **changes}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"groups": ["adm", "docker"]},
            "datadog_agent_groups: the group 'docker' does not exist on the host. Create it first",
        ),
        ({"groups": "adm"}, "datadog_agent_groups is not a list"),
        ({"api_key": ""}, "datadog_agent_api_key"),
        ({"api_key": "0a" * 15}, "DD_API_KEY"),
        ({"api_key": None}, "datadog_agent_api_key"),
        ({"site": "https://datadoghq.eu"}, "datadog_agent_site"),
        ({"site": "eu"}, "datadog_agent_site"),
        ({"dd_url": "datadog:8080"}, "datadog_agent_dd_url"),
        ({"dd_url": "datadog", "apm_url": "datadog"}, "datadog_agent_dd_url"),
        ({"apm_url": "trace.datadoghq.eu"}, "datadog_agent_apm_url"),
        ({"apm_port": 0}, "datadog_agent_apm_port is 0"),
        ({"dogstatsd_port": "8125/udp"}, "datadog_agent_dogstatsd_port is '8125/udp'"),
        ({"config": {"use_dogstatsd": False}}, "Set datadog_agent_dogstatsd_enabled"),
        ({"config": {"apm_config": {"enabled": False}}}, "apm_config.enabled has its own variable"),
        ({"remote_updates": "sometimes"}, "datadog_agent_remote_updates is 'sometimes'. Write true, false, or ''"),
        ({"remote_updates": None}, "datadog_agent_remote_updates is None"),
        ({"config": {"remote_updates": False}}, "Set datadog_agent_remote_updates"),
        ({"version": "latest"}, "datadog_agent_version"),
        ({"version": "7"}, "datadog_agent_version"),
        ({"tags": ["env"]}, "datadog_agent_tags: 'env'"),
        ({"tags": [7]}, "datadog_agent_tags: 7"),
        ({"tags": "env:lab"}, "datadog_agent_tags is not a list"),
        ({"config": ["a"]}, "datadog_agent_config"),
        ({"config": {"tags": []}}, "datadog_agent_config.tags has its own variable"),
        ({"config": {"api_key": "x"}}, "datadog_agent_config.api_key"),
        ({"config": {"proxy": {"password": "x"}}}, "datadog_agent_config.proxy.password is a secret"),
        ({"config": {"a": [{"token": "x"}]}}, "datadog_agent_config.a.0.token is a secret"),
    ],
)
def test_agent_problem_is_reported_once(changes: dict[str, Any], words: str) -> None:
    [problem] = agent_problems({**AGENT, **changes})
    assert words in problem


# The Agent's own rule (datadog-agent 7.84, pkg/util/hostname/validate): it ignores invalid names.
@pytest.mark.parametrize(
    "name",
    [
        "web1", "1", "WEB-1.Example.COM", "a.b.c.d", "10.0.0.1", "x" * 63, ".".join(["y" * 49] * 5), "localhosts",
        "localhost.example.com", "xn--bcher-kva.example",
    ],
)  # fmt: skip
def test_host_name_that_the_agent_accepts(name: str) -> None:
    assert agent_problems({**AGENT, "hostname": name}) == []


@pytest.mark.parametrize(
    "name",
    [
        "web 1", "-web", "web-", "web_1", "web1.", ".web1", "a..b", "web1.-lab", "bücher", "web1\n", "web/1", "web:1",
        "_", "x" * 64, f"{'x' * 64}.lab", ".".join(["y" * 50] * 6),
    ],
)  # fmt: skip
def test_host_name_that_the_agent_would_ignore_is_refused(name: str) -> None:
    [problem] = agent_problems({**AGENT, "hostname": name})
    assert "datadog_agent_hostname" in problem and "RFC 1123" in problem


@pytest.mark.parametrize(
    "name", ["localhost", "LocalHost", "localhost.localdomain", "localhost6.localdomain6", "ip6-localhost"]
)
def test_host_name_that_every_host_has_is_refused(name: str) -> None:
    [problem] = agent_problems({**AGENT, "hostname": name})
    assert problem.startswith(f"datadog_agent_hostname '{name}' is not unique")


def test_all_problems_are_reported_together_without_secrets() -> None:
    config = {"password": "geheim-1"}
    problems = agent_problems({**AGENT, "api_key": "geheim-2", "site": "", "tags": ["x"], "config": config})
    assert len(problems) == 4
    assert "geheim" not in str(problems)


@pytest.mark.parametrize("field", [field for field in AGENT if not field.startswith("distribution")])
@given(value=ANYTHING)
def test_no_type_of_any_input_crashes(field: str, value: Any) -> None:
    assert all(isinstance(problem, str) for problem in agent_problems({**AGENT, field: value}))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"distribution_major_version": "10"}, "Debian 10 is not supported"),
        ({"distribution": "Fedora"}, "Use one of Debian 12, 13, sid; Ubuntu 22.04, 24.04, 26.04"),
        ({"distribution": "Ubuntu", "distribution_version": "20.04"}, "Ubuntu 20.04 is not supported"),
        ({"architecture": "armv7l"}, "no Agent for armv7l. Use a host with x86_64 or aarch64"),
        ({"userspace_bits": "32"}, "no Agent for x86_64 with 32 bits"),
    ],
)
def test_platforms_without_an_agent(facts: dict[str, str], words: str) -> None:
    [problem] = agent_problems(AGENT, **facts)
    assert words in problem


@pytest.mark.parametrize(
    ("version", "for_apt"),
    [("", ""), ("7.70.0", "1:7.70.0-1"), ("7.70.0-2", "1:7.70.0-2"), ("1:7.99.0~lab-1", "1:7.99.0~lab-1")],
)
def test_versions_are_written_as_in_apt(version: str, for_apt: str) -> None:
    assert check({**AGENT, "version": version}, Host("h1", facts=FACTS)).inputs["apt_version"] == for_apt


def test_settings_in_datadog_yaml() -> None:
    given = {**AGENT, "apm_url": "https://trace", "remote_updates": "False", "env": "lab"}
    given["config"] = {"log_level": "info", "apm_config": {"apm_non_local_traffic": True}}
    assert check(given, Host("h1", facts=FACTS)).inputs["config"] == {
        "site": "datadoghq.eu",
        "env": "lab",
        "tags": ["env:lab"],
        "apm_config": {
            "enabled": True,
            "receiver_port": 8126,
            "apm_dd_url": "https://trace",
            "apm_non_local_traffic": True,
        },
        "use_dogstatsd": True,
        "dogstatsd_port": 8125,
        "remote_updates": False,
        "log_level": "info",
    }


@pytest.mark.parametrize(
    ("changes", "expected"), [({}, ["env:lab"]), ({"enabled": False}, None), ({"state": "absent"}, None)]
)
def test_tags_are_expected_if_the_agent_is_enabled(changes: dict[str, Any], expected: list[str] | None) -> None:
    assert check({**AGENT, **changes}, Host("h1", facts=FACTS)).expects.get("tags") == expected
