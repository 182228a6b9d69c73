# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs that the roles mysql and datadog_mysql_user refuse: each problem once, with its variable, and no crash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._inputs import datadog_mysql_user, mysql
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Host
from anything import ANYTHING
from hypothesis import given

MYSQL: dict[str, Any] = {
    "settings": {"performance_schema": "ON"},
    "monitoring_settings": {},
    "databases": [{"name": "shop"}],
    "users": [{"name": "shop", "password": "geheim", "priv": "shop.*:ALL"}],
    "flavour": "mysql",
    "packages": ["mysql-server"],
    "socket": "/run/mysqld/mysqld.sock",
}
MONITOR = {"datadog_mysql_user_name": "datadog", "datadog_mysql_user_host": "localhost"}
USER: dict[str, Any] = {
    "instances": [{}],
    "name": "datadog",
    "password": "long-enough",
    "host": "localhost",
    "max_connections": 5,
    "socket": "/run/mysqld/mysqld.sock",
    "connection": {"sock": "/run/mysqld/mysqld.sock"},
    "options": {},
    "tags": [],
    "privileges": {},
    "dbm": True,
    "dbm_schemas": ["shop", "my-web_1"],
    "dbm_settings": {"performance_schema": "ON", "max_digest_length": 4096},
    "server": {"performance_schema": "ON", "max-digest-length": 8192},
    "users": [{"name": "shop"}],
    "databases": [{"name": "shop"}],
    "agent_version": "",
    "flavour": "mariadb",
}
REMOTE = {
    "connection": {"host": "db2"},
    "host": "%",
    "login_user": "admin",
    "login_password": "geheim-admin",
    "dbm": False,
}
OTHERS = {"connection": {"host": "db2"}, "create": False}
SECOND = {"socket": "/run/second.sock", "service": "mariadb@second"}

# What USER knows from the role mysql and from the host.
OF_MYSQL = {
    "server": "mysql_settings",
    "users": "mysql_users",
    "databases": "mysql_databases",
    "flavour": "mysql_flavour",
}


def mysql_problems(inputs: dict[str, Any]) -> list[str]:
    variables = {**MONITOR, **inputs}
    return mysql.check(inputs, Host("h1", variables=variables)).problems


def mysql_user_problems(inputs: dict[str, Any]) -> list[str]:
    variables = {name: inputs[key] for key, name in OF_MYSQL.items()}
    facts = {"hostname": "db1", "all_ipv4_addresses": ["10.0.0.1"]}
    own = {key: value for key, value in inputs.items() if key not in OF_MYSQL}
    return datadog_mysql_user.check(own, Host("h1", facts=facts, variables=variables)).problems


def user(**changes: Any) -> dict[str, Any]:
    return {"name": "shop", "password": "geheim", "priv": "shop.*:ALL", **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"a": "1\n[client]"}}, "mysql_settings.a is '1\\n[client]', which contains a line break"),
        ({"settings": {"a\nb": 1}}, "mysql_settings has 'a\\nb'"),
        ({"settings": None}, "mysql_settings is not a dictionary"),
        ({"monitoring_settings": {"a": "1\n2"}}, "mysql_monitoring_settings.a is '1\\n2', which contains a line break"),
        ({"databases": [{}]}, "mysql_databases[0] has no name"),
        ({"databases": "shop"}, "mysql_databases is not a list"),
        ({"databases": [{"name": "a.b"}]}, "mysql_databases: the name is 'a.b'. Choose a name without ."),
        ({"databases": [{"name": 12}]}, "mysql_databases: the name is 12. Write"),
        ({"databases": [{"name": "shop"}] * 2}, "mysql_databases has shop twice"),
        ({"users": [user(name="")]}, "mysql_users[0] has no name"),
        ({"users": [user(name="Root")]}, "mysql_users: the name is 'Root', an account of the server itself"),
        ({"users": [user(name="x" * 33)]}, "longer than the 32 characters that mysql allows"),
        ({"users": [{"name": "shop", "priv": "*.*:ALL"}]}, "user shop: password is missing. Set it, from a vault"),
        ({"users": [user(password="größe12345")]}, "user shop: password has a character outside ASCII"),
        ({"users": [user(priv=None)]}, "user shop: priv is missing. Write one such as 'shop.*:ALL'"),
        ({"users": [user(priv="shop")]}, "user shop: priv is 'shop': 'shop' has no place or no privileges"),
        ({"users": [user(host="a b")]}, "user shop: host is 'a b'"),
        ({"users": [user(), user(host="LOCALHOST")]}, "mysql_users has 'shop'@'localhost' twice"),
        ({"users": [user(name="datadog")]}, "mysql_users has 'datadog'@'localhost', the account that the role datadog"),
        ({"users": ["shop"]}, "mysql_users[0] is not a dictionary"),
    ],
)
def test_database_problem_is_reported_once(changes: dict[str, Any], words: str) -> None:
    assert mysql_problems(MYSQL) == []
    [problem] = mysql_problems({**MYSQL, **changes})
    assert words in problem
    assert "geheim" not in problem and "größe" not in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"users": [user(), user(host="10.0.0.%")]},
        {"users": [user(name="datadog", host="%")]},
        {"users": [user(name="datadog")], "datadog_mysql_user_name": ""},
        {"users": [user(name="x" * 100)], "flavour": "mariadb"},
        {"users": [user(password="x", append_privs=True)]},
    ],
)
def test_valid_databases_and_users(changes: dict[str, Any]) -> None:
    assert mysql_problems({**MYSQL, **changes}) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "data-dog"}, "datadog_mysql_user_name"),
        ({"name": "x" * 33}, "datadog_mysql_user_name"),
        ({"name": "root"}, "datadog_mysql_user_name is 'root', an account of the server itself"),
        ({"name": "MySQL"}, "an account of the server itself"),
        ({"name": ""}, "datadog_mysql_user_name"),
        ({"name": "shop"}, "mysql_users has 'shop'@'localhost', the account that the role datadog_mysql_user creates"),
        ({"password": "short"}, "datadog_mysql_user_password"),
        ({"password": None}, "datadog_mysql_user_password"),
        ({"password": 1234567890}, "datadog_mysql_user_password is a number. Put it in quotes"),
        ({"password": "geheimnisgröße"}, "datadog_mysql_user_password has a character outside ASCII"),
        ({"password": "ENC[geheim]"}, "datadog_mysql_user_password is ENC[...], which only the Agent can resolve"),
        ({"password": "geheim%%env_X%%"}, "datadog_mysql_user_password contains %%env_"),
        ({"host": "a b"}, "datadog_mysql_user_host is 'a b'"),
        ({"host": ""}, "datadog_mysql_user_host"),
        ({"max_connections": "many"}, "datadog_mysql_user_max_connections is 'many'"),
        ({"connection": {}}, "datadog_mysql_user_connection has no address"),
        ({"connection": None}, "datadog_mysql_user_connection is not a dictionary"),
        ({"connection": {"host": "db1", "password": "geheim"}}, "Set datadog_mysql_user_password"),
        ({"connection": {"host": "db1", "name": "", "service": "ftp://a:geheim@b"}}, "connection.service is a secret"),
        ({"connection": {"sock": "/a", "host": "db1"}}, "connection has a socket, and the host 'db1'. Write localhost"),
        (
            {"connection": {"host": "db2"}, "dbm": False},
            "connection.host is 'db2', which is not this host. Set",
        ),
        (
            {"options": {"extra_performance_metrics": True}},
            "mysql_user_options.extra_performance_metrics is depr",
        ),
        ({"tags": ["x"]}, "datadog_mysql_user_tags: 'x'"),
        ({"privileges": ["shop"]}, "datadog_mysql_user_privileges is not a dictionary"),
        (
            {"options": {"table_size_metrics": "yes"}},
            "datadog_mysql_user_options.table_size_metrics only shows tables on which the user has a privilege. Grant "
            "one in datadog_mysql_user_privileges, for example {shop.*: SELECT}",
        ),
        (
            {"instances": [{"connection": {"sock": "/a", "collect_schemas": {"enabled": True}}}]},
            "datadog_mysql_user_instances[0].connection.collect_schemas only shows tables",
        ),
        (
            {"privileges": {"shop": "SELECT"}},
            "datadog_mysql_user_privileges is 'shop:SELECT': 'shop:SELECT' has no place",
        ),
        ({"dbm_schemas": "shop"}, "datadog_mysql_user_dbm_schemas is not a list"),
        ({"dbm_schemas": [5]}, "datadog_mysql_user_dbm_schemas: 5 is not a valid schema name"),
        ({"dbm_schemas": ["a`b"]}, "datadog_mysql_user_dbm_schemas: 'a`b' is not a valid schema name"),
        ({"dbm_schemas": ["MySQL"]}, "'MySQL' is not a schema of an application"),
        (
            {"databases": [{"name": "datadog"}]},
            "mysql_databases has datadog, a schema that datadog_mysql",
        ),
        (
            {"databases": [{"name": "datadog"}], "dbm_schemas": ["datadog"]},
            "mysql_databases has datadog, a schema that datadog_mysql",
        ),
        ({"dbm_settings": []}, "datadog_mysql_user_dbm_settings is not a dictionary"),
        ({"dbm_settings": {"max_digest_length": "4K"}}, "max_digest_length is '4K'. Write a whole number"),
        ({"dbm_settings": {"performance_schema": True}}, "performance_schema is True. Write a whole number, or ON"),
        ({"dbm_settings": {"sql_mode": "ON"}}, "datadog_mysql_user_dbm_settings.sql_mode does not belong here"),
        ({"server": {"max-digest-length": 512}}, "mysql_settings.max_digest_length is 512, which overrides"),
        ({"agent_version": "7.60.9"}, "datadog_mysql_user_dbm needs Agent 7.61.0 on mariadb. Increase"),
        ({"agent_version": "1:7.36.0-1", "flavour": "mysql"}, "needs Agent 7.36.1 on mysql"),
        ({"instances": []}, "datadog_mysql_user_instances is not a list with at least one item"),
        ({"instances": {}}, "datadog_mysql_user_instances is not a list"),
        ({"instances": ["db2"]}, "datadog_mysql_user_instances[0] is not a dictionary"),
        (
            {"instances": [{"sokket": "/a"}]},
            "datadog_mysql_user_instances[0].sokket is not a known key. Use one of name, ",
        ),
        ({"instances": [{}, {**SECOND, "name": "root"}]}, "datadog_mysql_user_instances[1].name is 'root'"),
        ({"instances": [{}, {**SECOND, "password": "kurz"}]}, "datadog_mysql_user_instances[1].password is missing or"),
        ({"instances": [{}, {**SECOND, "flavour": "postgres"}]}, "instances[1].flavour is 'postgres'"),
        ({"instances": [{}, {**SECOND, "service": "a b"}]}, "instances[1].service is 'a b'"),
        ({"instances": [{}, {}]}, "instances[1] is the same server as datadog_mysql_user_instances[0]"),
        # The Agent uses TCP and the role the socket: they are still the same server.
        ({"instances": [{}, {"connection": {"host": "127.0.0.1"}, "name": "two"}]}, "by /run/mysqld/mysqld.sock, and"),
        ({"instances": [OTHERS, OTHERS]}, "instances[1] is the same server as datadog_mysql_user_instances[0], by db2"),
        ({"instances": [{**REMOTE, "dbm": True}]}, "instances[0].dbm is on for db2:3306. This role can neither"),
        (
            {"instances": [{**REMOTE, "host": "localhost"}]},
            "instances[0].host is 'localhost' for a server on",
        ),
        ({"instances": [{**REMOTE, "login_user": ""}]}, "is not this host. Set login_user and login_password"),
        ({"instances": [{**REMOTE, "login_password": ""}]}, "instances[0].login_password is missing"),
        ({"instances": [{**REMOTE, "login_password": "größe"}]}, "instances[0].login_password has a character outside"),
        (
            {"instances": [{**OTHERS, "login_user": "admin"}]},
            "login_user is for creating the account, which create: false",
        ),
        (
            {"instances": [{}, {**SECOND, "dbm_settings": {"max_digest_length": 1}}]},
            "instances[1].dbm_settings differ from those of datadog_mysql_user_instances[0]",
        ),
        (
            {
                "instances": [
                    {},
                    {"connection": {**USER["connection"], "only_custom_queries": True}, "password": "other-one"},
                ]
            },
            "instances[1] is the same server as datadog_mysql_user_instances[0], with another password",
        ),
    ],
)
def test_monitoring_user_problem_is_reported_once(changes: dict[str, Any], words: str) -> None:
    assert mysql_user_problems(USER) == []
    [problem] = mysql_user_problems({**USER, **changes})
    assert words in problem
    assert "geheim" not in problem
    assert "short'" not in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"agent_version": "7.61.0", "dbm_schemas": []},
        {"agent_version": "1:7.36.1-1", "flavour": "mysql"},
        {"dbm": "yes", "dbm_settings": {"performance_schema": "ON", "max_digest_length": "8192"}},
        {"dbm": False, "dbm_schemas": [5], "dbm_settings": 7, "agent_version": "6.0.0"},
        {"connection": {"host": "127.0.0.1", "port": "3306"}},
        {"connection": {"host": "DB1"}},
        {"connection": {"host": "10.0.0.1"}},
        {"users": [{"name": "datadog", "host": "%"}]},
        {"users": [{"name": "datadog"}], "instances": [SECOND]},
        {"databases": [{"name": "datadog"}], "instances": [SECOND]},
        {"instances": [{}, SECOND, REMOTE]},
        {"instances": [{}, OTHERS]},
        {"instances": [{}, {**SECOND, "connection": {"host": "127.0.0.1", "port": 3307}}]},
        {"instances": [{**OTHERS, "password": "another-one"}], "password": ""},
        {"instances": [{"login_user": "root", "login_password": "x"}]},
        {"instances": [{**SECOND, "max_connections": 1, "tags": ["a:b"], "privileges": {"shop.*": "SELECT"}}]},
        {"instances": [{}, {"connection": {**USER["connection"], "only_custom_queries": True}}]},
        {"options": {"table_size_metrics": True}, "privileges": {"shop.*": "SELECT"}},
        {"options": {"table_size_metrics": "no"}, "connection": {"sock": "/a", "collect_schemas": {"enabled": False}}},
        {"instances": [{**OTHERS, "options": {"table_size_metrics": True}}]},
    ],
)
def test_valid_servers(changes: dict[str, Any]) -> None:
    assert mysql_user_problems({**USER, **changes}) == []


def test_problem_of_a_shared_variable_is_reported_once() -> None:
    assert len(mysql_user_problems({**USER, "password": "", "instances": [{}, SECOND, OTHERS]})) == 1


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


@pytest.mark.parametrize("key", ["name", "password", "socket", "connection", "create", "login_user", "flavour", "dbm"])
@given(value=ANYTHING)
def test_no_type_of_any_key_of_an_item_crashes(key: str, value: Any) -> None:
    for item in ({key: value}, {**REMOTE, key: value}):
        assert all(isinstance(problem, str) for problem in mysql_user_problems({**USER, "instances": [{}, item]}))


@pytest.mark.parametrize("key", ["name", "password", "priv", "host"])
@given(value=ANYTHING)
def test_no_type_of_any_key_of_a_user_crashes(key: str, value: Any) -> None:
    problems = mysql_problems({**MYSQL, "users": [user(**{key: value})], "databases": [{"name": value}]})
    assert all(isinstance(problem, str) for problem in problems)
