# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules for the roles mysql and datadog_mysql_user. Pure: inputs in, problems out."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils.input_rules import is_between, tags_problems
from ansible_collections.kennel.fleet.plugins.module_utils.mysql_dbm import lacking
from ansible_collections.kennel.fleet.plugins.module_utils.secret_names import secret_places

_SCHEMA = re.compile(r"[A-Za-z0-9_$-]{1,64}\Z")
_OWN_SCHEMAS = ("datadog", "information_schema", "mysql", "performance_schema", "sys")
_OLDEST_AGENT = {"mysql": "7.36.1", "mariadb": "7.61.0"}


def mysql_problems(inputs: dict[str, Any]) -> list[str]:
    """What is wrong with the inputs of the role mysql."""
    problems = []
    for variable in ("settings", "monitoring_settings"):
        settings = inputs[variable]
        if not isinstance(settings, dict):
            problems.append(f"mysql_{variable} is no dictionary: write each as 'name: value'")
            continue
        problems += [
            f"mysql_{variable}.{name} has a line break in it: one line each"
            for name, value in settings.items()
            if "\n" in f"{name}{value}"
        ]
    users = _named("mysql_users", inputs["users"], problems)
    _named("mysql_databases", inputs["databases"], problems)
    for user in users:
        if not user.get("password"):
            problems.append(f"mysql_users, user {user['name']}: there is no password, and an account needs one")
        if not user.get("priv"):
            problems.append(f"mysql_users, user {user['name']}: there is no priv, for example 'shop.*:ALL'")
    return problems


def _named(variable: str, items: Any, problems: list[str]) -> list[dict[str, Any]]:
    """The items that have a name; why others are none goes to the problems."""
    if not isinstance(items, (list, tuple)):
        problems.append(f"{variable} is no list: each item has a name")
        return []
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            problems.append(f"{variable}[{number}] is no dictionary: each item has a name")
        elif not item.get("name"):
            problems.append(f"{variable}[{number}] has no name")
    return [item for item in items if isinstance(item, dict) and item.get("name")]


def mysql_user_problems(inputs: dict[str, Any]) -> list[str]:
    """What is wrong with the inputs of the role datadog_mysql_user."""
    problems = []
    if not re.fullmatch(r"[A-Za-z0-9_]{1,32}", str(inputs["name"])):
        problems.append(f"datadog_mysql_user_name {inputs['name']!r} is no user name: letters, digits and underscores")
    if not isinstance(inputs["password"], str) or len(inputs["password"]) < 8:
        problems.append("datadog_mysql_user_password is missing or shorter than 8 characters: set it, from a vault")
    connection = inputs["connection"] if isinstance(inputs["connection"], dict) else {}
    if not {"sock", "host"} & set(connection):
        problems.append("datadog_mysql_user_connection leads nowhere: give it sock, or host and port")
    problems += [
        f"datadog_mysql_user_connection.{place} is a secret: the password has its own variable"
        for place in secret_places(connection)
    ]
    problems += tags_problems("datadog_mysql_user_tags", inputs["tags"])
    return problems + (_dbm(inputs) if str(inputs["dbm"]).lower() in ("true", "yes", "on", "1") else [])


def _dbm(inputs: dict[str, Any]) -> list[str]:
    """What keeps Database Monitoring from being switched on."""
    prefix = "datadog_mysql_user_dbm"
    problems = []
    schemas, settings = inputs["schemas"], inputs["settings"]
    if not isinstance(schemas, (list, tuple)):
        problems.append(f"{prefix}_schemas is no list: write the names of the application's schemas")
        schemas = []
    for name in schemas:
        if not isinstance(name, str) or not _SCHEMA.match(name):
            problems.append(f"{prefix}_schemas: {name!r} is no schema's name: letters, digits, _, $ and -, 64 at most")
        elif name.lower() in _OWN_SCHEMAS:
            problems.append(f"{prefix}_schemas: {name!r} is no schema of an application: leave it out")
    if not isinstance(settings, dict):
        problems.append(f"{prefix}_settings is no dictionary: write each as 'name: value'")
        settings = {}
    server = inputs["server"] if isinstance(inputs["server"], dict) else {}
    given = {str(name).replace("-", "_"): str(value) for name, value in server.items()}
    for name, value in settings.items():
        if not re.match(r"(performance_schema|max_digest_length)[a-z_]*\Z", str(name)):
            problems.append(f"{prefix}_settings.{name} does not belong there: put it into mysql_settings")
        elif not is_between(value, 0, 10**9) and str(value) not in ("ON", "OFF"):
            problems.append(f"{prefix}_settings.{name} is {value!r}: it takes a whole number, or ON or OFF in quotes")
        elif name in given and lacking({name: value}, given):
            problems.append(f"mysql_settings.{name} is {given[name]}, which overrules {prefix}_settings: take it out")
    oldest = _OLDEST_AGENT.get(str(inputs["flavour"]), "7.36.1")
    pinned = re.match(r"(?:[0-9]+:)?([0-9]+)\.([0-9]+)\.([0-9]+)", str(inputs["agent_version"]))
    if pinned and tuple(map(int, pinned.groups())) < tuple(map(int, oldest.split("."))):
        problems.append(
            f"{prefix} needs Agent {oldest} on {inputs['flavour']}: raise datadog_agent_version, "
            f"which is {inputs['agent_version']}, or set {prefix} to false"
        )
    return problems
