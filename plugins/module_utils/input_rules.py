# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the roles refuse before they change anything. Pure: each function takes a role's inputs and returns problems.

A problem is a sentence that names the variable and the mend. Inputs may be of any type: a wrong one is a problem too.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kennel.fleet.plugins.module_utils.datadog_files import merge_secrets, secret_places
from ansible_collections.kennel.fleet.plugins.module_utils.datadog_tag_rules import tag_problem
from ansible_collections.kennel.fleet.plugins.module_utils.mysql_dbm import lacking

# Settings of datadog.yaml that have a variable of their own, by their place.
OWN_VARIABLE = {
    **{name: name for name in ("site", "dd_url", "hostname", "env", "tags", "dogstatsd_port")},
    "use_dogstatsd": "dogstatsd_enabled",
    "apm_config.enabled": "apm_enabled",
    "apm_config.receiver_port": "apm_port",
    "apm_config.apm_dd_url": "apm_url",
}
# For which the Agent's package is made.
ARCHITECTURES = ("x86_64", "aarch64")
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9])?\Z")
_VERSION = re.compile(r"([0-9]+:)?[0-9]+\.[0-9]+\.[0-9]+[A-Za-z0-9.+~-]*\Z")
_CHECK_NAME = re.compile(r"[a-z_][a-z0-9_]*\Z")
_SCHEMA = re.compile(r"[A-Za-z0-9_$-]{1,64}\Z")
_OWN_SCHEMAS = ("datadog", "information_schema", "mysql", "performance_schema", "sys")
_OLDEST_AGENT = {"mysql": "7.36.1", "mariadb": "7.61.0"}
_CHECK_FIELDS = {"name", "source", "init_config", "instances", "sections", "secrets", "state", "metrics"}


def agent_problems(inputs: dict[str, Any]) -> list[str]:
    """What is wrong with the inputs of the role datadog_agent, each under its variable's name without the prefix."""
    problems = []
    supported = inputs["distributions"].get(inputs["distribution"], [])
    if inputs["release"] not in supported:
        known = "; ".join(f"{name} {', '.join(releases)}" for name, releases in inputs["distributions"].items())
        problems.append(f"{inputs['distribution']} {inputs['release']} is not supported: use one of {known}")
    if inputs["architecture"] not in ARCHITECTURES:
        problems.append(f"there is no Agent for {inputs['architecture']}: use a host with {' or '.join(ARCHITECTURES)}")
    problems += _groups(inputs["groups"], inputs["host_groups"])
    problems += _api_key(inputs["api_key"])
    if not _HOST_NAME.match(str(inputs["site"])) or "." not in str(inputs["site"]):
        problems.append(f"datadog_agent_site {inputs['site']!r} is no site: write for example datadoghq.eu")
    # The one follows the other: what is wrong with both is said once.
    for name in ("dd_url", "apm_url") if inputs["apm_url"] != inputs["dd_url"] else ("dd_url",):
        if inputs[name] and urlsplit(str(inputs[name])).scheme not in ("http", "https"):
            problems.append(f"datadog_agent_{name} {inputs[name]!r} is no address: it starts with https://")
    for name in ("apm_port", "dogstatsd_port"):
        if not is_between(inputs[name], 1, 65535):
            problems.append(f"datadog_agent_{name} is {inputs[name]!r}: it takes a port, from 1 to 65535")
    if inputs["hostname"] and not _HOST_NAME.match(str(inputs["hostname"])):
        problems.append(f"datadog_agent_hostname {inputs['hostname']!r} is no host name: letters, digits, - _ and .")
    if inputs["version"] and not _VERSION.match(str(inputs["version"])):
        problems.append(f"datadog_agent_version {inputs['version']!r} is no version: write for example 7.70.0")
    problems += _tags("datadog_agent_tags", inputs["tags"])
    if isinstance(inputs["config"], dict):
        problems += _config(inputs["config"], inputs["secrets"])
    else:
        problems.append("datadog_agent_config is no dictionary: write settings as in datadog.yaml")
    return problems


def _api_key(key: Any) -> list[str]:
    if isinstance(key, str) and (re.fullmatch(r"[0-9a-fA-F]{32}", key) or re.fullmatch(r"ENC\[.+\]", key)):
        return []
    mend = "set datadog_api_key in the inventory, or DD_API_KEY in the environment"
    return [f"datadog_agent_api_key is no API key: it has 32 characters, 0-9 and a-f (or is ENC[handle]); {mend}"]


def _groups(groups: Any, known: Any) -> list[str]:
    if not isinstance(groups, (list, tuple)) or not isinstance(known, dict):
        return ["datadog_agent_groups is no list: write names of groups"]
    mend = "create it first, or take it out"
    return [
        f"datadog_agent_groups: there is no group {group!r} on the host: {mend}"
        for group in groups
        if str(group) not in known
    ]


def _tags(variable: str, tags: Any) -> list[str]:
    if not isinstance(tags, (list, tuple)):
        return [f"{variable} is no list: write a list of 'key:value' strings"]
    found = ((tag, tag_problem(tag) if isinstance(tag, str) else "is no 'key:value' string") for tag in tags)
    return [f"{variable}: {tag!r} {problem}" for tag, problem in found if problem]


def _config(config: Any, secrets: Any) -> list[str]:
    """Settings that belong elsewhere: those with a variable of their own, and secrets, which would show in diffs."""
    if not isinstance(config, dict):
        return []
    problems = [
        f"datadog_agent_config.{place} has a variable of its own: set datadog_agent_{name}"
        for place, name in OWN_VARIABLE.items()
        if _holds(config, place)
    ]
    for place in secret_places(config):
        mend = f"put it into datadog_agent_secrets as '{place}', or a part of that path with all that lies under it"
        if place == "api_key":
            mend = "set datadog_agent_api_key"
        problems.append(f"datadog_agent_config.{place} is a secret: {mend}")
    return problems + _places("datadog_agent_secrets", config, secrets)


def _holds(config: Any, place: str) -> bool:
    """Whether a configuration has something at this place, a dotted path."""
    name, _dot, rest = place.partition(".")
    return isinstance(config, dict) and name in config and (not rest or _holds(config[name], rest))


def is_between(value: Any, least: int, most: int) -> bool:
    """Whether this is such a whole number, or text that says one, as -e gives it."""
    digits = not isinstance(value, bool) and re.fullmatch("[0-9]{1,9}", str(value))
    return bool(digits) and least <= int(value) <= most


def _places(variable: str, config: dict, secrets: Any) -> list[str]:
    try:
        merge_secrets(config, secrets if isinstance(secrets, dict) else {})
    except ValueError as error:
        return [f"{variable}: {error}"]
    return []


def check_problems(checks: Any, code: dict[str, str]) -> list[str]:
    """What is wrong with a list of checks as the role datadog_custom_check takes it.

    ``code`` has the text of each check's source file by the check's name.
    """
    variable = "datadog_custom_check_checks"
    if not isinstance(checks, (list, tuple)):
        return [f"{variable} is no list: each item has a name and instances"]
    problems, seen = [], set()
    for number, check in enumerate(checks):
        if not isinstance(check, dict) or not _CHECK_NAME.match(str(check.get("name", ""))):
            problems.append(f"{variable}[{number}] has no proper name: lower case letters, digits and underscores")
            continue
        name = check["name"]
        if name in seen:
            problems.append(f"{variable} has the check {name} twice: give each its instances in one item")
        seen.add(name)
        problems += [f"{variable}, check {name}: {problem}" for problem in _one_check(check, code.get(name))]
    return problems


def _one_check(check: dict[str, Any], code: str | None) -> list[str]:
    problems = [
        f"there is no field {field}: use {', '.join(sorted(_CHECK_FIELDS))}"
        for field in check
        if field not in _CHECK_FIELDS
    ]
    if code is not None:
        source = str(check.get("source"))
        try:
            compile(code, source, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            problems.append(f"{source}{line} is no Python: {getattr(error, 'msg', error)}")
    if not isinstance(check.get("init_config") or {}, dict):
        problems.append("init_config is no dictionary")
    if not isinstance(check.get("secrets", {}), dict):
        problems.append("secrets is no dictionary of dotted path to value")
    sections = check.get("sections", {})
    if not isinstance(sections, dict) or {"init_config", "instances"} & set(sections):
        return [*problems, "sections is no dictionary of what stands beside init_config and instances, such as logs"]
    instances = check.get("instances", [{}])
    # A file may be there for its other sections alone.
    if not isinstance(instances, (list, tuple)) or not (instances or sections):
        return [*problems, "instances is no list with at least one item"]
    for number, instance in enumerate(instances):
        problems += [f"instances[{number}]{problem}" for problem in _instance(instance)]
    config = {"init_config": check.get("init_config") or {}, "instances": list(instances), **sections}
    problems += [
        f"{place} is a secret: put it into the check's secrets, by this path" for place in secret_places(config)
    ]
    return problems + _places("secrets", config, check.get("secrets", {}))


def _instance(instance: Any) -> list[str]:
    if not isinstance(instance, dict):
        return [" is no dictionary"]
    problems = []
    interval = instance.get("min_collection_interval", 15)
    number = isinstance(interval, (int, float)) and not isinstance(interval, bool)
    if not number or not 1 <= interval <= 86400:
        problems.append(f".min_collection_interval is {interval!r}: it takes seconds, from 1 to 86400")
    problems += [f": {problem}" for problem in _tags("tags", instance.get("tags", []))]
    return problems


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
    problems += _tags("datadog_mysql_user_tags", inputs["tags"])
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
