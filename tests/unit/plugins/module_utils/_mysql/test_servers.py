# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the role plans each server, from its inputs and from the server's responses."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.accounts import salt
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.servers import plans, servers

INPUTS: dict[str, Any] = {
    "instances": [{}],
    "name": "datadog",
    "password": "geheim-geheim",
    "host": "localhost",
    "max_connections": 5,
    "socket": "/run/mysqld/mysqld.sock",
    "connection": {"sock": "/run/mysqld/mysqld.sock"},
    "options": {"replication": False},
    "tags": [],
    "privileges": {},
    "dbm": False,
    "dbm_schemas": ["shop"],
    "dbm_settings": {},
    "flavour": "mariadb",
    "own_names": ["db1"],
    "inventory_hostname": "h1",
}
MARIADB, MYSQL = "10.11.14-MariaDB-0+deb12u2", "9.7.4-0"
BY_SOCKET = {"host": "localhost", "sock": "/run/mysqld/mysqld.sock", "username": "datadog"}
# README and queries.py in integrations-core, mysql 15 and 16. MariaDB's names are those in SHOW PRIVILEGES.
BOTH = {"performance_schema.*": "SELECT", "mysql.innodb_index_stats": "SELECT"}


def described(*items: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    return servers({**INPUTS, **changes, "instances": list(items or [{}])})


def answer(version: str = MARIADB, log_bin: Any = 0, **held: Any) -> tuple[list[list[dict[str, Any]]], str]:
    """Return a server's responses about itself, its procedures, the account, and the account's privileges."""
    account = [{"name": "datadog", "host": "localhost", "ours": held.get("ours", 0)}] if held else []
    rows = [{"grantee": "'datadog'@'localhost'", "place": place, "held": right, "grants": "NO"}
            for place, right in held.get("rights", [])]  # fmt: skip
    return [[{"version": version, "log_bin": log_bin}], [{"procedures": 2}], account, rows, [], [], [], []], ""


def planned(said: Any, *items: dict[str, Any], **changes: Any) -> dict[str, Any]:
    [plan] = plans(described(*items, **changes), [said])
    return plan


@pytest.mark.parametrize(
    ("connection", "instance"),
    [
        # config.py requires a host; user_time, kernel_time and cpu_time need `localhost`.
        ({"sock": "/run/mysqld/mysqld.sock"}, BY_SOCKET),
        ({"sock": "/a", "host": "127.0.0.1"}, {"host": "127.0.0.1", "sock": "/a", "username": "datadog"}),
        # Without a port, mysql.can_connect would have the tag `port:unix_socket`.
        ({"host": "db1"}, {"host": "db1", "username": "datadog", "port": 3306}),
        ({"host": "db1", "port": "3307"}, {"host": "db1", "username": "datadog", "port": 3307}),
    ],
)
def test_integration_accepts_the_instance(connection: dict[str, Any], instance: dict[str, Any]) -> None:
    [server] = described(connection=connection, options={})
    assert server["instance"] == instance


def test_instance_has_options_tags_and_dbm_if_set() -> None:
    [server] = described({"dbm": True, "tags": ["a:b"]})
    assert server["instance"] == {**BY_SOCKET, "options": {"replication": False}, "tags": ["a:b"], "dbm": True}
    assert (server["max_connections"], server["schemas"]) == (10, ["shop"])


def test_server_contains_no_secrets() -> None:
    item = {"password": "geheim-2", "login_user": "admin", "login_password": "geheim-3", "connection": {"host": "db2"}}
    assert "geheim" not in str(described({}, item))


def test_item_overrides_the_shared_variables() -> None:
    first, second = described({}, {"name": "dd2", "socket": "/run/second.sock", "service": "mariadb@second"})
    assert (first["label"], second["label"]) == ("datadog at /run/mysqld/mysqld.sock", "dd2 at /run/second.sock")
    assert second["instance"]["sock"] == second["login"]["socket"] == second["user"]["socket"] == "/run/second.sock"
    # The shared variable's schemas only apply to the server that the shared variables describe.
    assert (first["schemas"], second["schemas"]) == (["shop"], [])
    assert not first["remote"] and not second["remote"]


def test_remote_server_is_reached_by_tcp_as_both_accounts() -> None:
    item = {"connection": {"host": "db2", "ssl": {"ca": "/ca.pem"}}, "login_user": "admin", "host": "10.%"}
    [server] = described(item)
    assert (server["remote"], server["create"]) == (True, True)
    for who, name in (("login", "admin"), ("user", "datadog")):
        login = server[who]
        assert (login["user"], login["socket"], login["host"], login["port"]) == (name, None, "db2", 3306)
        assert login["tls"] == {"ca": "/ca.pem"}


def test_unmanaged_account_is_only_used_to_log_in() -> None:
    [server] = described({"connection": {"host": "db2"}, "create": False})
    assert server["login"] == server["user"] and not server["create"]
    # root's own settings do not apply to that login.
    assert server["login"]["files"] is False
    [plan] = plans([server], [([[{"version": MYSQL, "log_bin": 1}], [{"procedures": 0}]], "")])
    assert (plan["problem"], plan["procedures"]) == ("", 0)


def test_root_uses_the_socket_even_if_the_agent_uses_tcp() -> None:
    [server] = described(connection={"host": "127.0.0.1"})
    assert (server["login"]["socket"], server["login"]["user"]) == ("/run/mysqld/mysqld.sock", None)
    assert (server["user"]["socket"], server["user"]["host"]) == (None, "127.0.0.1")


def test_salt_depends_on_the_host_or_the_remote_server() -> None:
    item = {"connection": {"host": "db2"}, "login_user": "admin"}
    assert described()[0]["salt"] == salt("h1", "datadog")
    assert described(item)[0]["salt"] == described(item, inventory_hostname="h2")[0]["salt"]


@pytest.mark.parametrize(
    ("version", "sha2", "privileges"),
    [
        ("5.7.44-log", False, {"*.*": "PROCESS,REPLICATION CLIENT", **BOTH}),
        ("8.0.43-0ubuntu0.22.04.1", True, {"*.*": "PROCESS,REPLICATION CLIENT", **BOTH}),
        ("8.4.7-0ubuntu0.26.04.1", True, {"*.*": "PROCESS,REPLICATION CLIENT", **BOTH}),
        (MYSQL, True, {"*.*": "PROCESS,REPLICATION CLIENT", **BOTH}),
        ("10.4.34-MariaDB", False, {"*.*": "PROCESS,REPLICATION CLIENT", **BOTH}),
        ("10.6.22-MariaDB-0ubuntu0.22.04.1", False, {"*.*": "PROCESS,BINLOG MONITOR,SLAVE MONITOR", **BOTH}),
        (MARIADB, False, {"*.*": "PROCESS,BINLOG MONITOR,SLAVE MONITOR", **BOTH}),
        ("11.8.3-MariaDB-0+deb13u1 from Debian", False, {"*.*": "PROCESS,BINLOG MONITOR,SLAVE MONITOR", **BOTH}),
    ],
)
def test_privileges_and_login_depend_on_the_server(version: str, sha2: bool, privileges: dict[str, str]) -> None:
    plan = planned(answer(version))
    assert (plan["sha2"], plan["privileges"]) == (sha2, privileges)


def test_additional_privileges_are_added() -> None:
    plan = planned(answer(), privileges={"shop.*": "SELECT", "performance_schema.*": "UPDATE"})
    assert plan["privileges"]["shop.*"] == "SELECT"
    assert plan["privileges"]["performance_schema.*"] == "SELECT,UPDATE"


def test_database_monitoring_adds_execute() -> None:
    assert {
        "datadog.*": "EXECUTE",
        "PROCEDURE shop.explain_statement": "EXECUTE",
    }.items() <= planned(answer(), dbm=True)["privileges"].items()


@pytest.mark.parametrize(
    ("version", "log_bin", "there", "missing"),
    [
        # queries.py, show_replica_status_query.
        (MYSQL, 1, "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"),
        ("8.0.21", 1, "SHOW SLAVE STATUS", "SHOW REPLICA STATUS"),
        (MARIADB, 0, "SHOW REPLICA STATUS", "SHOW SLAVE STATUS"),
        ("10.5.0-MariaDB", 0, "SHOW SLAVE STATUS", "SHOW REPLICA STATUS"),
        # mysql.py queries the logs if log_bin is on; without the privilege, that is an error.
        (MYSQL, 1, "SHOW BINARY LOGS", "CALL datadog.explain_statement('SELECT 1')"),
        (MARIADB, "ON", "SHOW BINARY LOGS", "USE `shop`"),
        (MARIADB, 0, "SHOW GLOBAL STATUS", "SHOW BINARY LOGS"),
    ],
)
def test_statements_are_the_integrations(version: str, log_bin: Any, there: str, missing: str) -> None:
    statements = planned(answer(version, log_bin))["statements"]
    assert there in statements and missing not in statements


@pytest.mark.parametrize(
    ("right", "words"),
    [
        ("none", ["SHOW GLOBAL VARIABLES", "SHOW GLOBAL STATUS", "information_schema.ENGINES", "PLUGINS"]),
        ("PROCESS", ["SHOW ENGINE INNODB STATUS", "information_schema.INNODB_METRICS"]),
        ("REPLICATION CLIENT", ["SHOW BINARY LOGS", "SHOW REPLICA STATUS"]),
        ("SELECT on performance_schema", ["performance_schema.threads", "table_io_waits_summary_by_index_usage"]),
        ("SELECT on mysql.innodb_index_stats", ["FROM mysql.innodb_index_stats"]),
        (
            "EXECUTE on datadog",
            ["CALL datadog.enable_events", "CALL datadog.explain_statement("],
        ),
        ("EXECUTE on the schema's procedure", ["CALL `shop`.explain_statement('SELECT 1')"]),
    ],
)
def test_every_privilege_is_tested_by_a_statement(right: str, words: list[str]) -> None:
    statements = planned(answer(MYSQL, 1), dbm=True)["statements"]
    assert [word for word in words if not any(word in statement for statement in statements)] == [], right


OWN = [("*.*", "PROCESS"), ("performance_schema.*", "SELECT"), ("datadog.*", "EXECUTE")]


@pytest.mark.parametrize(
    ("held", "changes"),
    [
        ({}, {}),
        # The role revokes privileges that it granted with other inputs.
        ({"rights": [*OWN, ("PROCEDURE old.explain_statement", "Execute")]}, {}),
        ({"rights": [("shop.*", "SELECT")]}, {"privileges": {"shop.*": "SELECT"}}),
        ({"rights": [("shop.*", "ALL")], "ours": 1}, {}),
    ],
)
def test_account_that_may_be_changed(held: dict[str, Any], changes: dict[str, Any]) -> None:
    assert planned(answer(**held), **changes)["problem"] == ""


def test_foreign_account_with_more_privileges_is_refused_with_the_fix() -> None:
    problem = planned(answer(rights=[*OWN, ("*.*", "SUPER"), ("shop.*", "DELETE")]))["problem"]
    assert "an account 'datadog'@'localhost' that Kennel did not create" in problem
    assert "would lose SUPER on *.*; DELETE on shop.*" in problem
    assert "datadog_mysql_user_name" in problem and "datadog_mysql_user_privileges" in problem


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({}, "Check that path"),
        ({"login_user": "admin", "connection": {"host": "db2"}}, "Check login_user and login_password"),
        ({"create": False, "connection": {"host": "db2"}}, "account that others created"),
    ],
)
def test_unreachable_server_is_reported_with_the_fix(item: dict[str, Any], words: str) -> None:
    [plan] = plans(described(item), [(None, "Can't connect")])
    assert plan["answered"] is False
    assert plan["problem"].startswith("refuses the role's login: Can't connect.") and words in plan["problem"]


def test_failed_statement_is_not_shown_because_it_has_hashes() -> None:
    said = "Cannot execute SQL 'SELECT ... = '*ABCDEF'' args [None]: (1142, 'SELECT command denied')"
    [plan] = plans(described(), [(None, said)])
    assert "ABCDEF" not in plan["problem"] and "(1142, 'SELECT command denied')" in plan["problem"]


@pytest.mark.parametrize(("flavour", "service"), [("mariadb", "mariadb"), ("mysql", "mysql")])
def test_check_mode_assumes_the_expected_server(flavour: str, service: str) -> None:
    plan = plans(described(flavour=flavour), [(None, "")])[0]
    assert (plan["service"], plan["procedures"]) == (service, 0)


def test_unit_of_an_item_is_restarted() -> None:
    assert planned(answer(), {"service": "mariadb@second"})["service"] == "mariadb@second"
