# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts: names and passwords that work on every server, and privileges that are only revoked on request."""

from __future__ import annotations

import string
from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.accounts import (
    LONGEST_PASSWORD,
    account_problems,
    account_questions,
    beyond,
    described,
    held_rights,
    name_problem,
    parse_rights,
    password_problem,
    quoted,
    salt,
    schema_problem,
)
from anything import ANYTHING
from hypothesis import given

PRINTABLE = "".join(map(chr, range(32, 127)))


@pytest.mark.parametrize("name", ["shop", "größe", "a/b", "a b", "a%b", "a@b", "a.b", "x" * 32])
def test_names_that_every_server_accepts(name: str) -> None:
    assert name_problem("v", name) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        *((name, "an account of the server itself") for name in ("root", "ROOT", " root ", "mysql", "Mysql.Sys")),
        *((name, "an account of the server itself") for name in ("mysql.session", "mysql.infoschema", "mariadb.sys")),
        *((name, "an account of the server itself") for name in ("debian-sys-maint", "PUBLIC", "event_scheduler", "")),
        ("x" * 33, "longer than the 32 characters that mysql allows"),
        ("it's", "Choose a name without '"),
        ('a"b', 'Choose a name without "'),
        ("a`b", "Choose a name without `"),
        ("a\\b", "Choose a name without \\"),
        (" shop", "which starts or ends with a space"),
        ("shop\n", "or contains a control character"),
        (5, "Write the account's name, in quotes"),
        (None, "Write the account's name"),
    ],
)
def test_invalid_names_are_refused(name: Any, words: str) -> None:
    assert words in (name_problem("v", name) or "")


def test_mariadb_accepts_longer_names() -> None:
    assert name_problem("v", "x" * 128, "mariadb") is None
    assert "128 characters that mariadb allows" in (name_problem("v", "x" * 129, "mariadb") or "")


@pytest.mark.parametrize("name", ["shop", "my-web_1", "größe", "a b", "a%b", "1e3", "x" * 64])
def test_database_names_that_every_server_accepts(name: str) -> None:
    assert schema_problem("v", name) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.b", "without ."),
        ("a/b", "without /"),
        ("it's", "without '"),
        ('a"b', 'without "'),
        ("MySQL", "a schema of the server itself"),
        ("a`b", "without `"),
        ("a\\b", "without \\"),
        ("shop ", "which starts or ends with a space"),
        ("x" * 65, "longer than the 64 characters"),
        ("", "in quotes"),
        (12, "in quotes"),
    ],
)
def test_invalid_database_names_are_refused(name: Any, words: str) -> None:
    assert words in (schema_problem("v", name) or "")


@pytest.mark.parametrize("password", [PRINTABLE, "x" * 128, "x" * LONGEST_PASSWORD, " leading and trailing "])
def test_passwords_that_work_end_to_end(password: str) -> None:
    assert password_problem("v", password, read_by="the Agent") is None


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("größe12345", "v has a character outside ASCII"),
        ("grösse\u20ac1234", "the Agent sends Latin-1"),
        ("tab\there12", "or one that is not printable"),
        ("line\nbreak12", "is not printable"),
        ("del\x7fete123", "is not printable"),
        ("x" * (LONGEST_PASSWORD + 1), "longer than 213 characters"),
        ("brief", "missing or shorter than 8 characters"),
        ("", "missing"),
        (None, "missing"),
        (True, "missing"),
        (12345678, "v is a number. Put it in quotes"),
    ],
)
def test_unusable_passwords_are_refused_and_not_shown(password: Any, words: str) -> None:
    problem = password_problem("v", password, read_by="the Agent") or ""
    assert words in problem
    assert not password or str(password) not in problem


@pytest.mark.parametrize(
    ("text", "rights"),
    [
        ("shop.*:ALL", {"shop.*": {"ALL"}}),
        ("*.*:all privileges", {"*.*": {"ALL"}}),
        ("`shop`.`posts`:SELECT , insert", {"shop.posts": {"SELECT", "INSERT"}}),
        ("Shop.*:SELECT,GRANT/blog.*:ALL", {"shop.*": {"SELECT", "GRANT OPTION"}, "blog.*": {"ALL"}}),
        ("shop.posts:SELECT (id, `Name`),UPDATE(id)", {"shop.posts": {"SELECT (id)", "SELECT (name)", "UPDATE (id)"}}),
        ("PROCEDURE shop.explain:EXECUTE", {"procedure shop.explain": {"EXECUTE"}}),
        ("*.*:REPLICATION CLIENT,PROCESS", {"*.*": {"BINLOG MONITOR", "PROCESS"}}),
        ("a:b.*:SELECT", {"a:b.*": {"SELECT"}}),
        ("`shop`.*:SELECT", {"shop.*": {"SELECT"}}),
    ],
)
def test_privileges_are_parsed_as_by_the_module(text: str, rights: dict[str, set[str]]) -> None:
    assert parse_rights("v", text) == (rights, [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shop.*", "'shop.*' has no place or no privileges"),
        ("shop:ALL", "has no place"),
        ("shop.*:", "'' is not a privilege"),
        ("shop.*:SELECT;DROP", "'SELECT;DROP' is not a privilege"),
        ("shop.*:SELECT//blog.*:ALL", "'' has no place"),
        ("a`b.*:SELECT", "has no place"),
        ("`a`b`.*:SELECT", "has no place"),
        ("", "is missing"),
        (None, "is missing"),
        (["shop.*:ALL"], "is missing"),
    ],
)
def test_privileges_that_the_module_cannot_parse_are_refused(text: Any, words: str) -> None:
    rights, [problem] = parse_rights("v", text)
    assert rights == {}
    assert words in problem


@pytest.mark.parametrize(
    ("held", "asked", "left"),
    [
        ({"*.*": {"USAGE"}, "shop.*": {"SELECT"}}, {"shop.*": {"SELECT"}}, {}),
        ({"shop.*": {"SELECT", "DROP"}}, {"shop.*": {"ALL"}}, {}),
        ({"shop.*": {"SELECT", "GRANT OPTION"}}, {"shop.*": {"ALL"}}, {"shop.*": {"GRANT OPTION"}}),
        ({"*.*": {"SUPER"}, "blog.*": {"SELECT"}}, {"blog.*": {"SELECT"}}, {"*.*": {"SUPER"}}),
        ({"shop.*": {"SELECT"}}, {}, {"shop.*": {"SELECT"}}),
        ({}, {"shop.*": {"SELECT"}}, {}),
    ],
)
def test_additional_privileges_are_found(held: Any, asked: Any, left: Any) -> None:
    assert beyond(held, asked) == left


def test_privileges_are_described_briefly_in_order() -> None:
    assert described({"b.*": {"UPDATE", "SELECT"}, "a.*": {"ALL"}}) == "ALL on a.*; SELECT, UPDATE on b.*"
    assert described({"*.*": set("ABCDEF")}) == "A, B, C, D, E, F on *.*"
    assert described({"*.*": set("ABCDEFG")}) == "A, B, C, D, E and 2 more on *.*"


ACCOUNT = {"name": "shop", "host": "LOCALHOST", "password": "geheim-geheim", "priv": "shop.*:SELECT"}


def answers(*, ours: int = 0, **held: list[tuple[str, str, str]]) -> list[list[dict[str, Any]]]:
    """Return a server's rows about an account, one per privilege, by level."""
    rows = [
        [{"grantee": "'shop'@'localhost'", "place": place, "held": right, "grants": grants} for place, right, grants in
         held.get(kind, [])]
        for kind in ("user", "schema", "table", "column", "routine")
    ]  # fmt: skip
    return [[{"name": "shop", "host": "localhost", "ours": ours}], *rows]


def test_privileges_of_every_level_are_read() -> None:
    found = held_rights(
        answers(
            ours=1,
            user=[("*.*", "PROCESS", "NO")],
            schema=[("Shop.*", "SELECT", "YES")],
            table=[("shop.posts", "INSERT", "NO")],
            column=[("shop.posts", "SELECT (Id)", "NO")],
            routine=[("PROCEDURE shop.buy", "Execute,Alter Routine", "NO")],
        )
    )
    assert found == {
        ("shop", "localhost"): (
            True,
            {
                "*.*": {"PROCESS"},
                "shop.*": {"SELECT", "GRANT OPTION"},
                "shop.posts": {"INSERT", "SELECT (id)"},
                "procedure shop.buy": {"EXECUTE", "ALTER ROUTINE"},
            },
        )
    }


def test_foreign_account_keeps_its_privileges_and_is_reported_with_the_fix() -> None:
    [problem] = account_problems([ACCOUNT], answers(schema=[("blog.*", "UPDATE", "NO"), ("shop.*", "SELECT", "NO")]))
    assert "mysql_users, account 'shop'@'LOCALHOST'" in problem
    assert "it would lose UPDATE on blog.*" in problem
    assert "append_privs, where true keeps them and false revokes them." in problem
    assert "geheim" not in problem


@pytest.mark.parametrize(
    ("change", "ours"), [({}, 1), ({"append_privs": True}, 0), ({"append_privs": False}, 0), ({"priv": "*.*:ALL"}, 0)]
)
def test_own_or_approved_account_is_accepted(change: dict[str, Any], ours: int) -> None:
    held = answers(ours=ours, user=[("*.*", "SUPER", "NO")])
    assert account_problems([{**ACCOUNT, **change}], held) == []


def test_missing_account_is_accepted() -> None:
    assert account_problems([ACCOUNT], [[], [], [], [], [], []]) == []


def test_statements_have_no_password_and_quote_names() -> None:
    asked = account_questions([{**ACCOUNT, "name": "a'b\\"}], "host1")
    assert len(asked) == len(answers())
    assert "geheim" not in str(asked)
    assert all(
        "('a''b\\\\', 'localhost')" in question or "'''a''b\\\\''@''localhost'''" in question for question in asked
    )
    assert f"SUBSTRING(authentication_string, 8, 20) = '{salt('host1', chr(97) + chr(39) + 'b' + chr(92))}'" in asked[0]


def test_no_accounts_give_a_statement_without_rows() -> None:
    assert "WHERE (user, host) IN (('', ''))" in account_questions([], "host1")[0]


def test_any_text_becomes_one_sql_string() -> None:
    assert quoted("a'b\\c") == "'a''b\\\\c'"


def test_salt_is_twenty_ascii_characters_that_depend_on_host_and_name() -> None:
    assert len(salt("h", "n")) == 20 and set(salt("h", "n")) <= set(string.hexdigits)
    assert len({salt("h", "n"), salt("i", "n"), salt("h", "m")}) == 3


@given(value=ANYTHING)
def test_no_type_crashes(value: Any) -> None:
    for problem in (name_problem("v", value), schema_problem("v", value), password_problem("v", value, read_by="x")):
        assert problem is None or isinstance(problem, str)
    assert isinstance(parse_rights("v", value)[1], list)
