# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that prepares a server for Database Monitoring, with a fake driver and fake server programs."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymysql
import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.dbm import MARK
from ansible_collections.kennel.fleet.plugins.modules import mysql_dbm

Run = Callable[..., dict[str, Any]]

# Both programs read the settings file: one prints its settings, the other applies them to the server.
PROGRAM = """#!{python}
import sys
from pathlib import Path
file, later, running, restarts = map(Path, {paths!r})
lines = [line.replace(" ", "") for path in (file, later) if path.exists() for line in path.read_text().splitlines()]
given = [line for line in lines if "=" in line]
if sys.argv[1] == "--print-defaults":
    sys.exit(print("would have been started with:", *("--" + line for line in given)))
restarts.write_text(restarts.read_text() + "x")
if "max_digest_length=6660" in given:
    sys.exit("Job for mysql.service failed.")
if "ignored=1" not in given:
    running.write_text("\\n".join(given))
"""
SETTINGS = {"max_digest_length": 4096, "performance_schema_consumer_events_waits_current": "ON"}


class Server:
    """The server's schemas, procedures and consumers, which the module's statements change."""

    def __init__(self, folder: Path) -> None:
        self.file, self.later = folder / "zz-kennel-dbm.cnf", folder / "zzz.cnf"
        self.running, self.counted = folder / "running", folder / "restarts"
        self.version, self.schemas, self.consumers = "9.7.4", {"shop"}, {"events_waits_current": "NO"}
        self.procedures: dict[tuple[str, str], tuple[str, str, str]] = {}
        self.tables: list[str] = []
        self.statements: list[str] = []
        self.refuses = self.away = False
        self.running.write_text("max_digest_length=1024")
        self.counted.write_text("")

    def answer(self, statement: str, values: Any) -> list[tuple[Any, ...]]:
        named = re.findall(r"`(.*?)`", statement)
        if statement.startswith("SELECT VERSION"):
            return [(self.version,)]
        if statement == "SHOW GLOBAL VARIABLES":
            return [tuple(line.split("=")) for line in self.running.read_text().split()]
        if "schemata" in statement:
            return [(name.encode(),) for name in self.schemas]
        if "procs_priv" in statement:
            return [("other", "localhost")]
        if "setup_consumers" in statement and statement.startswith("SELECT"):
            return [(name,) for name, enabled in self.consumers.items() if enabled == "NO"]
        if "information_schema.tables" in statement:
            return [*((table,) for table in self.tables), *((name,) for schema, name in self.procedures)]
        if "routine_definition" in statement:
            return [(*place, *text) for place, text in self.procedures.items()]
        self.statements.append(statement.split("(")[0].split("\n")[0])
        if self.refuses:
            raise pymysql.OperationalError(1290, "The server is running with the --super-read-only option")
        if statement.startswith("CREATE SCHEMA"):
            self.schemas.add(named[0])
        elif statement.startswith("DROP SCHEMA"):
            self.schemas.remove(named[0])
        elif statement.startswith("DROP PROCEDURE"):
            del self.procedures[named[0], named[1]]
        elif statement.startswith("CREATE PROCEDURE"):
            comment = re.search("COMMENT '(.*)'", statement)[1]
            self.procedures[named[0], named[1]] = (comment, "DEFINER", statement.split("SQL SECURITY DEFINER\n")[1])
        elif statement.startswith("CALL"):
            self.consumers = dict.fromkeys(self.consumers, "YES")
        return []

    def connect(self, **login: Any) -> SimpleNamespace:
        self.login = login
        if self.away:
            raise pymysql.OperationalError(2003, "Can't connect to MySQL server")
        return SimpleNamespace(cursor=lambda: Cursor(self), escape=repr)

    @property
    def restarts(self) -> int:
        return len(self.counted.read_text())


class Cursor:
    def __init__(self, server: Server) -> None:
        self.server = server

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing to close."""

    def execute(self, statement: str, values: Any) -> None:
        self.rows = self.server.answer(statement, values)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.rows)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    server = Server(tmp_path)
    paths = [str(path) for path in (server.file, server.later, server.running, server.counted)]
    for name in ("mariadbd", "systemctl"):
        script = tmp_path / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(PROGRAM.format(python=sys.executable, paths=paths))
        script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(mysql_dbm.pymysql, "connect", server.connect)
    return server


@pytest.fixture
def prepare(run_module: Run, own_files: None, server: Server) -> Run:
    wanted = {"settings": SETTINGS, "settings_file": str(server.file), "service": "mysql", "schemas": ["shop"]}
    return lambda **changes: run_module(mysql_dbm, **{**wanted, **changes})


def test_prepares_the_server_with_one_restart(prepare: Run, server: Server) -> None:
    foreseen = prepare(check=True)
    assert (server.file.exists(), server.statements, server.restarts) == (False, [], 0)
    result = prepare()
    assert result == foreseen
    assert result["actions"] == [
        f"write {server.file}",
        "restart mysql",
        "create schema datadog",
        "create `datadog`.`explain_statement`",
        "create `datadog`.`enable_events_statements_consumers`",
        "create `shop`.`explain_statement`",
        "enable the consumers",
    ]
    assert stat.S_IMODE(server.file.stat().st_mode) == 0o644
    again = prepare()
    assert (again["changed"], again["actions"], again["diff"], server.restarts) == (False, [], [], 1)


def test_settings_in_other_files_are_not_repeated(prepare: Run, server: Server) -> None:
    server.later.write_text("max-digest-length=8192\nperformance_schema_consumer_events_waits_current=1\n")
    server.running.write_text("max_digest_length=8192")
    prepare()
    assert (server.file.exists(), server.restarts) == (False, 0)


def test_server_with_correct_settings_is_not_restarted(prepare: Run, server: Server) -> None:
    server.running.write_text("max_digest_length=4096")
    assert prepare()["actions"][:2] == [f"write {server.file}", "create schema datadog"]
    assert server.restarts == 0


def test_overriding_file_is_reported_without_a_restart(prepare: Run, server: Server) -> None:
    server.later.write_text("max_digest_length=512\n")
    result = prepare()
    assert "max_digest_length is 512. The server was not restarted." in result["msg"]
    assert (server.file.exists(), server.restarts) == (False, 0)


def test_settings_from_a_later_task_are_anticipated(prepare: Run, server: Server) -> None:
    foreseen = prepare(check=True, pending={"max-digest-length": 4096, **SETTINGS})
    server.later.write_text("max_digest_length=4096\nperformance_schema_consumer_events_waits_current=ON\n")
    server.running.write_text("max_digest_length=4096")
    assert prepare() == foreseen
    assert (server.file.exists(), server.restarts) == (False, 0)


def test_anticipated_settings_only_count_in_check_mode(prepare: Run, server: Server) -> None:
    assert prepare(pending=SETTINGS)["actions"][:2] == [f"write {server.file}", "restart mysql"]


def test_failed_or_ineffective_restart_is_reported(prepare: Run, server: Server) -> None:
    message = prepare(settings={"max_digest_length": 6660})["msg"]
    assert "mysql did not restart" in message and "'journalctl -u mysql -n 50' shows why" in message
    # Again, with the original state.
    assert (server.file.exists(), server.restarts) == (False, 2)
    server.later.write_text("ignored=1\n")
    server.running.write_text("max_digest_length=1024")
    assert "mysql was restarted, but max_digest_length is 1024" in prepare()["msg"]


def test_replaced_procedure_keeps_its_privileges(prepare: Run, server: Server) -> None:
    prepare()
    server.procedures["shop", "explain_statement"] = ("", "DEFINER", "BEGIN END")
    server.statements.clear()
    foreseen = prepare(check=True)
    result = prepare()
    assert result == foreseen
    assert server.statements == [
        "DROP PROCEDURE IF EXISTS `shop`.`explain_statement`",
        "CREATE PROCEDURE IF NOT EXISTS `shop`.`explain_statement`",
        "GRANT EXECUTE ON PROCEDURE `shop`.`explain_statement` TO 'other'@'localhost'",
    ]
    [diff] = result["diff"]
    assert diff["before"] == "BEGIN END"


def test_unlisted_schema_loses_its_procedure(prepare: Run, server: Server) -> None:
    prepare()
    assert prepare(schemas=[])["actions"] == ["drop `shop`.`explain_statement`"]


def test_missing_schema_is_reported_before_any_change(prepare: Run, server: Server) -> None:
    assert "This server does not have the schema gone" in prepare(schemas=["gone"])["msg"]
    assert (server.file.exists(), server.statements, server.restarts) == (False, [], 0)
    assert prepare(schemas=["gone"], check=True)["changed"]


def test_disabling_removes_only_own_objects(prepare: Run, server: Server) -> None:
    prepare()
    server.procedures["theirs", "explain_statement"] = ("", "DEFINER", "BEGIN END")
    foreseen = prepare(state="absent", check=True)
    assert server.file.exists()
    result = prepare(state="absent")
    assert result == foreseen
    assert (result["actions"][0], result["actions"][-1]) == (f"remove {server.file}", "drop schema datadog")
    assert list(server.procedures) == [("theirs", "explain_statement")]
    assert server.schemas == {"shop"}
    assert (prepare(state="absent")["changed"], server.restarts) == (False, 1)


def test_schema_with_other_objects_is_kept(prepare: Run, server: Server) -> None:
    prepare()
    server.tables = ["notes"]
    prepare(state="absent")
    assert "datadog" in server.schemas
    assert not any(comment.startswith(MARK) for comment, _security, _body in server.procedures.values())


def test_settings_file_is_kept_if_another_server_reads_it(prepare: Run, server: Server) -> None:
    prepare()
    assert prepare(state="absent", settings_file=None)["actions"][0] == "drop `datadog`.`explain_statement`"
    assert server.file.exists()


def test_settings_file_is_required_to_prepare_a_server(run_module: Run, server: Server) -> None:
    assert "settings_file" in run_module(mysql_dbm, service="mysql")["msg"]


@pytest.mark.parametrize(
    ("given", "login"),
    [
        ({}, {"user": "root"}),
        ({"login_user": "admin", "login_password": "geheim"}, {"user": "admin", "password": "geheim"}),
    ],
)
def test_logs_in_as_root_or_the_given_user(
    prepare: Run, server: Server, given: dict[str, str], login: dict[str, str]
) -> None:
    prepare(**given)
    assert {name: server.login[name] for name in ("user", "password") if name in server.login} == login


def test_check_mode_accepts_a_fresh_host_and_an_unreachable_server_is_reported(prepare: Run, server: Server) -> None:
    server.away = True
    assert prepare(check=True)["changed"]
    assert "root cannot log in through /run/mysqld/mysqld.sock" in prepare()["msg"]


def test_old_server_is_refused_first(prepare: Run, server: Server) -> None:
    server.version = "5.7.44"
    assert "set datadog_mysql_user_dbm to false" in prepare()["msg"]
    assert (server.file.exists(), server.statements) == (False, [])


def test_read_only_replica_is_explained(prepare: Run, server: Server) -> None:
    server.running.write_text("max_digest_length=4096")
    server.refuses = True
    message = prepare()["msg"]
    assert "--super-read-only" in message and "run the role on its source first" in message


def test_missing_driver_is_reported(prepare: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mysql_dbm, "pymysql", None)
    monkeypatch.setattr(mysql_dbm, "PYMYSQL_ERROR", "No module named 'pymysql'", raising=False)
    assert prepare(check=True)["changed"]
    assert "PyMySQL" in prepare()["msg"]
