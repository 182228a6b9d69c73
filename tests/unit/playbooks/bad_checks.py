# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invalid inputs of the roles datadog_custom_check and flask_apm."""

from __future__ import annotations

import datetime
from typing import Any

from bad_agent import PORTS, SWITCHES
from cases import INFINITY, NAN, SECRET, Case, bad

P = "datadog_custom_check_"


def check(**fields: Any) -> list[dict[str, Any]]:
    """Return a list with one of the Agent's own checks, with these fields."""
    return [{"name": "nginx", "instances": [{"nginx_status_url": "http://localhost/"}], **fields}]


def instance(**settings: Any) -> list[dict[str, Any]]:
    """Return a list with one check that has one instance with these settings."""
    return check(instances=[settings])


CHECKS: list[Case] = [
    *bad(f"{P}interval", 0, -5, 86401, "abc", 1.5, True, [20], {}, NAN, INFINITY, "", "20s", 10**30, fix="Write"),
    *bad(f"{P}checks", "x", {}, 5, fix="Write a list"),
    *bad(f"{P}checks", 5, "x", ["x"], fix="Write a dictionary", build=lambda item: [item]),
    *bad(f"{P}checks", {}, {"name": None}, fix="", build=lambda item: [item], show=False),
    *bad(f"{P}checks", "", "a-b", "A", "x" * 101, "a\nb", "1a", "a b", "../x", "a/b", 5, ["a"], {}, "\u00fc", "a\x00b",
         fix="name", build=lambda name: check(name=name)),
    *bad(f"{P}checks", "sorce", "instance", "enabled", fix="field", build=lambda name: check(**{name: "x"})),
    *bad(f"{P}checks", "no_such_file.py", "/no/such/file.py", "", "/etc", fix="",
         build=lambda source: check(source=source)),
    *bad(f"{P}checks", ["x.py"], {}, "a\nb.py", fix="Write a path", build=lambda source: check(source=source)),
    *bad(f"{P}checks", "x", [], 5, fix="Write a dictionary", build=lambda value: check(init_config=value)),
    *bad(f"{P}checks", "x", {}, 5, fix="Write a list", build=lambda value: check(instances=value)),
    *bad(f"{P}checks", [], None, fix="instances", build=lambda value: check(instances=value), show=False),
    *bad(f"{P}checks", "x", 5, [1], fix="Write a dictionary", build=lambda value: check(instances=[value])),
    *bad(f"{P}checks", 0, 86401, "abc", True, [1], -1, "15", 0.5, fix="from 1 to 86400",
         build=lambda value: instance(min_collection_interval=value)),
    *bad(f"{P}checks", NAN, INFINITY, fix="finite number", build=lambda value: instance(min_collection_interval=value)),
    *bad(f"{P}checks", NAN, [INFINITY], {"a": NAN}, fix="finite number", build=lambda value: instance(limit=value),
         show=False),
    *bad(f"{P}checks", datetime.datetime(2026, 1, 2, 3, 4), fix="Put it in quotes",
         build=lambda value: instance(since=value), show=False),
    *bad(f"{P}checks", {"": 1}, {1: 2}, {"a": {"": 1}}, {"a\nb": 1}, fix="key",
         build=lambda value: check(instances=[value]),
         show=False),
    *bad(f"{P}checks", "env:x", {}, 5, fix="is not a list", build=lambda value: instance(tags=value), show=False),
    *bad(f"{P}checks", "web", "env:", "host:x", 5, ["a:b"], fix="", build=lambda tag: instance(tags=[tag])),
    *bad(f"{P}checks", {"password": SECRET}, {"api_key": SECRET}, {"url": f"http://me:{SECRET}@host/"},
         fix="is a secret",
         build=lambda value: check(instances=[value]), show=False),
    *bad(f"{P}checks", "x", [], 5, fix="Write a dictionary", build=lambda value: check(sections=value)),
    *bad(f"{P}checks", {"instances": []}, {"init_config": {}}, {"": 1}, {5: 1}, {"logs": NAN}, fix="",
         build=lambda value: check(sections=value), show=False),
    *bad(f"{P}checks", SECRET, [SECRET], {"instances.5.password": SECRET}, {"": SECRET}, {5: SECRET},
         {"instances.x.password": SECRET}, {"instances.0.nginx_status_url.x": SECRET}, {"instances..password": SECRET},
         {"instances.0.password": NAN}, fix="", build=lambda value: check(secrets=value), show=False),
    *bad(f"{P}checks", "nginx.can_connect", {}, 5, fix="Write a list", build=lambda value: check(metrics=value)),
    *bad(f"{P}checks", "", "a b", "1x", "a\nb", "a{b}", "x" * 201, ["a"], {}, fix="",
         build=lambda name: check(metrics=[name])),
    *bad(f"{P}checks", "gone", True, [], "", fix="Write present or absent", build=lambda state: check(state=state)),
    *bad(f"{P}checks", "nginx", fix="twice", build=lambda _name: check() * 2),
    *bad(f"{P}checks", "cpu", "json", "util", fix="Rename", build=lambda name: check(name=name, source="my_metric.py")),
    *bad(f"{P}checks", "mysql", fix="datadog_mysql_user_connection", build=lambda name: check(name=name)),
    *bad(f"{P}disable_untracked", *SWITCHES, fix="Write true or false"),
    *bad(f"{P}tracked", "mysql", 5, {}, fix="Write a list"),
    *bad(f"{P}tracked", "", "a b", "../x", fix="Write", build=lambda name: [name]),
    *bad(f"{P}tracked", ["a"], {}, "a\nb", fix="Write a string", build=lambda name: [name]),
    *bad(f"{P}agent_enabled", *SWITCHES, fix="Write true or false"),
]  # fmt: skip

DATABASE = {"host": "db1.example.com", "user": "shop", "database": "shop"}
WITH_PASSWORD = {"flask_apm_database_password": f"{SECRET}-of-shop"}
# Accounts that exist for another purpose on Debian or Ubuntu, or that the collection creates.
ACCOUNTS = """
    root mysql www-data dd-agent dd-installer daemon nobody bin sys sync games man lp mail news uucp proxy backup
    list irc _apt systemd-network systemd-resolve systemd-timesync messagebus sshd postgres redis nginx ubuntu debian
    vagrant admin
"""
FOREIGN = ACCOUNTS.split()


def reaches(**settings: Any) -> dict[str, Any]:
    """Return the app's database settings with these changes."""
    return {**DATABASE, **settings}


APP: list[Case] = [
    *bad("flask_apm_enabled", *SWITCHES, fix="Write true or false"),
    *bad("flask_apm_address", "", "localhost", "::1", "1.2.3", "1.2.3.4.5", "0x7f000001", 5, "1.2.3.4/8", "127.0.0.256",
         fix="Write one such as 127.0.0.1"),
    *bad("flask_apm_address", "127.0.0.1\n", ["127.0.0.1"], {}, fix="Write a string"),
    *bad("flask_apm_port", *PORTS, 80, 1023, fix="Write a"),
    *bad("flask_apm_port", 8126, fix="Choose another", also={"flask_apm_agent_port": 8126}),
    *bad("flask_apm_workers", 0, 65, -1, "two", 1.5, "", True, [2], NAN, fix="Write a"),
    *bad("flask_apm_user", *FOREIGN, fix="Choose another"),
    *bad("flask_apm_user", "", "a b", "A", "x" * 33, "1a", "a/b", "-a", "a$", 5, "a:b", fix=""),
    *bad("flask_apm_user", "a\n", ["a"], {}, fix="Write a string"),
    *bad("flask_apm_service", "", "My App", "a b", "a}b", "a)b", "x" * 200, "1a", "a,b", fix="Write"),
    *bad("flask_apm_service", "a\n", ["a"], {}, fix="Write a string"),
    *bad("flask_apm_env", "a b", "Prod", "x" * 300, "a,b", fix="Write"),
    *bad("flask_apm_env", ["prod"], "a\nb", {}, fix="Write a string"),
    *bad("flask_apm_version", "", "1 0", "1,0", "x" * 300, "a\nb", ["1"], {}, fix="Write"),
    *bad("flask_apm_agent_port", *PORTS, fix="Write a"),
    *bad("flask_apm_dogstatsd_port", *PORTS, fix="Write a"),
    *bad("flask_apm_environment", "x", [], 5, "A=b", fix="Write a dictionary"),
    *bad("flask_apm_environment", {"": "x"}, {1: "x"}, {"a\nb": "x"}, fix="key", show=False),
    *bad("flask_apm_environment", "a b", "a-b", "1A", "A=B", fix="Use letters", build=lambda name: {name: "x"}),
    *bad("flask_apm_environment", "PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME",
         "PYTHONSTARTUP", "BASH_ENV", "ENV", "IFS", "HOME", "USER", "SHELL", "GUNICORN_CMD_ARGS", "GCONV_PATH",
         "PYTHONINSPECT", "NOTIFY_SOCKET", "VIRTUAL_ENV", fix="Remove it", build=lambda name: {name: "x"}),
    *bad("flask_apm_environment", "DD_SERVICE", "DD_ENV", "DD_VERSION", "DD_TRACE_AGENT_URL", "DD_DOGSTATSD_URL",
         "FLASK_APM_DATABASE", fix="Set flask_apm_", build=lambda name: {name: "x"}),
    *bad("flask_apm_environment", "DD_API_KEY", "MY_PASSWORD", fix="is a secret", build=lambda name: {name: SECRET}),
    *bad("flask_apm_environment", None, ["x"], {"a": 1}, "x\ny", NAN, INFINITY, fix="",
         build=lambda value: {"A": value},
         show=False),
    *bad("flask_apm_database", "x", [], 5, fix="Write a dictionary", also=WITH_PASSWORD),
    *bad("flask_apm_database", {"hots": "x"}, {"port": 0}, {"port": "abc"}, {"port": 65536}, {"port": True},
         {"port": NAN},
         {"user": ""}, {"user": 5}, {"user": "a\nb"}, {"user": "x" * 129}, {"user": ["a"]}, {"database": ""},
         {"database": 5}, {"database": "a\nb"}, {"database": "a/b"}, {"database": ["a"]}, {"host": ""}, {"host": 5},
         {"host": "a b"}, {"host": "a\nb"}, {"host": "http://a"}, {"host": ["a"]}, {"unix_socket": "relative"},
         {"unix_socket": "/run/x"}, {"password": SECRET}, {"passwd": SECRET}, {"ssl_typo": "x"}, {"init_command": "x"},
         fix="", build=lambda more: reaches(**more), also=WITH_PASSWORD, show=False),
    *bad("flask_apm_database", {"user": "a", "database": "b"}, {"host": "a", "database": "b"},
         {"host": "a", "user": "b"},
         {"unix_socket": 5, "user": "a", "database": "b"}, {"unix_socket": "/a\nb", "user": "a", "database": "b"},
         {"unix_socket": "/a", "port": 3306, "user": "a", "database": "b"}, fix="", also=WITH_PASSWORD, show=False),
    *bad("flask_apm_database_password", "", "short", SECRET + "-\u00fc", [SECRET * 2], {SECRET: 1}, f"{SECRET}-\nx",
         SECRET * 40, 12345678, fix="", also={"flask_apm_database": DATABASE}, show=False),
    *bad("flask_apm_pip_index_url", "nonsense", "http://", "https://a b", "ftp://a", 5, "https://a\nb", ["https://a"],
         "https://[::1", "https://a:x/", f"https://me:{SECRET}@", fix="", show=False),
    *bad("flask_apm_pip_ca_bundle", "relative.pem", "/no/such/file.pem", "/etc", "/etc/hostname", "/dev/null", 5,
         fix="absolute path"),
    *bad("flask_apm_pip_ca_bundle", ["/etc/hostname"], {}, "/a\nb", fix="Write a path"),
]  # fmt: skip
