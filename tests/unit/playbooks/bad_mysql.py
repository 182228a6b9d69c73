# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invalid inputs of the roles mysql and datadog_mysql_user."""

from __future__ import annotations

from typing import Any

from bad_agent import SWITCHES
from cases import INFINITY, NAN, SECRET, Case, bad

LONG = "x" * 129


def user(**fields: Any) -> list[dict[str, Any]]:
    """Return a list with one account, with these fields."""
    return [{"name": "shop", "password": f"{SECRET}-of-shop", "priv": "shop.*:ALL", **fields}]


MYSQL: list[Case] = [
    *bad("mysql_flavour", "postgres", "MySQL", "", 5, ["mysql"], {}, True, fix="write mariadb or mysql"),
    *bad("mysql_packages", "mariadb-server", 5, {}, fix="write a list"),
    *bad("mysql_packages", [], fix="at least one", show=False),
    *bad("mysql_packages", "", "a b", "MariaDB", "x;y", "-o", "a=", "a/../b", 5, fix="write",
         build=lambda name: [name]),
    *bad("mysql_packages", ["a"], {"a": 1}, "a\nb", fix="write a string", build=lambda name: [name]),
    *bad("mysql_settings", "x", [], 5, fix="write a dictionary"),
    *bad("mysql_settings", "a b", "x]", "[client]", "!include", "!includedir", "#x", "a=b", ";x", "a'b", "1a", "-a",
         fix="write", build=lambda name: {name: 1}),
    *bad("mysql_settings", {"": 1}, {1: 2}, {"a\nb": 1}, fix="key", show=False),
    *bad("mysql_settings", None, [1], {"b": 1}, "x\ny", "x # y", NAN, INFINITY, "'x", "x\ty", fix="",
         build=lambda value: {"max_connections": value}),
    *bad("mysql_monitoring_settings", "x", [], 5, fix="write a dictionary"),
    *bad("mysql_monitoring_settings", "a b", "x]", "!include", fix="write", build=lambda name: {name: 1}),
    *bad("mysql_monitoring_settings", None, [1], "x\ny", fix="", build=lambda value: {"max_connections": value}),
    *bad("mysql_databases", "shop", {}, 5, fix="write a list"),
    *bad("mysql_databases", "shop", 5, ["shop"], fix="write a dictionary", build=lambda value: [value]),
    *bad("mysql_databases", {}, {"name": None}, {"name": ""}, {"name": "a", "encoding": "x"}, fix="",
         build=lambda item: [item], show=False),
    *bad("mysql_databases", "a'b", 'a"b', "a`b", "a/b", "a\\b", "a.b", "x" * 65, "mysql", "MySQL", "sys",
         "information_schema", "performance_schema", "a ", " a", "a\tb", ["a"], {}, "#mysql50#a", fix="",
         build=lambda name: [{"name": name}]),
    *bad("mysql_databases", "shop", fix="twice", build=lambda name: [{"name": name}, {"name": name}]),
    *bad("mysql_users", "shop", {}, 5, fix="write a list"),
    *bad("mysql_users", "shop", 5, ["shop"], fix="write a dictionary", build=lambda value: [value]),
    *bad("mysql_users", "", None, fix="name", build=lambda name: user(name=name), show=False),
    *bad("mysql_users", "root", "ROOT", "mysql", "mariadb.sys", "mysql.sys", "mysql.session", "debian-sys-maint",
         "PUBLIC", "event_scheduler", LONG, "a'b", 'a"b', "a`b", "a\\b", "a ", " a", "a\nb", ["a"], {}, fix="",
         build=lambda name: user(name=name)),
    *bad("mysql_users", "x" * 33, fix="32 characters", build=lambda name: user(name=name),
         also={"mysql_flavour": "mysql"}, show=False),
    *bad("mysql_users", "", None, [SECRET], {SECRET: 1}, SECRET + "\u00fc", SECRET * 40, f"{SECRET}\nx", True, fix="",
         build=lambda password: user(password=password), show=False),
    *bad("mysql_users", "a b", "a'b", 'a"b', "a\nb", "a`b", "x" * 256, ["a"], {}, "", "a\\b", "a@b", None, fix="rite",
         build=lambda host: user(host=host)),
    *bad("mysql_users", "", None, fix="write", build=lambda priv: user(priv=priv), show=False),
    *bad("mysql_users", 5, "shop.*", "SELECT", "shop.*:", "shop.*:SELEKT", "shop.*:SELECT,", ":ALL", "shop:ALL",
         "x.y.z:",
         "shop.*:ALL;DROP", "shop.*:SELECT(", "shop.*:NO_SUCH_RIGHT", "shop.*:SELECT,UPDAET", "a`.*:ALL", ["x"], {},
         fix="rite", build=lambda priv: user(priv=priv)),
    *bad("mysql_users", "perhaps", 2, [True], fix="write true or false",
         build=lambda append: user(append_privs=append)),
    *bad("mysql_users", "pasword", "privs", "state", fix="not a known field", build=lambda name: user(**{name: "x"})),
    *bad("mysql_users", "shop", fix="twice", build=lambda name: user(name=name) * 2),
    *bad("mysql_users", "LOCALHOST", fix="twice", build=lambda host: user(host=host) + user(), show=False),
    *bad("mysql_users", "datadog", fix="datadog_mysql_user_name", build=lambda name: user(name=name)),
    *bad("mysql_socket", "", "relative", "/run/x\ny", ["/x"], {}, "/", "/run/a b", 5, "/run/x;y", fix="write"),
]  # fmt: skip

P = "datadog_mysql_user_"
LOCAL = {f"{P}connection": {"sock": "/run/mysqld/mysqld.sock"}, f"{P}dbm": False}
DBM = {**LOCAL, f"{P}dbm": True}
REMOTE = {
    **LOCAL,
    f"{P}instances": [{"connection": {"host": "db9.example.com"}, "login_user": "x", "login_password": f"{SECRET}-9"}],
}
INTEGRATION: list[Case] = [
    *bad(f"{P}password", "", SECRET, SECRET * 40, f"{SECRET}-\u00fc", f"ENC[{SECRET}]", f"{SECRET}%%env_X%%",
         [SECRET * 2],
         {SECRET: 1}, f"{SECRET}-\nx", 12345678, fix="", show=False),
    *bad(f"{P}name", "", "root", "Root", "mysql", "mariadb.sys", "debian-sys-maint", "mysql.sys", "a b", "a'b",
         "x" * 33,
         "a-b", "a\nb", ["a"], {}, fix=""),
    *bad(f"{P}host", "", "a b", "a'b", 'a"b', "a`b", "a\nb", ["a"], {}, "x" * 256, fix="write"),
    *bad(f"{P}max_connections", 0, -1, "abc", 1.5, "", True, [5], NAN, INFINITY, 10**12, fix="whole number",
         also={f"{P}dbm": False}),
    *bad(f"{P}socket", "", "relative", "/a\nb", ["/x"], {}, "/", fix="write"),
    *bad(f"{P}connection", "x", [], 5, fix="write a dictionary"),
    *bad(f"{P}connection", {}, {"port": 3306}, {"host": ""}, {"sock": ""}, {"charset": "utf8"}, fix="has no address",
         show=False),
    *bad(f"{P}connection", 0, 65536, "abc", -1, True, [1], 1.5, fix="a port",
         build=lambda port: {"host": "localhost", "port": port}),
    *bad(f"{P}connection", 5, ["/x"], "relative", "/a\nb", fix="", build=lambda sock: {"sock": sock}),
    *bad(f"{P}connection", "a b", "a\nb", "http://a", "a;b", ["a"], fix="", build=lambda host: {"host": host}),
    *bad(f"{P}connection", {"user": "x"}, {"username": "x"}, {"password": SECRET}, {"pass": SECRET}, {"tags": []},
         {"options": {}}, {"dbm": True}, {"defaults_file": "/x"}, {"server": "x"}, {"hots": "x"},
         {"schemas_collection": {}},
         {"connect_timeout": "x"}, {"connect_timeout": True}, {"connect_timeout": -1}, {"ssl": "x"}, {"ssl": {"x": 1}},
         {"ssl": {"ca": 5}}, {"custom_queries": {}}, {"custom_queries": ["x"]},
         {"query_metrics": {"enabled": "perhaps"}},
         {"query_metrics": {"enabledd": True}}, {"index_metrics": {"limit": "x"}}, {"min_collection_interval": "x"},
         {"min_collection_interval": 0}, {"propagate_agent_tags": "perhaps"}, {"aws": {"managed_authentication": {}}},
         {"metric_patterns": {"include": "x"}}, {"charset": 5}, {"reported_hostname": ["x"]},
         fix="", build=lambda more: {"sock": "/run/mysqld/mysqld.sock", **more}, show=False),
    *bad(f"{P}connection", NAN, INFINITY, fix="finite number",
         build=lambda value: {"sock": "/x", "connect_timeout": value}, show=False),
    *bad(f"{P}connection", "db9.example.com", fix="login_user", build=lambda host: {"host": host}),
    *bad(f"{P}options", "x", [], 5, fix="write a dictionary"),
    *bad(f"{P}options", {"replikation": True}, {"replication": "perhaps"}, {"replication": 2},
         {"replication_channel": 5},
         {"extra_performance_metrics": True}, {"replication_non_blocking_status": True}, {"galera_cluster": [True]},
         fix="", show=False),
    *bad(f"{P}options", "schema_size_metrics", "table_size_metrics", "table_rows_stats_metrics", fix="SELECT",
         build=lambda name: {name: True}, also={f"{P}privileges": {}}),
    *bad(f"{P}connection", "collect_schemas", fix="SELECT", also={f"{P}privileges": {}},
         build=lambda name: {"sock": "/run/mysqld/mysqld.sock", name: {"enabled": True}}),
    *bad(f"{P}options", {"": True}, {1: True}, {"replication": NAN}, fix="", show=False),
    *bad(f"{P}tags", "env:x", {}, 5, fix="write a list"),
    *bad(f"{P}tags", "web", "env:", "host:x", "env:a\nb:c", ["env:x"], fix="", build=lambda tag: [tag]),
    *bad(f"{P}privileges", "x", [], 5, fix="write a dictionary"),
    *bad(f"{P}privileges", {"shop.*": ""}, {"shop": "SELECT"}, {"shop.*": "SELEKT"}, {"shop.*": 5}, {"shop.*": None},
         {"shop.*": ["SELECT"]}, {"": "SELECT"}, {5: "SELECT"}, {"shop.*": "SELECT;DROP"}, fix="", show=False),
    *bad(f"{P}agent_enabled", *SWITCHES, fix="write true or false"),
    Case(f"{P}dbm", {f"{P}agent_version": "7.35.0", **DBM}, ("increase datadog_agent_version", "7.35.0")),
    Case(f"{P}host", {f"{P}host": "localhost", **REMOTE}, ("'localhost'", "write the host that the Agent logs")),
    Case(f"{P}dbm", {f"{P}host": "%", **REMOTE, f"{P}dbm": True}, ("set create: false in its item",)),
    *bad(f"{P}dbm", "perhaps", 2, "", [True], {}, fix="write true or false"),
    *bad(f"{P}dbm_schemas", "shop", 5, {}, fix="write a list", also=DBM),
    *bad(f"{P}dbm_schemas", "a b", "mysql", "datadog", "", "a`b", "x" * 65, ["a"], {}, "sys", fix="",
         build=lambda name: [name], also=DBM),
    *bad(f"{P}dbm_settings", "x", [], 5, fix="write a dictionary", also=DBM),
    *bad(f"{P}dbm_settings", {"max_connections": 5}, {"max_digest_length": "x"}, {"max_digest_length": None},
         {"performance_schema": "MAYBE"}, {"max_digest_length": -1}, {"max_digest_length": [1]}, {5: 5},
         {"max_digest_length": NAN}, fix="", also=DBM, show=False),
    *bad(f"{P}instances", "x", {}, 5, fix="write a list"),
    *bad(f"{P}instances", [], fix="at least one", show=False),
    *bad(f"{P}instances", 5, "x", [{}], fix="write a dictionary", build=lambda item: [item]),
    *bad(f"{P}instances", {"nam": "x"}, {"create": "perhaps"}, {"flavour": "postgres"}, {"service": "a b"},
         {"password": "short"}, {"name": "root"}, {"host": "a b"}, {"max_connections": "x"}, {"max_connections": 0},
         {"socket": "relative"}, {"connection": "x"}, {"connection": {"hots": "x"}}, {"options": {"x": 1}},
         {"tags": ["web"]}, {"privileges": {"x": "y"}}, {"login_user": "x", "create": False}, {"dbm": "perhaps"},
         {"connection": {"host": "db9.example.com"}}, {"service": ["x"]},
         {"connection": {"host": "db9.example.com"}, "login_user": "a\nb", "login_password": SECRET, "host": "%"},
         fix="", build=lambda item: [item], show=False, also=LOCAL),
    *bad(f"{P}instances", [{}, {}], [{}, {"socket": "/run/mysqld/mysqld.sock"}], fix="the same server", show=False,
         also=LOCAL),
]  # fmt: skip
