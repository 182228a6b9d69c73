# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requirements of Database Monitoring: procedures, settings and versions of the server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.dbm import (
    MARK,
    SCHEMA,
    Found,
    Procedure,
    compare,
    for_restart,
    lacking,
    options_given,
    settings_text,
    skips_what_is_there,
    version_problem,
    wanted_procedures,
)

ROLE = Path(__file__).resolve().parents[5] / "roles" / "datadog_mysql_user"


def made(item: Procedure) -> Found:
    return Found(item.schema, item.name, item.comment, "DEFINER", item.body)


def test_procedures_are_in_datadogs_and_each_listed_schema() -> None:
    places = [item.place for item in wanted_procedures(["shop"])]
    assert places == [
        "`datadog`.`explain_statement`",
        "`datadog`.`enable_events_statements_consumers`",
        "`shop`.`explain_statement`",
    ]


@pytest.mark.parametrize("item", wanted_procedures(["shop"]), ids=lambda item: item.place)
def test_procedure_runs_as_its_definer_and_is_marked(item: Procedure) -> None:
    statement = item.create(unless_there=False)
    assert statement.startswith(f"CREATE PROCEDURE {item.place}(")
    assert "\nSQL SECURITY DEFINER\n" in statement
    assert f"COMMENT '{MARK} " in statement
    assert item.create(unless_there=True).startswith(f"CREATE PROCEDURE IF NOT EXISTS {item.place}(")


def test_correct_procedures_are_left_alone() -> None:
    wanted = wanted_procedures(["shop"])
    assert compare(wanted, [made(item) for item in wanted]) == ([], [])


@pytest.mark.parametrize(
    "change", [{"body": "BEGIN END"}, {"security": "INVOKER"}, {"comment": f"{MARK} 0123"}, {"comment": ""}]
)
def test_different_procedures_are_recreated(change: dict[str, str]) -> None:
    wanted = wanted_procedures(["shop"])
    found = [made(item) for item in wanted]
    found[2] = replace(found[2], **change)
    assert compare(wanted, found) == ([wanted[2]], [])


def test_different_parameters_are_a_difference() -> None:
    item = wanted_procedures([])[0]
    assert replace(item, parameters="IN explained TEXT").comment != item.comment


def test_only_own_procedures_are_removed_from_unlisted_schemas() -> None:
    old, theirs = made(wanted_procedures(["old"])[2]), Found("theirs", "explain_statement", "", "DEFINER", "BEGIN END")
    differing, stale = compare(wanted_procedures([]), [old, theirs])
    assert [item.schema for item in differing] == [SCHEMA, SCHEMA]
    assert stale == [old]


def test_options_are_read_from_the_servers_output() -> None:
    said = "/usr/sbin/mysqld would have been started with the following arguments:\n"
    said += "--max-digest-length=1024 --performance_schema --max_digest_length=4096 \n"
    assert options_given(said) == {"max_digest_length": "4096", "performance_schema": "ON"}


@pytest.mark.parametrize(
    ("wanted", "there", "enough"),
    [
        (4096, "4096", True),
        (4096, "8192", True),
        (4096, "1024", False),
        (4096, "4K", False),
        ("4096", "4096", True),
        ("ON", "ON", True),
        ("ON", "on", True),
        ("ON", "1", True),
        ("ON", "OFF", False),
        ("ON", "0", False),
        ("OFF", "0", True),
        (1, "ON", True),
        (1, "OFF", False),
        (0, "OFF", True),
        (4096, None, False),
    ],
)
def test_setting_is_sufficient_if_equal_or_larger(wanted: object, there: str | None, enough: bool) -> None:
    found = lacking({"x": wanted}, {} if there is None else {"x": there})
    assert found == ([] if enough else [f"x is {there or 'not set'}"])


def test_all_settings_except_consumers_need_a_restart() -> None:
    settings = yaml.safe_load((ROLE / "defaults/main.yml").read_text())["datadog_mysql_user_dbm_settings"]
    assert for_restart(settings) == {
        "performance_schema": "ON",
        "max_digest_length": 4096,
        "performance_schema_max_digest_length": 4096,
        "performance_schema_max_sql_text_length": 4096,
    }
    text = settings_text(settings, "# x\n")
    assert text.startswith("# x\n[mysqld]\nmax_digest_length = 4096\n")
    assert lacking(settings, options_given(" ".join(f"--{line.replace(' ', '')}" for line in text.split("\n")))) == []


@pytest.mark.parametrize(
    ("version", "problem"),
    [
        ("8.0.44-0ubuntu0.24.04.1", None),
        ("9.7.4-0", None),
        ("10.11.14-MariaDB-0+deb12u2", None),
        ("11.8.3-MariaDB-1", None),
        ("5.7.44-log", "MySQL 5.7.44-log is too old"),
        ("10.4.34-MariaDB", "needs 10.5. Upgrade it"),
    ],
)
def test_old_server_is_reported(version: str, problem: str | None) -> None:
    found = version_problem(version)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize(
    ("version", "skips"),
    [("8.0.28", False), ("8.0.29", True), ("9.7.4", True), ("10.11.14-MariaDB", True)],
)
def test_replication_guard_is_used_if_the_server_supports_it(version: str, skips: bool) -> None:
    assert skips_what_is_there(version) is skips
