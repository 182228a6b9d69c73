# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Inputs of the role flask_apm: problems with them, and the environment of the app. Pure."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from .._mysql.accounts import name_problem, password_problem, schema_problem
from .._secrets.names import secret_places
from .._tags import normalise_tag, normalise_value
from .checked import Checked, Host
from .rules import is_address, is_between, is_host, port_problems, socket_problems
from .specification import shown

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
# The app's own file, with the password of its database.
CREDENTIALS = "/etc/flask_apm.yaml"
# Accounts of Debian's base-passwd (passwd.master of 3.6), of common packages, of images, and of the Agent.
_ACCOUNTS = """
    root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc gnats _apt nobody
    messagebus sshd syslog polkitd tss uuidd tcpdump landscape pollinate fwupd-refresh usbmux dnsmasq avahi rtkit pulse
    mysql postgres redis memcache mongodb rabbitmq elasticsearch nginx haproxy tomcat jenkins git gitlab docker ntp
    ntpsec chrony _chrony postfix postdrop dovecot exim debian-exim bind named openldap statd munin zabbix
    prometheus grafana snmp debian-snmp ftp vsftpd proftpd colord gdm lightdm sddm saned geoclue
    ubuntu debian admin vagrant ec2-user cloud-user azureuser pi
    dd-agent dd-installer dd-dotnet
"""
SYSTEM_ACCOUNTS = frozenset(_ACCOUNTS.split())
# By which the app would run other code than its own, or would not be found.
_OF_THE_SYSTEM = re.compile(
    r"(LD|GCONV|GLIBC|MALLOC|NSS|GETCONF|LOCALDOMAIN|RES_OPTIONS|SYSTEMD|NOTIFY|LISTEN|WATCHDOG|GUNICORN|BASH)(_.*)?\Z"
    r"|PYTHON(PATH|HOME|STARTUP|INSPECT|EXECUTABLE|PLATLIBDIR|BREAKPOINT|USERBASE|PYCACHEPREFIX|CASEOK|USERSITE)\Z"
    r"|(PATH|HOME|USER|LOGNAME|SHELL|IFS|ENV|PS4|CDPATH|TMPDIR|VIRTUAL_ENV|WEB_CONCURRENCY|INVOCATION_ID)\Z"
)
# What pymysql.connect takes (PyMySQL 1.1, connections.py) that is not about who logs in, or another way to say it.
_SETTINGS = """
    user database host port unix_socket charset collation sql_mode connect_timeout read_timeout write_timeout
    bind_address ssl ssl_ca ssl_cert ssl_key ssl_disabled ssl_verify_cert ssl_verify_identity
"""
_CONNECTION = tuple(_SETTINGS.split())
_ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def reads(inputs: dict[str, Any]) -> list[str]:
    """Return the file with the certificates that pip trusts."""
    return [str(inputs["pip_ca_bundle"])] if inputs["pip_ca_bundle"] else []


def check(inputs: dict[str, Any], host: Host) -> Checked:
    """Check the role's inputs.

    :return: in addition to the inputs, ``variables``, the app's environment variables, and ``question``, a URL that
        only an app with everything that it needs answers.
    """
    problems = _numbers(inputs)
    if not _is_ipv4(inputs["address"]):
        problems.append(f"flask_apm_address {inputs['address']!r} is not an IPv4 address. Write one such as 127.0.0.1.")
    user = str(inputs["user"])
    if user in SYSTEM_ACCOUNTS or user.startswith("systemd-"):
        problems.append(f"flask_apm_user {user!r} is a system account. Choose another name.")
    elif not _USER.match(user):
        problems.append(
            f"flask_apm_user {user!r} is not a valid user name on Debian. Use lowercase letters and digits."
        )
    for name in ("service", "env", "version"):
        value = inputs[name]
        # A host may have no env.
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
    # The app's user may not listen on ports below 1024.
    problems = port_problems("flask_apm_port", inputs["port"], 1024)
    for name in ("agent_port", "dogstatsd_port"):
        problems += port_problems(f"flask_apm_{name}", inputs[name])
    if not problems and str(inputs["port"]) == str(inputs["agent_port"]):
        problems.append(f"flask_apm_port {inputs['port']!r} is the port of the Agent's trace receiver. Choose another.")
    if not is_between(inputs["workers"], 1, 64):
        problems.append(f"flask_apm_workers is {inputs['workers']!r}. Write a number from 1 to 64.")
    return problems


def _is_ipv4(value: Any) -> bool:
    try:
        ipaddress.IPv4Address(str(value))
    except ValueError:
        return False
    return True


def _tag_value(variable: str, value: Any) -> list[str]:
    """Return problems with a value that Datadog would change: nobody would find it by the value in the inventory."""
    # It is a tag, whose longest key here is version. Names of services are shorter, and start with a letter
    # (https://docs.datadoghq.com/getting_started/tagging/unified_service_tagging/, datadog-agent, pkg/trace/traceutil).
    wanted = normalise_value(str(value))[:190]
    if variable == "flask_apm_service":
        wanted = normalise_tag(str(value))[:100]
    if not wanted or str(value) != wanted:
        fix = repr(wanted) if wanted else "lowercase letters and digits"
        return [f"{variable} {shown(value)} would be changed by Datadog. Write {fix}."]
    return []


def _environment(environment: Any) -> list[str]:
    variable = "flask_apm_environment"
    if not isinstance(environment, dict):
        return [f"{variable} is not a dictionary. Write each as 'NAME: value'."]
    problems = []
    for name, value in environment.items():
        if not _ENVIRONMENT_NAME.match(str(name)):
            problems.append(
                f"{variable} has {shown(name)}, which is not a valid variable name. Use letters, digits and _."
            )
        elif _OF_THE_SYSTEM.match(name):
            problems.append(f"{variable}.{name} is reserved for starting the app. Remove it.")
        elif value is None:
            problems.append(f"{variable}.{name} is null. Write a string, or remove it.")
        elif name in OWN_VARIABLE:
            problems.append(f"{variable}.{name} has its own variable. Set flask_apm_{OWN_VARIABLE[name]}.")
        elif secret_places({str(name): value}):
            problems.append(f"{variable}.{name} is a secret, and everybody on the host could read it. Remove it.")
        elif isinstance(value, (dict, list)) or re.search(r"[\x00-\x1f]", str(value)):
            problems.append(f"{variable}.{name} is not a single line. Write lists and rules in the format of ddtrace.")
    return problems


def _database(inputs: dict[str, Any]) -> list[str]:
    database, password = inputs["database"], inputs["database_password"]
    if not isinstance(database, dict):
        return ["flask_apm_database is not a dictionary. Write one such as {host: db1, user: shop, database: shop}."]
    if not database:
        return []
    problems = [
        f"flask_apm_database.{place} is a secret. Remove it, and set flask_apm_database_password."
        for place in secret_places(database)
    ]
    secret = {problem.partition(" ")[0] for problem in problems}
    problems += [
        f"flask_apm_database.{key} is not a setting of PyMySQL that the app accepts. Use one of "
        f"{', '.join(_CONNECTION[:5])}."
        for key in database
        if key not in _CONNECTION and f"flask_apm_database.{key}" not in secret
    ]
    socket, server = database.get("unix_socket"), database.get("host")
    if socket is None and server is None:
        problems.append("flask_apm_database has no address. Set unix_socket, or host and port.")
    elif socket is not None and (server is not None or "port" in database):
        problems.append("flask_apm_database has two addresses. Set either unix_socket, or host and port.")
    elif socket is not None:
        problems += socket_problems("flask_apm_database.unix_socket", socket)
    elif not isinstance(server, str) or not is_host(server):
        problems.append(f"flask_apm_database.host is {shown(server)}. Write a host's name or address.")
    if socket is None and "port" in database:
        problems += port_problems("flask_apm_database.port", database["port"])
    for name, rule in (("user", name_problem), ("database", schema_problem)):
        if not database.get(name):
            problems.append(f"flask_apm_database has no {name}. Set the user and the database that the app uses.")
        elif wrong := rule(f"flask_apm_database.{name}", database[name]):
            problems.append(wrong)
    refusal = password_problem("flask_apm_database_password", password, read_by="the app, with PyMySQL,")
    return problems + ([refusal] if refusal else [])


def _pip(inputs: dict[str, Any], host: Host) -> list[str]:
    problems = []
    url, bundle = inputs["pip_index_url"], inputs["pip_ca_bundle"]
    if url != "" and not is_address(url):
        # The message does not show the URL, which may contain a password.
        problems.append(
            "flask_apm_pip_index_url is not the URL of a package index. Write one that starts with https://."
        )
    text = host.files.get(str(bundle)) if str(bundle).startswith("/") else None
    if bundle != "" and not re.search(r"^-----BEGIN (TRUSTED )?CERTIFICATE-----", text or "", re.MULTILINE):
        problems.append(
            f"flask_apm_pip_ca_bundle {bundle!r} has no certificates on the controller. Write its absolute path."
        )
    return problems
