# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role datadog_mysql_user: problems with them, and the servers that they describe. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .._mysql.accounts import name_problem, parse_rights, password_problem
from .._mysql.dbm import lacking
from .._mysql.integration import connection_problems, needing_tables, options_problems
from .._mysql.servers import LOCAL, OF_AN_ITEM, SHARED, address, is_remote, merged, place, servers
from .._secrets.names import secret_places
from .checked import Checked, Host
from .mysql import HOST, found, shared_account
from .rules import is_between, is_host, socket_problems, tags_problems
from .specification import shown

_SCHEMA = re.compile(r"[A-Za-z0-9_$-]{1,64}\Z")
_OWN_SCHEMAS = ("datadog", "information_schema", "mysql", "performance_schema", "sys")
_OLDEST_AGENT = {"mysql": "7.36.1", "mariadb": "7.61.0"}
_PREFIX = "datadog_mysql_user_"
# What two items for one server must agree on; otherwise each run would undo changes.
_OF_THE_SERVER = ("name", "host", "password", "max_connections", "privileges", "dbm", "dbm_schemas", "dbm_settings")


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: in addition to the inputs, ``servers``, as `_mysql.servers.servers` describes them, and ``pending``, the
        settings that the role mysql writes before and restarts the server with.
    """
    inputs = {**inputs, **_context(host)}
    if problems := _problems(inputs):
        return Checked(problems)
    known = servers(inputs)
    # Servers on other hosts report under their own names.
    local = any(item["user"]["socket"] or item["user"]["host"] in LOCAL for item in known)
    expects = {
        "present": ["mysql.net.connections", "mysql.performance.queries"],
        "service_checks": ["mysql.can_connect"],
    }
    of_mysql = host.others.get("mysql", {})
    pending = {**of_mysql.get("monitoring_settings", {}), **of_mysql.get("settings", {})}
    return Checked([], {"servers": known, "pending": pending}, expects if local else {})


def _context(host: Host) -> dict[str, Any]:
    """Return what the inputs of the role mysql and the host's facts tell about its server."""
    facts, variables = host.facts, host.variables
    names = [facts.get(name) or "" for name in ("hostname", "fqdn", "nodename")]
    return {
        "server": variables.get("mysql_settings", {}),
        "users": variables.get("mysql_users", []),
        "databases": variables.get("mysql_databases", []),
        # Until the server can be queried: what the role mysql installs, or else the distribution's default.
        "flavour": variables.get("mysql_flavour") or ("mysql" if facts.get("distribution") == "Ubuntu" else "mariadb"),
        "own_names": [*names, *facts.get("all_ipv4_addresses", ()), *facts.get("all_ipv6_addresses", ())],
        "inventory_hostname": host.name,
    }


def _problems(inputs: dict[str, Any]) -> list[str]:
    variable = f"{_PREFIX}instances"
    items = inputs["instances"]
    problems: list[str] = []
    if not isinstance(items, (list, tuple)) or not items:
        problems = [f"{variable} is not a list with at least one item. Write [{{}}] for the server of this host."]
        items = [{}]
    known = []
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            problems.append(f"{variable}[{number}] is not a dictionary. Write one whose keys are the single variables.")
            continue
        strange = sorted(str(key) for key in item if key not in (*SHARED, *OF_AN_ITEM))
        problems += [
            f"{variable}[{number}].{key} is not a known key. Use one of {', '.join(SHARED + OF_AN_ITEM)}."
            for key in strange
        ]

        def named(key: str, number: int = number, item: dict[str, Any] = item) -> str:
            return f"{variable}[{number}].{key}" if key in item or key in OF_AN_ITEM else f"{_PREFIX}{key}"

        values = merged(inputs, item)
        problems += _server(values, named, inputs)
        known.append((f"{variable}[{number}]", values))
    # A problem with a single variable occurs for each item.
    return list(dict.fromkeys(problems + _together(known)))


def _server(values: dict[str, Any], named: Callable[[str], str], inputs: dict[str, Any]) -> list[str]:
    """Return problems with one server."""
    problems = []
    name = values["name"]
    if not re.fullmatch(r"[A-Za-z0-9_]{1,32}", str(name)):
        problems.append(f"{named('name')} {name!r} is not a user name. Use up to 32 letters, digits and underscores.")
    problems += found([name_problem(named("name"), str(name))] if not problems else [])
    problems += _password(named("password"), values["password"])
    if not isinstance(values["host"], str) or not HOST.match(values["host"]):
        problems.append(
            f"{named('host')} is {values['host']!r}. Write localhost, or the host that the Agent logs in from."
        )
    if not is_between(values["max_connections"], 1, 10**9):
        # For servers, 0 means no limit.
        problems.append(f"{named('max_connections')} is {values['max_connections']!r}. Write a whole number above 0.")
    problems += socket_problems(named("socket"), values["socket"])
    given = inputs["connection"] if named("connection") == f"{_PREFIX}connection" else values["connection"]
    way = connection_problems(named("connection"), given) + _way(named("connection"), given)
    problems += way
    problems += [
        f"{named('connection')}.{place} is a secret. Remove it, since the password has its own variable."
        for place in secret_places(values["connection"])
        if place not in ("password", "pass")
    ]
    problems += options_problems(named("options"), values["options"])
    problems += tags_problems(named("tags"), values["tags"])
    problems += _privileges(named("privileges"), values["privileges"])
    if values["create"] and values["privileges"] == {}:
        problems += [
            f"{named(variable)}.{name} only shows tables on which the user has a privilege. Grant one in "
            f"{named('privileges')}, for example {{shop.*: SELECT}}."
            for variable, name in needing_tables(values["connection"], values["options"])
        ]
    if values["flavour"] not in ("mysql", "mariadb"):
        # The same message as that of the role mysql, which may not apply to this host.
        variable = "mysql_flavour" if values["flavour"] == inputs["flavour"] else named("flavour")
        problems.append(f"{variable} is {shown(values['flavour'])}. Write mariadb or mysql.")
    if values["service"] is not None and not re.fullmatch(r"[A-Za-z0-9@_.:-]+", str(values["service"])):
        problems.append(
            f"{named('service')} is {values['service']!r}. Write the server's unit, such as mariadb@second."
        )
    problems += [] if way else _login(values, named, inputs)
    if place(values) == str(inputs["socket"]):
        problems += shared_account(inputs["users"], name, values["host"])
    if not values["dbm"]:
        return problems
    if not way and values["create"] and is_remote(values, _names(inputs)):
        return [
            *problems,
            f"{named('dbm')} is on for {address(values['connection'])}. This role can neither configure nor restart a "
            "server on another host. Prepare it there and set create: false in its item, or dbm: false.",
        ]
    return problems + _dbm(values, named, inputs)


def _way(variable: str, connection: Any) -> list[str]:
    """Return problems with the socket or host of a connection, if they are strings at all."""
    sock, host = (connection.get(key) if isinstance(connection, dict) else None for key in ("sock", "host"))
    problems = (
        socket_problems(f"{variable}.sock", sock) if sock and isinstance(sock, str) and sock.isprintable() else []
    )
    if host and isinstance(host, str) and host.isprintable() and not is_host(host):
        problems.append(f"{variable}.host is {host!r}. Write a host's name or address, and the port as port.")
    return problems


def _names(inputs: dict[str, Any]) -> list[Any]:
    return list(inputs["own_names"]) if isinstance(inputs["own_names"], (list, tuple)) else []


def _password(variable: str, password: Any) -> list[str]:
    problem = password_problem(variable, password, read_by="the Agent, with PyMySQL,")
    if problem:
        return [problem]
    if password.startswith("ENC["):
        return [f"{variable} is ENC[...], which only the Agent can resolve. Set the password itself, from a vault."]
    if "%%env_" in password:
        # datadog-agent 7.84, configresolver.go.
        return [f"{variable} contains %%env_, which the Agent replaces with an environment variable. Change it."]
    return []


def _privileges(variable: str, privileges: Any) -> list[str]:
    if not isinstance(privileges, dict):
        return [f"{variable} is not a dictionary. Write one such as {{shop.*: SELECT}}."]
    return [
        problem for place, rights in privileges.items() for problem in parse_rights(variable, f"{place}:{rights}")[1]
    ]


def _login(values: dict[str, Any], named: Callable[[str], str], inputs: dict[str, Any]) -> list[str]:
    """Return problems with how the Agent and the role reach the server."""
    connection = values["connection"]
    host = connection.get("host")
    if connection.get("sock") and host is not None and host not in LOCAL:
        return [f"{named('connection')} has a socket, and the host {host!r}. Write localhost, or remove one of them."]
    user, password = values["login_user"], values["login_password"]
    if not values["create"]:
        return [
            f"{named(key)} is for creating the account, which create: false leaves to others. Remove one of them."
            for key in ("login_user", "login_password")
            if values[key]
        ]
    remote = is_remote(values, _names(inputs))
    if remote and not user:
        return [
            f"{named('connection')}.host is {host!r}, which is not this host. Set login_user and login_password of an "
            "account there that may create the user, in datadog_mysql_user_instances, or create: false if others do."
        ]
    if remote and str(values["host"]).lower() in LOCAL:
        return [
            f"{named('host')} is {values['host']!r} for a server on another host. Write the host that the Agent logs "
            "in from, as that server sees it, such as '%'."
        ]
    # On the host itself, root may log in through the socket without a password.
    if password or remote:
        return found([password_problem(named("login_password"), password, read_by="PyMySQL", least=1)])
    return []


def _together(known: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return conflicts between servers that have no problems of their own."""
    problems = []
    for number, (item, values) in enumerate(known):
        for other, first in known[:number]:
            if place(values) != place(first):
                continue
            if not any(each["connection"].get("only_custom_queries") for each in (values, first)):
                problems.append(
                    f"{item} is the same server as {other}, by {place(values)}, and would be counted twice. Give it "
                    "the socket or host of another server, or remove it."
                )
            elif differing := _differ(values, first, _OF_THE_SERVER):
                problems.append(f"{item} is the same server as {other}, with another {differing[0]}. Make them equal.")
    with_dbm = [(item, values) for item, values in known if values["dbm"] and values["create"]]
    return problems + [
        f"{item}.dbm_settings differ from those of {with_dbm[0][0]}, but go into the same file. Make them equal."
        for item, values in with_dbm[1:]
        if values["flavour"] == with_dbm[0][1]["flavour"] and _differ(values, with_dbm[0][1], ("dbm_settings",))
    ]


def _differ(one: dict[str, Any], other: dict[str, Any], keys: tuple[str, ...]) -> list[str]:
    return [key for key in keys if one[key] != other[key]]


def _dbm(values: dict[str, Any], named: Callable[[str], str], inputs: dict[str, Any]) -> list[str]:
    """Return what prevents Database Monitoring from being enabled."""
    problems = []
    schemas, settings = values["dbm_schemas"], values["dbm_settings"]
    databases = inputs["databases"] if isinstance(inputs["databases"], (list, tuple)) else ()
    theirs = [str(item.get("name")).lower() for item in databases if isinstance(item, dict)]
    # The role mysql creates them on the server of the single variables.
    if "datadog" in theirs and place(values) == str(inputs["socket"]):
        problems.append(
            f"mysql_databases has datadog, a schema that {_PREFIX}dbm creates and removes. Remove it, or set "
            f"{_PREFIX}dbm to false."
        )
    if not isinstance(schemas, (list, tuple)):
        problems.append(f"{named('dbm_schemas')} is not a list. Write the names of the application's schemas.")
        schemas = []
    for name in schemas:
        if not isinstance(name, str) or not _SCHEMA.match(name):
            problems.append(
                f"{named('dbm_schemas')}: {name!r} is not a valid schema name. Use up to 64 letters, "
                "digits, _, $ and -."
            )
        elif name.lower() in _OWN_SCHEMAS and not (name.lower() == "datadog" and problems):
            problems.append(f"{named('dbm_schemas')}: {name!r} is not a schema of an application. Remove it.")
    return problems + _settings(settings, named("dbm_settings"), inputs) + _agent(values, named, inputs)


def _settings(settings: Any, variable: str, inputs: dict[str, Any]) -> list[str]:
    if not isinstance(settings, dict):
        return [f"{variable} is not a dictionary. Write each as 'name: value'."]
    problems = []
    server = inputs["server"] if isinstance(inputs["server"], dict) else {}
    given = {str(name).replace("-", "_"): str(value) for name, value in server.items()}
    for name, value in settings.items():
        if not re.match(r"(performance_schema|max_digest_length)[a-z_]*\Z", str(name)):
            problems.append(f"{variable}.{name} does not belong here. Move it to mysql_settings.")
        elif not is_between(value, 0, 10**9) and str(value) not in ("ON", "OFF"):
            problems.append(f"{variable}.{name} is {value!r}. Write a whole number, or ON or OFF in quotes.")
        elif name in given and lacking({name: value}, given):
            problems.append(f"mysql_settings.{name} is {given[name]}, which overrides {variable}. Remove it.")
    return problems


def _agent(values: dict[str, Any], named: Callable[[str], str], inputs: dict[str, Any]) -> list[str]:
    oldest = _OLDEST_AGENT.get(str(values["flavour"]), "7.36.1")
    pinned = re.match(r"(?:[0-9]+:)?([0-9]+)\.([0-9]+)\.([0-9]+)", str(inputs["agent_version"]))
    if not pinned or tuple(map(int, pinned.groups())) >= tuple(map(int, oldest.split("."))):
        return []
    return [
        f"{named('dbm')} needs Agent {oldest} on {values['flavour']}. Increase datadog_agent_version, "
        f"which is {inputs['agent_version']}, or set {named('dbm')} to false."
    ]
