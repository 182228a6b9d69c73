# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles mysql and datadog_mysql_user refuse: each problem once, with its variable; no crash on any type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils.mysql_rules import mysql_problems, mysql_user_problems
from anything import ANYTHING
from hypothesis import given

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
        *((mysql_problems, MYSQL, field) for field in MYSQL),
        *((mysql_user_problems, USER, field) for field in USER),
    ],
)
@given(value=ANYTHING)
def test_no_type_of_any_input_crashes(
    rule: Callable[..., list[str]], fine: dict[str, Any], field: str, value: Any
) -> None:
    assert all(isinstance(problem, str) for problem in rule({**fine, field: value}))
