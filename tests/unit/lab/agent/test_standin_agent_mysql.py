# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stand-in's mysql check behaves like the genuine one (integrations-core, mysql 15 and 16)."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymysql
import pytest
from datadog_checks.base import ConfigurationError

sys.path.append(str(Path(__file__).parents[4] / "lab" / "agent"))

from standin_agent.checks import mysql as module
from standin_agent.checks.mysql import MySqlCheck

SOCK = {"host": "localhost", "sock": "/run/mysqld/mysqld.sock", "username": "datadog", "password": "geheim-geheim"}
TCP = {"host": "db2", "port": 3306, "username": "datadog", "password": "geheim-geheim"}
STATUS = {
    **dict.fromkeys([*module.RATES.values(), *module.GAUGES.values()], "7"),
    **dict.fromkeys(("Innodb_page_size", "Innodb_buffer_pool_pages_total", "Innodb_buffer_pool_pages_free"), "7"),
    "version": "10.11.14-MariaDB",
    "key_buffer_size": "0",
    "pid_file": "/none",
    "performance_schema": "ON",
}


class Server:
    """Answers statements, refuses some, and records all."""

    def __init__(self) -> None:
        self.status, self.refuses, self.asked = dict(STATUS), "-", list[str]()
        self.login: dict[str, Any] = {}
        self.tables = [("shop", "goods", 1, 2)]
        self.port = 3306

    def connect(self, **login: Any) -> Server:
        self.login = login
        if login.get("password") == "wrong-password":
            raise pymysql.OperationalError(1045, "Access denied")
        return self

    def cursor(self) -> Server:
        return self

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing to end."""

    def execute(self, statement: str) -> None:
        self.asked.append(statement)
        if self.refuses in statement:
            raise pymysql.OperationalError(1142, "SELECT command denied")

    def fetchall(self) -> list[tuple[Any, ...]]:
        statement = self.asked[-1]
        if statement == "SHOW GLOBAL STATUS":
            return list(self.status.items())
        answers = {
            "ENGINES": [("InnoDB",)],
            "lock_deadlocks": [(3,)],
            "BINARY LOGS": [("a", 5), ("b", 6)],
            "by_index_usage": [("shop", "goods", "name", 1, 2, 3)],
            "innodb_index_stats": [("shop", "goods", "name", 16384)],
            "performance_schema.threads": [("app", "localhost", "shop", "executing", 2)],
            "GROUP BY table_schema": [("shop", 5)],
            "information_schema.TABLES": self.tables,
            "GROUP BY schema_name": [("schema:shop", 9)],
            "MAX(avg_timer_wait)": [("", 9)],
        }
        return next((rows for word, rows in answers.items() if word in statement), [])


class Given:
    """The metrics, tags and warnings that a check has submitted, by name."""

    def __init__(self, check: MySqlCheck, monkeypatch: pytest.MonkeyPatch) -> None:
        self.values: defaultdict[str, list[float]] = defaultdict(list)
        self.tags: dict[str, list[str]] = {}
        self.hosts: set[str] = set()
        self.warnings: list[str] = []
        self.log: list[str] = []
        for kind in ("gauge", "rate", "monotonic_count", "service_check"):
            monkeypatch.setattr(check, kind, self.take)
        monkeypatch.setattr(check, "warning", lambda text, *values: self.warnings.append(text % values))
        errors = SimpleNamespace(error=lambda text, *values: self.log.append(text % values))
        monkeypatch.setattr(check, "log", errors)

    def take(self, name: str, value: float, tags: list[str], hostname: str, **_more: Any) -> None:
        self.values[name].append(value)
        self.tags[name] = tags
        self.hosts.add(hostname)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server()
    monkeypatch.setattr(module.pymysql, "connect", server.connect)
    monkeypatch.setattr(module, "resolve_db_host", lambda host: "agent" if host in module.LOCAL else host)
    monkeypatch.setattr(
        module, "_process", lambda _file: SimpleNamespace(cpu_times=lambda: SimpleNamespace(user=2.0, system=1.0))
    )
    return server


@pytest.fixture
def run(server: Server, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(times: int = 1, **instance: Any) -> Given:
        check = MySqlCheck("mysql", {}, [instance or SOCK])
        given = Given(check, monkeypatch)
        for _time in range(times):
            check.check(None)
        return given

    return run


@pytest.mark.parametrize(
    "instance",
    [{"sock": "/a", "username": "datadog"}, {"host": "a"}, {"username": "datadog"}, {"host": "", "user": "a"}],
)
def test_instance_without_host_or_user_is_refused_at_load(instance: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="needs a host and a username, or a defaults_file"):
        MySqlCheck("mysql", {}, [instance])


@pytest.mark.parametrize("instance", [SOCK, TCP, {"defaults_file": "/a"}, {"server": "a", "user": "b", "pass": "c"}])
def test_complete_instance_is_accepted(instance: dict[str, Any]) -> None:
    assert MySqlCheck("mysql", {}, [instance])


@pytest.mark.parametrize("change", [{"password": 12345678}, {"service": 5}, {"tags": [1]}])
def test_values_of_the_wrong_type_fail_each_run(run: Any, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="put it in quotes"):
        run(**{**SOCK, **change})


def test_socket_takes_precedence_over_host(run: Any, server: Server) -> None:
    run()
    assert server.login["unix_socket"] == SOCK["sock"] and "host" not in server.login
    run(**TCP)
    assert (server.login["host"], server.login["port"]) == ("db2", 3306)


def test_can_connect_has_the_genuine_tags(run: Any) -> None:
    given = run(2, **SOCK, tags=["a:b"])
    assert set(given.tags["mysql.can_connect"]) == {
        "port:unix_socket",
        "server:/run/mysqld/mysqld.sock",
        "a:b",
        "database_hostname:agent",
        "database_instance:agent",
        "dd.internal.resource:database_instance:agent",
        "dbms_flavor:mariadb",
    }
    assert not {"port", "server"} & {tag.split(":")[0] for tag in given.tags["mysql.net.connections"]}


def test_remote_server_is_reported_by_name_without_cpu_times(run: Any, server: Server) -> None:
    server.status |= {"version": "9.7.4", "server_uuid": "u-1"}
    given = run(2, **TCP)
    assert given.hosts == {"db2"}
    assert {"port:3306", "server:db2", "dbms_flavor:mysql", "server_uuid:u-1"} <= set(given.tags["mysql.can_connect"])
    assert "mysql.performance.user_time" not in given.values


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "0.0.0.0"])
def test_cpu_times_need_a_server_called_localhost(run: Any, host: str) -> None:
    assert run(**{**SOCK, "host": host}).values["mysql.performance.cpu_time"] == [3.0]


def test_wrong_password_is_critical_and_fails_the_run(run: Any, server: Server) -> None:
    with pytest.raises(pymysql.OperationalError):
        run(**{**SOCK, "password": "wrong-password"})


def test_deprecated_option_warns_and_adds_its_metrics(run: Any) -> None:
    extra = {"mysql.performance.query_run_time.avg", "mysql.performance.digest_95th_percentile.avg_us"}
    without = run(2)
    assert (without.warnings, extra & set(without.values)) == ([], set())
    given = run(2, **SOCK, options={"extra_performance_metrics": True})
    assert len(given.warnings) == 2 and "deprecated" in given.warnings[0]
    assert extra <= set(given.values)


def test_log_fsyncs_are_sent_if_the_server_counts_them(run: Any, server: Server) -> None:
    """MariaDB 10.8 and later do not, as the unmodified class showed with 10.11."""
    assert "mysql.innodb.os_log_fsyncs" in run().values
    del server.status["Innodb_os_log_fsyncs"]
    server.status["Innodb_data_fsyncs"] = "9"
    assert "mysql.innodb.os_log_fsyncs" not in run().values


def test_sizes_are_optional_and_missing_tables_cause_a_warning(run: Any, server: Server) -> None:
    options = {"schema_size_metrics": True, "table_size_metrics": True}
    given = run(1, **SOCK, options=options)
    assert given.values["mysql.info.schema.size"] == [5.0] and given.warnings == []
    assert [given.values[f"mysql.info.table.{name}_size"] for name in ("index", "data")] == [[1.0], [2.0]]
    assert {"schema:shop", "table:goods"} <= set(given.tags["mysql.info.table.data_size"])
    server.tables = []
    assert "table_size_metrics: information_schema shows the user no table" in run(1, **SOCK, options=options).warnings
    assert "mysql.info.schema.size" not in run().values


def test_index_metrics_are_queried_at_their_interval(run: Any, server: Server) -> None:
    given = run(3)
    # Usage is only sent for indexes whose sizes are sent.
    assert sum("innodb_index_stats" in statement for statement in server.asked) == 2
    assert all("LIMIT 1000" in statement for statement in server.asked if "innodb_index_stats" in statement)
    assert given.values["mysql.index.size"] == [16384.0]
    assert [given.values[f"mysql.index.{name}"] for name in ("reads", "updates", "deletes")] == [[1.0], [2.0], [3.0]]
    assert {"db:shop", "table:goods", "index:name"} <= set(given.tags["mysql.index.size"])
    assert "mysql.index.size" not in run(1, **SOCK, index_metrics={"enabled": False}).values


@pytest.mark.parametrize(
    ("refused", "said", "logged"),
    [
        ("innodb_index_stats", "", "a query of the mysql check failed"),
        ("SHOW ENGINE", "SHOW ENGINE INNODB STATUS is refused, grant PROCESS", ""),
        ("SHOW BINARY LOGS", "SHOW BINARY LOGS is refused, grant REPLICATION CLIENT", ""),
        ("SHOW REPLICA STATUS", "SHOW REPLICA STATUS is refused, grant REPLICATION CLIENT", ""),
    ],
)
def test_missing_privilege_is_a_warning_or_a_log_line(
    run: Any, server: Server, refused: str, said: str, logged: str
) -> None:
    server.refuses = refused
    server.status["log_bin"] = "ON"
    given = run(1, **SOCK, options={"replication": True})
    assert said in "".join(given.warnings) and bool(given.warnings) is bool(said)
    assert logged in "".join(given.log) and bool(given.log) is bool(logged)
    assert given.values["mysql.net.connections"] == [7.0]


def test_replication_is_queried_if_enabled(run: Any, server: Server) -> None:
    run()
    assert "SHOW REPLICA STATUS" not in server.asked and "SHOW BINARY LOGS" not in server.asked
    run(1, **SOCK, dbm=True)
    assert "SHOW REPLICA STATUS" in server.asked
