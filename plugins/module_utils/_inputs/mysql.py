# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role mysql: problems with them, and the unit and settings file of the server. Pure."""

from __future__ import annotations

import re
from typing import Any

from .._mysql.accounts import name_problem, parse_rights, password_problem, schema_problem
from .checked import Checked, Host
from .rules import socket_problems
from .specification import shown

# MySQL manual 8.4, "Specifying Account Names": names, addresses, wildcards and netmasks; 255 characters.
HOST = re.compile(r"[A-Za-z0-9_.:%/-]{1,255}\Z")
# Names in option files, "Using Option Files": with dashes or underscores, prefixes such as loose-, and dots after the
# name of a component.
_SETTING = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*\Z")
# Debian Policy 5.6.1, followed by the architecture and version that apt accepts.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9-]+)?(=[A-Za-z0-9][A-Za-z0-9.+~:-]*)?\Z")
# Unit and settings file with Debian's and Ubuntu's packages, by flavour. The server reads this file after those of the
# distribution in the same folder, so its settings take precedence.
FLAVOURS = {
    "mariadb": {"service": "mariadb", "settings_file": "/etc/mysql/mariadb.conf.d/zz-kennel.cnf"},
    "mysql": {"service": "mysql", "settings_file": "/etc/mysql/mysql.conf.d/zz-kennel.cnf"},
}


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: in addition to the inputs, ``service``, the server's unit, and ``settings_file``.
    """
    problems = []
    for variable in ("settings", "monitoring_settings"):
        settings = inputs[variable]
        if not isinstance(settings, dict):
            problems.append(f"mysql_{variable} is not a dictionary. Write each as 'name: value'.")
            continue
        for name, value in settings.items():
            problems += _setting(f"mysql_{variable}", name, value)
    problems += _packages(inputs["packages"]) + socket_problems("mysql_socket", inputs["socket"])
    names = [item["name"] for item in _named("mysql_databases", inputs["databases"], problems)]
    problems += found(schema_problem("mysql_databases: the name", name) for name in names)
    problems += _twice("mysql_databases", [str(name) for name in names])
    users = _named("mysql_users", inputs["users"], problems)
    for user in users:
        problems += _user(user, str(inputs["flavour"]))
    problems += _twice("mysql_users", [_account(user.get("name"), user.get("host", "localhost")) for user in users])
    monitor = host.variables
    problems += shared_account(
        inputs["users"], monitor.get("datadog_mysql_user_name"), monitor.get("datadog_mysql_user_host", "localhost")
    )
    flavour = FLAVOURS.get(inputs["flavour"]) if isinstance(inputs["flavour"], str) else None
    return Checked(problems, dict(flavour) if flavour and not problems else {})


def _setting(variable: str, name: Any, value: Any) -> list[str]:
    """Return problems with a line of the server's settings."""
    if not isinstance(name, str) or not _SETTING.match(name):
        return [f"{variable} has {shown(name)}, which is not a setting name. Write letters, digits, _, - and dots."]
    place = f"{variable}.{name}"
    if isinstance(value, str):
        if not value.isprintable():
            return [f"{place} is {shown(value)}, which contains a line break or control character. Write one line."]
        quotes = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
        if value[:1] in ("'", '"') and not quotes:
            return [f"{place} is {shown(value)}, whose quote is not closed. Close it, or remove it."]
        if "#" in value and not quotes:
            return [f"{place} is {shown(value)}, in which # starts a comment. Quote the whole value."]
        return []
    if isinstance(value, (bool, int, float)):
        return []
    return [f"{place} is {shown(value)}. Write a string or a number, such as ON."]


def _packages(packages: Any) -> list[str]:
    if not isinstance(packages, (list, tuple)) or not packages:
        return ["mysql_packages is empty. Write at least one package, that of the server."]
    return [
        f"mysql_packages has {name!r}, which is not a package. Write a name that apt accepts."
        for name in packages
        if not _PACKAGE.match(str(name))
    ]


def _user(user: dict[str, Any], flavour: str) -> list[str]:
    who = f"mysql_users, user {user['name']}"
    problems = found(
        [
            name_problem("mysql_users: the name", user["name"], flavour),
            password_problem(f"{who}: password", user.get("password"), read_by="a client such as PyMySQL", least=1),
        ]
    )
    if not isinstance(user.get("host", ""), str) or not HOST.match(user.get("host", "localhost")):
        problems.append(f"{who}: host is {user['host']!r}. Write localhost, a name, an address or a pattern.")
    return problems + parse_rights(f"{who}: priv", user.get("priv"))[1]


def _named(variable: str, items: Any, problems: list[str]) -> list[dict[str, Any]]:
    """Return the items that have a name, and add the others to the problems."""
    if not isinstance(items, (list, tuple)):
        problems.append(f"{variable} is not a list. Write one whose items have a name.")
        return []
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            problems.append(f"{variable}[{number}] is not a dictionary. Write one with a name.")
        elif item.get("name") in (None, ""):
            problems.append(f"{variable}[{number}] has no name. Give it one.")
    return [item for item in items if isinstance(item, dict) and item.get("name") not in (None, "")]


def found(problems: Any) -> list[str]:
    return [problem for problem in problems if problem]


def _account(name: Any, host: Any) -> str:
    return f"'{name}'@'{str(host).lower()}'"


def _twice(variable: str, names: list[str]) -> list[str]:
    """Return problems with duplicates in a list, of which the last would undo the first at every run."""
    return [f"{variable} has {name} twice. Remove one." for name in dict.fromkeys(names) if names.count(name) > 1]


def shared_account(users: Any, name: Any, host: Any) -> list[str]:
    """Return a problem if mysql_users has the integration's account, too: each role would undo the other's work."""
    items = users if isinstance(users, (list, tuple)) else ()
    theirs = [_account(user.get("name"), user.get("host", "localhost")) for user in items if isinstance(user, dict)]
    if not name or _account(name, host) not in theirs:
        return []
    return [
        f"mysql_users has {_account(name, host)}, the account that the role datadog_mysql_user creates. Remove it, or "
        "set datadog_mysql_user_name to another name."
    ]
