# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles refuse: each problem once, with its variable; nothing of what is fine; no crash on any type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils.input_rules import (
    agent_problems,
    check_problems,
    mysql_problems,
    mysql_user_problems,
)
from hypothesis import given
from hypothesis import strategies as st

AGENT = {
    "distribution": "Debian",
    "release": "12",
    "distributions": {"Debian": ["12", "13"], "Ubuntu": ["24.04"]},
    "architecture": "x86_64",
    "groups": ["adm"],
    "host_groups": {"adm": ["x", "4", ""], "root": ["x", "0", ""]},
    "api_key": "0a" * 16,
    "site": "datadoghq.eu",
    "dd_url": "",
    "apm_port": 8126,
    "apm_url": "",
    "dogstatsd_port": 8125,
    "hostname": "",
    "version": "",
    "tags": ["env:lab"],
    "config": {"log_level": "info", "proxy": {"no_proxy": ["10.0.0.1"]}},
    "secrets": {},
}
MYSQL = {
    "settings": {"performance_schema": "ON"},
    "monitoring_settings": {},
    "databases": [{"name": "shop"}],
    "users": [{"name": "shop", "password": "geheim", "priv": "shop.*:ALL"}],
}
USER = {
    "name": "datadog",
    "password": "long-enough",
    "connection": {"sock": "/run/mysqld/mysqld.sock"},
    "options": {},
    "tags": [],
    "dbm": True,
    "schemas": ["shop", "my-web_1"],
    "settings": {"performance_schema": "ON", "max_digest_length": 4096},
    "server": {"performance_schema": "ON", "max-digest-length": 8192},
    "agent_version": "",
    "flavour": "mariadb",
}
CHECK = {"name": "queue", "source": "queue.py", "instances": [{"min_collection_interval": 45}]}

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"api_key": "ENC[api_key]"},
        {"api_key": "0A" * 16},
        {"distribution": "Ubuntu", "release": "24.04"},
        {"dd_url": "http://datadog:8080", "hostname": "web-1.lab", "version": "7.70.0"},
        {"version": "1:7.99.0~lab-1"},
        {"dd_url": "http://datadog:8080", "apm_url": "http://datadog:8080", "apm_port": "8126"},
        {"config": {"apm_config": {"apm_non_local_traffic": True}}},
        {"config": {"proxy": {"https": "http://proxy:3128"}, "api_key_validation_interval": 60}},
        {"config": {"database_password": "ENC[db]"}},
    ],
)
def test_agent_inputs_that_are_fine(changes: dict[str, Any]) -> None:
    assert agent_problems({**AGENT, **changes}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"release": "10"}, "Debian 10 is not supported"),
        ({"distribution": "Fedora"}, "Debian 12, 13; Ubuntu 24.04"),
        ({"architecture": "armv7l"}, "no Agent for armv7l: use a host with x86_64 or aarch64"),
        (
            {"groups": ["adm", "docker"]},
            "datadog_agent_groups: there is no group 'docker' on the host: create it first",
        ),
        ({"groups": "adm"}, "datadog_agent_groups is no list"),
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
        ({"config": {"use_dogstatsd": False}}, "set datadog_agent_dogstatsd_enabled"),
        ({"config": {"apm_config": {"enabled": False}}}, "apm_config.enabled has a variable of its own"),
        ({"hostname": "web 1"}, "datadog_agent_hostname"),
        ({"hostname": "-web"}, "datadog_agent_hostname"),
        ({"version": "latest"}, "datadog_agent_version"),
        ({"version": "7"}, "datadog_agent_version"),
        ({"tags": ["env"]}, "datadog_agent_tags: 'env'"),
        ({"tags": [7]}, "datadog_agent_tags: 7"),
        ({"tags": "env:lab"}, "datadog_agent_tags is no list"),
        ({"config": ["a"]}, "datadog_agent_config"),
        ({"config": {"tags": []}}, "datadog_agent_config.tags has a variable of its own"),
        ({"config": {"api_key": "x"}}, "datadog_agent_config.api_key"),
        ({"config": {"proxy": {"password": "x"}}}, "datadog_agent_config.proxy.password is a secret"),
        ({"config": {"a": [{"token": "x"}]}}, "datadog_agent_config.a.0.token is a secret"),
    ],
)
def test_agent_problem_is_named_once(changes: dict[str, Any], words: str) -> None:
    [problem] = agent_problems({**AGENT, **changes})
    assert words in problem


def test_all_problems_come_at_once_and_without_secrets() -> None:
    config = {"password": "geheim-1"}
    problems = agent_problems({**AGENT, "api_key": "geheim-2", "site": "", "tags": ["x"], "config": config})
    assert len(problems) == 4
    assert "geheim" not in str(problems)


@pytest.mark.parametrize(
    ("checks", "code"),
    [
        ([], {}),
        ([CHECK], {"queue": "x = 1\n"}),
        ([{"name": "uptime"}], {}),
        ([{"name": "a", "instances": [{"min_collection_interval": 0.5 + 1, "tags": ["a:b"]}]}], {}),
        ([{"name": "a", "state": "absent"}, {"name": "b", "init_config": None, "metrics": ["b"]}], {}),
        ([{"name": "a", "instances": [{"password": "ENC[db]"}], "secrets": {"instances.0.x": "y"}}], {}),
        ([{"name": "a", "instances": [], "sections": {"logs": [{"type": "file", "path": "/var/log/a"}]}}], {}),
    ],
)
def test_checks_that_are_fine(checks: list[dict[str, Any]], code: dict[str, str]) -> None:
    assert check_problems(checks, code) == []


@pytest.mark.parametrize(
    ("checks", "words"),
    [
        ({"name": "a"}, "is no list"),
        (["a"], "[0] has no proper name"),
        ([{}], "[0] has no proper name"),
        ([{"name": "Queue-Length"}], "[0] has no proper name"),
        ([{"name": "a"}, {"name": "a"}], "the check a twice"),
        ([{"name": "a", "intervall": 1}], "no field intervall"),
        ([{"name": "a", "instances": []}], "at least one item"),
        ([{"name": "a", "instances": None}], "at least one item"),
        ([{"name": "a", "instances": ["x"]}], "instances[0] is no dictionary"),
        ([{"name": "a", "instances": [], "sections": {}}], "at least one item"),
        ([{"name": "a", "sections": ["logs"]}], "sections is no dictionary"),
        ([{"name": "a", "sections": {"instances": [{}]}}], "sections is no dictionary of what stands beside"),
        ([{"name": "a", "sections": {"logs": [{"token": "geheim"}]}}], "logs.0.token is a secret"),
        ([{"name": "a", "init_config": []}], None),
        ([{"name": "a", "init_config": [1]}], "init_config is no dictionary"),
        ([{"name": "a", "secrets": None}], "secrets is no dictionary"),
        ([{"name": "a", "instances": [{"min_collection_interval": 0}]}], "instances[0].min_collection_interval is 0"),
        ([{"name": "a", "instances": [{"min_collection_interval": "45s"}]}], "'45s'"),
        ([{"name": "a", "instances": [{"min_collection_interval": True}]}], "True"),
        ([{"name": "a", "instances": [{"min_collection_interval": float("nan")}]}], "nan"),
        ([{"name": "a", "instances": [{}, {"tags": ["x"]}]}], "instances[1]: tags: 'x'"),
        ([{"name": "a", "instances": [{"password": "geheim"}]}], "instances.0.password is a secret"),
    ],
)
def test_problem_of_a_check_is_named_once(checks: Any, words: str | None) -> None:
    problems = check_problems(checks, {})
    assert len(problems) == (words is not None)
    assert (words or "") in str(problems)
    assert "geheim" not in str(problems)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def\n", "queue.py, line 1 is no Python: invalid syntax"),
        ("x = 1\n  y\n", "queue.py, line 2 is no Python: unexpected indent"),
        ("\0", "queue.py"),
    ],
)
def test_code_that_is_no_python_is_named_with_its_line(code: str, words: str) -> None:
    [problem] = check_problems([CHECK], {"queue": code})
    assert "check queue" in problem
    assert words in problem


def test_code_is_compiled_and_never_run() -> None:
    assert check_problems([CHECK], {"queue": "raise SystemExit(1)\n"}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"a": "1\n[client]"}}, "mysql_settings.a has a line break"),
        ({"settings": {"a\nb": 1}}, "has a line break"),
        ({"settings": None}, "mysql_settings is no dictionary"),
        ({"monitoring_settings": {"a": "1\n2"}}, "mysql_monitoring_settings.a has a line break"),
        ({"databases": [{}]}, "mysql_databases[0] has no name"),
        ({"databases": "shop"}, "mysql_databases is no list"),
        ({"users": [{"name": "", "password": "x" * 9, "priv": "*.*:ALL"}]}, "mysql_users[0] has no name"),
        ({"users": [{"name": "shop", "priv": "*.*:ALL"}]}, "user shop: there is no password"),
        ({"users": [{"name": "shop", "password": "x" * 9}]}, "user shop: there is no priv"),
        ({"users": ["shop"]}, "mysql_users[0] is no dictionary"),
    ],
)
def test_problem_of_the_database_is_named_once(changes: dict[str, Any], words: str) -> None:
    assert mysql_problems(MYSQL) == []
    [problem] = mysql_problems({**MYSQL, **changes})
    assert words in problem


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "data-dog"}, "datadog_mysql_user_name"),
        ({"name": "x" * 33}, "datadog_mysql_user_name"),
        ({"password": "short"}, "datadog_mysql_user_password"),
        ({"password": None}, "datadog_mysql_user_password"),
        ({"connection": {}}, "datadog_mysql_user_connection leads nowhere"),
        ({"connection": None}, "datadog_mysql_user_connection"),
        ({"connection": {"host": "db1", "password": "geheim"}}, "datadog_mysql_user_connection.password is a secret"),
        ({"tags": ["x"]}, "datadog_mysql_user_tags: 'x'"),
        ({"schemas": "shop"}, "datadog_mysql_user_dbm_schemas is no list"),
        ({"schemas": [5]}, "datadog_mysql_user_dbm_schemas: 5 is no schema's name"),
        ({"schemas": ["a`b"]}, "datadog_mysql_user_dbm_schemas: 'a`b' is no schema's name"),
        ({"schemas": ["MySQL"]}, "'MySQL' is no schema of an application"),
        ({"settings": []}, "datadog_mysql_user_dbm_settings is no dictionary"),
        ({"settings": {"max_digest_length": "4K"}}, "max_digest_length is '4K': it takes a whole number"),
        ({"settings": {"performance_schema": True}}, "performance_schema is True: it takes a whole number, or ON"),
        ({"settings": {"sql_mode": "ON"}}, "datadog_mysql_user_dbm_settings.sql_mode does not belong there"),
        ({"server": {"max-digest-length": 512}}, "mysql_settings.max_digest_length is 512, which overrules"),
        ({"agent_version": "7.60.9"}, "datadog_mysql_user_dbm needs Agent 7.61.0 on mariadb: raise"),
        ({"agent_version": "1:7.36.0-1", "flavour": "mysql"}, "needs Agent 7.36.1 on mysql"),
    ],
)
def test_problem_of_the_monitoring_user_is_named_once(changes: dict[str, Any], words: str) -> None:
    assert mysql_user_problems(USER) == []
    [problem] = mysql_user_problems({**USER, **changes})
    assert words in problem
    assert "geheim" not in problem
    assert "short'" not in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"agent_version": "7.61.0", "schemas": []},
        {"agent_version": "1:7.36.1-1", "flavour": "mysql"},
        {"dbm": "yes", "settings": {"performance_schema": "ON", "max_digest_length": "8192"}},
        {"dbm": False, "schemas": [5], "settings": 7, "agent_version": "6.0.0"},
    ],
)
def test_database_monitoring_that_is_fine_or_off(changes: dict[str, Any]) -> None:
    assert mysql_user_problems({**USER, **changes}) == []


@pytest.mark.parametrize(
    ("rule", "fine", "field"),
    [
        *((agent_problems, AGENT, field) for field in AGENT if not field.startswith("distribution")),
        *((mysql_problems, MYSQL, field) for field in MYSQL),
        *((mysql_user_problems, USER, field) for field in USER),
    ],
)
@given(value=ANYTHING)
def test_no_type_of_any_input_crashes(
    rule: Callable[..., list[str]], fine: dict[str, Any], field: str, value: Any
) -> None:
    assert all(isinstance(problem, str) for problem in rule({**fine, field: value}))


@given(ANYTHING, st.lists(st.fixed_dictionaries({"name": st.just("a")}, optional=dict.fromkeys(
    ["source", "init_config", "instances", "sections", "secrets", "metrics"], ANYTHING))))  # fmt: skip
def test_no_type_of_any_check_crashes(anything: Any, checks: list[dict[str, Any]]) -> None:
    for value in (anything, checks):
        assert all(isinstance(problem, str) for problem in check_problems(value, {"a": "x = 1\n"}))
