# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The servers that the Agent of a host monitors: their description, and the plan after they have been queried. Pure.

A server is a dictionary without secrets, which tasks may loop over and show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from . import dbm as mysql_dbm
from .accounts import beyond, described, held_rights, parse_rights, salt

# The single variables that an item of datadog_mysql_user_instances may override.
_SHARED = "name password host max_connections socket connection options tags privileges dbm dbm_schemas dbm_settings"
SHARED = tuple(_SHARED.split())
# What describes one server, and has no single variable.
OF_AN_ITEM = ("flavour", "service", "create", "login_user", "login_password")
# Hosts for which the integration considers the server local (mysql.py, _collect_system_metrics).
LOCAL = ("localhost", "127.0.0.1", "0.0.0.0", "::1")
PORT = 3306
# One connection for the check, and one for each job of Database Monitoring.
DBM_CONNECTIONS = 10

# Queries that each server answers about itself.
ABOUT = (
    "SELECT VERSION() AS version, @@log_bin AS log_bin",
    f"SELECT COUNT(*) AS procedures FROM information_schema.ROUTINES WHERE ROUTINE_COMMENT LIKE '{mysql_dbm.MARK} %'",
)
# Privileges that the role itself may have granted earlier, with any inputs. It revokes them silently.
_OWN_RIGHTS = {
    "*.*": {"PROCESS", "REPLICATION CLIENT", "BINLOG MONITOR", "SLAVE MONITOR"},
    "performance_schema.*": {"SELECT"},
    "mysql.innodb_index_stats": {"SELECT"},
    "datadog.*": {"EXECUTE"},
}
_EXPLAINING = ".explain_statement"


def is_true(value: Any) -> bool:
    """Whether Ansible considers this true."""
    return str(value).lower() in ("true", "yes", "on", "1", "t", "y")


def merged(inputs: Mapping[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of one server: the single variables, overridden by the item."""
    # Null is the same as unset.
    item = {key: value for key, value in item.items() if value is not None}
    values = {key: item.get(key, inputs.get(key)) for key in (*SHARED, *OF_AN_ITEM)}
    values["create"] = is_true(item.get("create", True))
    values["dbm"] = is_true(values["dbm"])
    connection = values["connection"] if isinstance(values["connection"], dict) else {}
    if "connection" not in item and "socket" in item and connection.get("sock") == inputs.get("socket"):
        connection = {**connection, "sock": item["socket"]}
    values["connection"] = connection
    if "dbm_schemas" not in item and place(values) != str(inputs.get("socket")):
        # The single variable lists the schemas of the server that the single variables describe.
        values["dbm_schemas"] = []
    values["flavour"] = values["flavour"] or inputs.get("flavour")
    if values["dbm"] and "max_connections" not in item and str(values["max_connections"]).isdecimal():
        values["max_connections"] = max(int(str(values["max_connections"])), DBM_CONNECTIONS)
    return values


def address(connection: Mapping[str, Any]) -> str:
    """Return the address of a server in readable form."""
    return str(connection.get("sock") or f"{connection.get('host')}:{connection.get('port') or PORT}")


def place(values: Mapping[str, Any]) -> str:
    """Return what identifies a server: where the user is created, regardless of how the Agent connects."""
    connection = values["connection"]
    by_tcp = values["login_user"] and not connection.get("sock")
    return str(values["socket"]) if values["create"] and not by_tcp else address(connection)


def is_remote(values: Mapping[str, Any], own_names: Iterable[str] = ()) -> bool:
    """Whether the server is on a different host than the Agent."""
    connection = values["connection"]
    host = str(connection.get("host") or "").casefold()
    local = {*LOCAL, *(str(name).casefold() for name in own_names)}
    return bool(host) and not connection.get("sock") and host not in local


def servers(inputs: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe each server of inputs without problems.

    INPUTS are the single variables without their prefix, `instances`, the expected `flavour`, the host's `own_names`
    and its `inventory_hostname`.
    """
    result = []
    for item in inputs["instances"]:
        values = merged(inputs, item)
        connection = dict(values["connection"])
        sock, remote = connection.get("sock"), is_remote(values, inputs["own_names"])
        if sock:
            # The integration requires a host, by which it considers a server local. It uses the socket.
            connection = {"host": "localhost", **connection}
        else:
            connection["port"] = int(connection.get("port") or PORT)
        where = address(connection)
        by_tcp = {"host": None if sock else connection["host"], "port": None if sock else connection["port"]}
        user = {**by_tcp, "user": values["name"], "socket": sock, "files": False, "tls": connection.get("ssl") or {}}
        admin = {"user": values["login_user"], "socket": values["socket"], "host": None, "port": None, "tls": {}}
        if values["login_user"] and not sock:
            admin |= {**by_tcp, "socket": None, "tls": user["tls"]}
        # Hosts that share a remote server must use the same salt.
        salted = where if remote else str(inputs["inventory_hostname"])
        result.append(
            {
                "label": f"{values['name']} at {where}",
                "name": values["name"],
                "host": values["host"],
                "create": values["create"],
                "remote": remote,
                "max_connections": int(values["max_connections"]),
                "flavour": values["flavour"],
                "service": values["service"],
                "dbm": values["dbm"],
                "schemas": list(values["dbm_schemas"]) if isinstance(values["dbm_schemas"], (list, tuple)) else [],
                "settings": values["dbm_settings"] if isinstance(values["dbm_settings"], dict) else {},
                "privileges": dict(values["privileges"] or {}),
                "login": {**admin, "files": True} if values["create"] else user,
                "user": user,
                "salted": salted,
                "salt": salt(salted, values["name"]),
                "instance": {
                    **connection,
                    "username": values["name"],
                    **({"options": values["options"]} if values["options"] else {}),
                    **({"tags": values["tags"]} if values["tags"] else {}),
                    **({"dbm": True} if values["dbm"] else {}),
                },
            }
        )
    return result


def plans(
    known: list[dict[str, Any]], answers: list[tuple[list[list[dict[str, Any]]] | None, str]]
) -> list[dict[str, Any]]:
    """Return the plan for each server, from its results of `ABOUT` and `account_questions`.

    :arg answers: rows and an empty text or, for a server that did not answer, None and the error.
    """
    return [_plan(server, *answer) for server, answer in zip(known, answers, strict=True)]


def _plan(server: dict[str, Any], rows: list[list[dict[str, Any]]] | None, said: str) -> dict[str, Any]:
    about = rows[0][0] if rows else {}
    name, numbers = mysql_dbm.flavour(str(about.get("version", "")))
    # Only check mode continues without an answer.
    mariadb = name == "MariaDB" if rows else server["flavour"] == "mariadb"
    privileges = _privileges(server, mariadb, numbers if rows else (99,))
    accounts = held_rights(rows[2:]) if rows and server["create"] else {}
    # The statement contains hashes of passwords: show only the server's message.
    away = f"refuses the role's login: {said.rpartition(']: ')[2]}. {_look_at(server)}"
    return {
        # The authentication plugin that is MySQL's default since 8.0. MariaDB has no alternative to its default that
        # every supported PyMySQL knows.
        "sha2": not mariadb and (not rows or numbers >= (8,)),
        "folder": "/etc/mysql/mariadb.conf.d" if mariadb else "/etc/mysql/mysql.conf.d",
        "service": server["service"] or ("mariadb" if mariadb else "mysql"),
        "procedures": int(rows[1][0]["procedures"]) if rows and server["create"] else 0,
        "privileges": privileges,
        "statements": _statements(server, mariadb, numbers, str(about.get("log_bin", 0)) in ("1", "ON")),
        "problem": _problem(server, accounts, privileges) if rows else away,
        "answered": rows is not None,
    }


def _look_at(server: dict[str, Any]) -> str:
    if not server["create"]:
        return "Check the account that others created there: its name, its password, and the hosts it may log in from."
    if server["login"]["user"]:
        return "Check login_user and login_password."
    return "The account root logs in through datadog_mysql_user_socket. Check that path."


def _privileges(server: dict[str, Any], mariadb: bool, numbers: tuple[int, ...]) -> dict[str, str]:
    """Return the privileges of the integration's user, which `_statements` needs.

    integrations-core, mysql 15 and 16, README and queries.py; MariaDB's names from `SHOW PRIVILEGES`, 10.5 on.
    """
    # MariaDB split REPLICATION CLIENT in 10.5. Database Monitoring needs only these.
    monitoring = "BINLOG MONITOR,SLAVE MONITOR" if mariadb and numbers >= (10, 5) else "REPLICATION CLIENT"
    wanted = {
        "*.*": [f"PROCESS,{monitoring}"],
        "performance_schema.*": ["SELECT"],
        "mysql.innodb_index_stats": ["SELECT"],
    }
    if server["dbm"]:
        wanted["datadog.*"] = ["EXECUTE"]
        # In the schemas of the application, one procedure and nothing else.
        wanted |= {f"PROCEDURE {schema}{_EXPLAINING}": ["EXECUTE"] for schema in server["schemas"]}
    for place, rights in server["privileges"].items():
        wanted.setdefault(str(place), []).append(str(rights))
    return {place: ",".join(rights) for place, rights in wanted.items()}


def _problem(server: dict[str, Any], accounts: dict[Any, Any], privileges: dict[str, str]) -> str:
    """Return why the account must not be touched, or an empty text."""
    ours, held = accounts.get((server["name"], server["host"].lower()), (True, {}))
    if ours:
        return ""
    text = "/".join(f"{place}:{rights}" for place, rights in privileges.items())
    asked = parse_rights("", text)[0]
    for place, rights in _OWN_RIGHTS.items():
        asked.setdefault(place, set()).update(rights)
    left = {
        place: rights
        for place, rights in beyond(held, asked).items()
        if not (place.startswith("procedure ") and place.endswith(_EXPLAINING) and rights == {"EXECUTE"})
    }
    if not left:
        return ""
    return (
        f"has an account '{server['name']}'@'{server['host']}' that Kennel did not create, and that would lose "
        f"{described(left)}. Set datadog_mysql_user_name to another name, list these privileges in "
        "datadog_mysql_user_privileges, or revoke them yourself."
    )


def _statements(server: dict[str, Any], mariadb: bool, numbers: tuple[int, ...], binary_log: bool) -> list[str]:
    """Return statements of the integration, each of which needs a different privilege.

    integrations-core, mysql 15 and 16: mysql.py, queries.py, index_metrics.py, and for Database Monitoring
    statements.py, statement_samples.py, activity.py.
    """
    replica = "SHOW REPLICA STATUS" if numbers >= ((10, 5, 1) if mariadb else (8, 0, 22)) else "SHOW SLAVE STATUS"
    schema = "performance_schema"
    statements = [
        "SHOW GLOBAL VARIABLES",
        "SHOW GLOBAL STATUS",
        "SELECT engine FROM information_schema.ENGINES WHERE engine = 'InnoDB'",
        "SHOW ENGINE INNODB STATUS",
        # Fails without a binary log; the integration then skips it.
        *(["SHOW BINARY LOGS"] if binary_log else []),
        "SELECT `count` FROM information_schema.INNODB_METRICS WHERE name = 'lock_deadlocks'",
        f"SELECT COUNT(processlist_user) FROM {schema}.threads",
        "SELECT database_name, table_name, index_name, stat_value FROM mysql.innodb_index_stats LIMIT 1",
        "SELECT object_schema, object_name, index_name, count_read, count_update, count_delete "
        f"FROM {schema}.table_io_waits_summary_by_index_usage LIMIT 1",
        replica,
        "SELECT plugin_status FROM information_schema.PLUGINS WHERE plugin_name = 'group_replication'",
        f"SELECT COUNT(*) FROM {schema}.events_statements_summary_by_digest",
    ]
    if not server["dbm"]:
        return statements
    tables = ["events_statements_current", "events_statements_history", "events_statements_history_long"]
    tables += ["events_waits_current", "events_waits_summary_global_by_event_name", "prepared_statements_instances"]
    if not mariadb:
        tables += ["events_errors_summary_global_by_error", "global_variables"]
    return [
        *statements,
        "CALL datadog.enable_events_statements_consumers()",
        f"SELECT name FROM {schema}.setup_consumers",
        *(f"SELECT COUNT(*) FROM {schema}.{table}" for table in tables),
        # The Agent requests plans in the schema where the statement ran.
        "CALL datadog.explain_statement('SELECT 1')",
        *(f"USE `{name}`" for name in server["schemas"]),
        *(f"CALL `{name}`{_EXPLAINING}('SELECT 1')" for name in server["schemas"]),
    ]
