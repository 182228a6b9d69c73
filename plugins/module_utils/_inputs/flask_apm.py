# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role flask_apm: what is wrong with them, and the environment of the app. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.kennel.fleet.plugins.module_utils._inputs.checked import Checked, Host
from ansible_collections.kennel.fleet.plugins.module_utils._inputs.rules import is_between, port_problems
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.accounts import password_problem
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import secret_places
from ansible_collections.kennel.fleet.plugins.module_utils._tags import normalise_value

# Environment variables that have a variable of the role.
OWN_VARIABLE = {
    "DD_SERVICE": "service",
    "DD_ENV": "env",
    "DD_VERSION": "version",
    "DD_TRACE_AGENT_URL": "agent_port",
    "DD_DOGSTATSD_URL": "dogstatsd_port",
    "FLASK_APM_DATABASE": "database",
}
_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
# The file of the app's own with its database's password.
CREDENTIALS = "/etc/flask_apm.yaml"
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def reads(inputs: dict[str, Any]) -> list[str]:
    """Return the file with the certificates that pip trusts."""
    return [str(inputs["pip_ca_bundle"])] if inputs["pip_ca_bundle"] else []


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: beside the inputs ``variables``, the app's environment variables, and ``question``,
        an address that only an app with all that it needs answers.
    """
    problems = _numbers(inputs)
    if not _is_ipv4(inputs["address"]):
        problems.append(f"flask_apm_address {inputs['address']!r} is not an IPv4 address: write for example 127.0.0.1")
    if not _USER.match(str(inputs["user"])) or inputs["user"] == "root":
        problems.append(f"flask_apm_user {inputs['user']!r} is not allowed: lower case letters and digits, not root")
    for name in ("service", "env", "version"):
        value = inputs[name]
        # The host may have no env.
        if not (value == "" and name == "env"):
            problems += _tag_value(f"flask_apm_{name}", value)
    problems += _environment(inputs["environment"]) + _database(inputs) + _pip(inputs, host)
    if problems:
        return Checked(problems)
    address = "127.0.0.1" if inputs["address"] == "0.0.0.0" else inputs["address"]
    app = f"http://{address}:{inputs['port']}"
    question = f"{app}/api/mysql" if inputs["database"] else f"{app}/health"
    expects = {
        "services": [{"name": inputs["service"], "operation": "flask.request"}],
        "requests": [f"{app}{path}" for path in ("/", "/api/apm", "/api/trace", "/api/mysql")],
    }
    return Checked([], {"variables": _variables(inputs), "question": question}, expects if inputs["enabled"] else {})


def _variables(inputs: dict[str, Any]) -> dict[str, Any]:
    variables = {
        "DD_SERVICE": inputs["service"],
        "DD_ENV": inputs["env"],
        "DD_VERSION": inputs["version"],
        "DD_TRACE_AGENT_URL": f"http://127.0.0.1:{inputs['agent_port']}",
        "DD_DOGSTATSD_URL": f"udp://127.0.0.1:{inputs['dogstatsd_port']}",
        "DD_LOGS_INJECTION": "true",
        "DD_RUNTIME_METRICS_ENABLED": "true",
        "DD_DBM_PROPAGATION_MODE": "full",
        "FLASK_APM_DATABASE": CREDENTIALS if inputs["database"] else "",
    }
    return {name: value for name, value in variables.items() if value != ""} | dict(inputs["environment"])


def _numbers(inputs: dict[str, Any]) -> list[str]:
    # The app's user may not listen below 1024.
    problems = port_problems("flask_apm_port", inputs["port"], 1024)
    for name in ("agent_port", "dogstatsd_port"):
        problems += port_problems(f"flask_apm_{name}", inputs[name])
    if str(inputs["port"]) == str(inputs["agent_port"]):
        problems.append(f"flask_apm_port {inputs['port']!r} is the port of the Agent's trace receiver: choose another")
    if not is_between(inputs["workers"], 1, 64):
        problems.append(f"flask_apm_workers is {inputs['workers']!r}: write a number from 1 to 64")
    return problems


def _is_ipv4(value: Any) -> bool:
    try:
        ipaddress.IPv4Address(str(value))
    except ValueError:
        return False
    return True


def _tag_value(variable: str, value: Any) -> list[str]:
    """A value that Datadog would change would not be found again under what the inventory says."""
    wanted = normalise_value(str(value))
    if not wanted or str(value) != wanted:
        fix = f"write {wanted!r}" if wanted else "write lower case letters and digits"
        return [f"{variable} {value!r} would not stay as it is in Datadog: {fix}"]
    return []


def _environment(environment: Any) -> list[str]:
    variable = "flask_apm_environment"
    if not isinstance(environment, dict):
        return [f"{variable} is not a dictionary: write each as 'NAME: value'"]
    problems = []
    for name, value in environment.items():
        if not _ENVIRONMENT_NAME.match(str(name)):
            problems.append(f"{variable} has {name!r}, which is not a name of an environment variable")
        elif name in OWN_VARIABLE:
            problems.append(f"{variable}.{name} has a variable of its own: set flask_apm_{OWN_VARIABLE[name]}")
        elif secret_places({str(name): value}):
            problems.append(f"{variable}.{name} is a secret, and everybody on the host could read it: leave it out")
        elif isinstance(value, (dict, list)) or re.search(r"[\x00-\x1f]", str(value)):
            problems.append(f"{variable}.{name} is not one line of text: write lists and rules as ddtrace reads them")
    return problems


def _database(inputs: dict[str, Any]) -> list[str]:
    database, password = inputs["database"], inputs["database_password"]
    if not isinstance(database, dict):
        return ["flask_apm_database is not a dictionary: write for example {host: db1, user: shop, database: shop}"]
    if not database:
        return []
    problems = [
        f"flask_apm_database.{place} is a secret: the password has its own variable"
        for place in secret_places(database)
    ]
    if not {"unix_socket", "host"} & set(database):
        problems.append("flask_apm_database leads nowhere: give it unix_socket, or host and port")
    problems += [
        f"flask_apm_database has no {name}: say as whom and where the app reads"
        for name in ("user", "database")
        if not database.get(name)
    ]
    problem = password_problem("flask_apm_database_password", password, read_by="the app, with PyMySQL,")
    return problems + ([problem] if problem else [])


def _pip(inputs: dict[str, Any], host: Host) -> list[str]:
    problems = []
    url, bundle = inputs["pip_index_url"], inputs["pip_ca_bundle"]
    try:
        parts = urlsplit(str(url))
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        fine = False
    if url != "" and not fine:
        # The address itself may hold a password.
        problems.append("flask_apm_pip_index_url is not the address of an index: it starts with https://")
    if bundle != "" and not (str(bundle).startswith("/") and host.files.get(str(bundle)) is not None):
        problems.append(f"flask_apm_pip_ca_bundle {bundle!r} is not a file on the controller: give its absolute path")
    return problems
