# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Converts variables of the official role to Kennel's."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.filter.official_checks import official_checks
from ansible_collections.kennel.fleet.plugins.filter.official_config import official_config
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.datadog_custom_check import check
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import secret_places
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import merge_secrets

KEY = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, {"config": {}, "secrets": {}}),
        ({"log_level": "debug"}, {"config": {"log_level": "debug"}, "secrets": {}}),
        ({"tags": ["a:b"], "env": "prod"}, {"tags": ["a:b"], "env": "prod", "config": {}, "secrets": {}}),
        ({"tags": " a:b, c:d e:f,"}, {"tags": ["a:b", "c:d", "e:f"], "config": {}, "secrets": {}}),
        ({"tags": ""}, {"tags": [], "config": {}, "secrets": {}}),
        (
            {"hostname": "web1", "site": "datadoghq.eu", "dd_url": "https://proxy:3834", "use_dogstatsd": False},
            {
                "hostname": "web1",
                "site": "datadoghq.eu",
                "dd_url": "https://proxy:3834",
                "dogstatsd_enabled": False,
                "config": {},
                "secrets": {},
            },
        ),
        (
            {"apm_config": {"enabled": False, "receiver_port": 8136, "ignore_resources": ["x"]}},
            {
                "apm_enabled": False,
                "apm_port": 8136,
                "config": {"apm_config": {"ignore_resources": ["x"]}},
                "secrets": {},
            },
        ),
        ({"apm_config": None}, {"config": {"apm_config": None}, "secrets": {}}),
        ({"tags": None, "apm_config": {"enabled": None}}, {"config": {"apm_config": {}}, "secrets": {}}),
        ({"api_key": KEY}, {"config": {}, "secrets": {"api_key": KEY}}),
        (
            {"proxy": {"https": "http://me:geheim@proxy:3128", "no_proxy": ["db1"]}},
            {"config": {"proxy": {"no_proxy": ["db1"]}}, "secrets": {"proxy.https": "http://me:geheim@proxy:3128"}},
        ),
        (
            {"additional_endpoints": {"https://app.datadoghq.eu": [KEY]}},
            {"config": {}, "secrets": {"additional_endpoints": {"https://app.datadoghq.eu": [KEY]}}},
        ),
        (
            {"logs_config": {"additional_endpoints": [{"api_key": KEY, "Host": "logs.example.com"}]}},
            {
                "config": {"logs_config": {"additional_endpoints": [{"Host": "logs.example.com"}]}},
                "secrets": {"logs_config.additional_endpoints.0.api_key": KEY},
            },
        ),
        (
            {"a": [[KEY], [1]], "b": [{"c.d": {"token": "geheim"}}]},
            {"config": {}, "secrets": {"a": [[KEY], [1]], "b": [{"c.d": {"token": "geheim"}}]}},
        ),
    ],
)
def test_settings_are_assigned_to_variables(config: dict[str, Any], expected: dict[str, Any]) -> None:
    given = repr(config)
    result = official_config(config)
    assert result == expected
    assert repr(config) == given
    assert secret_places(result["config"]) == []
    # Apart from settings that became variables, the original can be restored by merging the secrets.
    merged = merge_secrets(result["config"], result["secrets"])
    assert all(merged[name] == config[name] for name in merged if name != "apm_config")


@pytest.mark.parametrize(
    ("checks", "code", "expected"),
    [
        (None, None, []),
        ({}, {}, []),
        (
            {"process": {"init_config": None, "instances": [{"name": "ssh", "search_string": ["sshd"]}]}},
            {},
            [{"name": "process", "instances": [{"name": "ssh", "search_string": ["sshd"]}]}],
        ),
        (
            {"jobs": {"init_config": {"timeout": 3}, "instances": [{}]}},
            {"jobs": "jobs.py"},
            [{"name": "jobs", "source": "jobs.py", "init_config": {"timeout": 3}, "instances": [{}]}],
        ),
        (
            {"redisdb": {"instances": [{"host": "a"}, {"host": "b", "password": "geheim"}]}},
            {},
            [
                {
                    "name": "redisdb",
                    "instances": [{"host": "a"}, {"host": "b"}],
                    "secrets": {"instances.1.password": "geheim"},
                }
            ],
        ),
        (
            {"app": {"init_config": None, "instances": None, "logs": [{"type": "file", "path": "/var/log/app"}]}},
            {},
            [{"name": "app", "sections": {"logs": [{"type": "file", "path": "/var/log/app"}]}}],
        ),
    ],
)
def test_checks_become_a_list_that_preflight_accepts(checks: Any, code: Any, expected: list[dict[str, Any]]) -> None:
    empty: dict[str, Any] = {"init_config": {}, "instances": [], "sections": {}, "secrets": {}}
    result = official_checks(checks, code)
    assert result == [{**empty, **check} for check in expected]
    assert (
        check(
            {"interval": 45, "tracked": [], "checks": result}, Host("h1", files={"jobs.py": "x = 1", "helper.py": ""})
        ).problems
        == []
    )


@pytest.mark.parametrize(
    ("checks", "code"), [({}, {"helper": "helper.py"}), ({"helper": None}, {}), ({"helper": {"instances": []}}, {})]
)
def test_check_that_the_agent_would_ignore_is_refused_by_name(checks: dict[str, Any], code: dict[str, str]) -> None:
    [problem] = check(
        {"interval": 45, "tracked": [], "checks": official_checks(checks, code)}, Host("h1", files={"helper.py": ""})
    ).problems
    assert "check helper: instances is not a list with at least one item" in problem
