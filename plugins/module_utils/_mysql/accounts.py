# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accounts of MySQL and MariaDB: names, passwords, requested privileges, and privileges that an account has. Pure.

A problem is a sentence that names the variable and the fix, and never contains a password.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable
from typing import Any

from .rights import RIGHTS, is_right

# Accounts of the server itself and of the distribution. For MariaDB, PUBLIC means everybody.
_RESERVED = ("", "root", "mysql", "public", "debian-sys-maint", "event_scheduler", "system user")
_RESERVED_PREFIXES = ("mysql.", "mariadb.")
# MySQL: 32 characters (manual 8.4, "Account Names"). MariaDB: 128 (column User of mysql.global_priv, 10.11).
LONGEST_NAME = {"mysql": 32, "mariadb": 128}
# With its terminating byte, the password fills the 214 bytes that RSA with OAEP can encrypt with the server's 2048-bit
# key, which PyMySQL uses over TCP (PyMySQL 1.2, _auth.py).
LONGEST_PASSWORD = 213
SHORTEST_PASSWORD = 8
LONGEST_SCHEMA = 64
# Characters that break community.mysql 3.16, tested with MySQL 9.7 and MariaDB 10.11 and 11.8: the first ones in the
# name of a user at the second run, the others in the name of a database, or in privileges on it.
_NOT_IN_NAMES = "'\"`\\"
_NOT_IN_SCHEMAS = "./`'\"\\#"
_OWN_SCHEMAS = ("information_schema", "mysql", "performance_schema", "sys")
_RIGHT = re.compile(r"([A-Za-z][A-Za-z_ ]*?)\s*(?:\(([^()]*)\))?\Z")
_QUOTED = re.compile("`[^`]*`")
# Two names of the same privilege: MariaDB grants the second for the first (10.5, "GRANT").
_SAME = {
    "REPLICATION CLIENT": "BINLOG MONITOR",
    "REPLICATION REPLICA": "REPLICATION SLAVE",
    "REPLICA MONITOR": "SLAVE MONITOR",
    "DELETE VERSIONING ROWS": "DELETE HISTORY",
}

# How many privileges of a place an error lists. ALL consists of dozens.
SHOWN = 5

Rights = dict[str, set[str]]


def name_problem(variable: str, name: Any, flavour: str = "mysql") -> str | None:
    """Return why this cannot be the name of an account that a role creates, or None."""
    if not isinstance(name, str):
        return f"{variable} is {name!r}. Write the account's name, in quotes."
    folded = name.strip().casefold()
    if folded in _RESERVED or folded.startswith(_RESERVED_PREFIXES):
        return f"{variable} is {name!r}, an account of the server itself. Choose another name."
    most = LONGEST_NAME.get(flavour, LONGEST_NAME["mysql"])
    if len(name) > most:
        limit = f"the {most} characters that {flavour} allows"
        return f"{variable} {name[:20]!r}... is longer than {limit}. Choose a shorter name."
    return _character_problem(variable, name, _NOT_IN_NAMES)


def schema_problem(variable: str, name: Any) -> str | None:
    """Return why this cannot be the name of a database that a role creates, or None."""
    if not isinstance(name, str) or not name:
        return f"{variable} is {name!r}. Write the database's name, in quotes."
    if len(name) > LONGEST_SCHEMA:
        limit = f"the {LONGEST_SCHEMA} characters that servers allow"
        return f"{variable} {name[:20]!r}... is longer than {limit}. Choose a shorter name."
    if name.casefold() in _OWN_SCHEMAS:
        return f"{variable} is {name!r}, a schema of the server itself. Choose another name."
    return _character_problem(variable, name, _NOT_IN_SCHEMAS)


def _character_problem(variable: str, name: str, refused: str) -> str | None:
    if name != name.strip() or not name.isprintable():
        return f"{variable} is {name!r}, which starts or ends with a space or contains a control character. Remove it."
    if found := sorted(set(name) & set(refused)):
        return f"{variable} is {name!r}. Choose a name without {' and '.join(found)} in it."
    return None


def password_problem(variable: str, password: Any, *, read_by: str, least: int = SHORTEST_PASSWORD) -> str | None:
    """Return why nobody could log in with this password, or None. READ_BY names the client that sends it."""
    if isinstance(password, (int, float)) and not isinstance(password, bool):
        return f"{variable} is a number. Put it in quotes."
    if not isinstance(password, str) or len(password) < least:
        short = f" or shorter than {least} characters" if least > 1 else ""
        return f"{variable} is missing{short}. Set it, from a vault."
    if not all(" " <= character <= "~" for character in password):
        # PyMySQL 1.2, connections.py: password.encode("latin1"). The server hashes the UTF-8 form.
        return (
            f"{variable} has a character outside ASCII, or one that is not printable. Servers keep passwords as UTF-8, "
            f"and {read_by} sends Latin-1, so every login would fail. Use letters, digits, spaces and punctuation "
            "of ASCII."
        )
    if len(password) > LONGEST_PASSWORD:
        return (
            f"{variable} is longer than {LONGEST_PASSWORD} characters, the limit for a login over TCP. "
            "Use a shorter one."
        )
    return None


def parse_rights(variable: str, text: Any) -> tuple[Rights, list[str]]:
    """Return the privileges in a text such as ``shop.*:SELECT,INSERT/blog.posts:ALL`` by place, and its problems."""
    rights: Rights = {}
    if not isinstance(text, str) or not text.strip():
        return rights, [f"{variable} is missing. Write one such as 'shop.*:ALL'."]
    said = f"{variable} is {text[:100]!r}"
    for part in text.split("/"):
        place, colon, names = part.strip().rpartition(":")
        if not colon or "." not in place or "`" in _QUOTED.sub("", place):
            return {}, [f"{said}: {part.strip()!r} has no place or no privileges. Write one such as 'shop.*:SELECT'."]
        # Commas inside parentheses separate columns.
        for name in re.split(r",(?![^(]*\))", names):
            found = _RIGHT.match(name.strip())
            if not found:
                return {}, [f"{said}: {name.strip()!r} is not a privilege. Write one such as SELECT."]
            if not is_right(found[1]):
                near = difflib.get_close_matches(_right(found[1])[0], RIGHTS, 1)
                fix = f"Did you mean {near[0]}?" if near else "Write one such as SELECT."
                return {}, [f"{said}: no server has the privilege {found[1]!r}. {fix}"]
            rights.setdefault(_place(place), set()).update(_right(found[1], found[2]))
    return rights, []


def _place(place: str) -> str:
    return place.replace("`", "").strip().casefold()


def _right(name: str, columns: str | None = None) -> list[str]:
    name = " ".join(name.upper().split())
    name = {"ALL PRIVILEGES": "ALL", "GRANT": "GRANT OPTION"}.get(name, name)
    if columns is None:
        return [_SAME.get(name, name)]
    return [f"{name} ({column.strip(' `').casefold()})" for column in columns.split(",")]


def quoted(text: str) -> str:
    """Return an SQL string, for servers with any sql_mode but NO_BACKSLASH_ESCAPES."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def salt(where: str, name: str) -> str:
    """Return the salt of an account's hash on MySQL.

    It is always the same, so that a second run changes nothing, and it shows that Kennel created the account.
    """
    return hashlib.sha256(f"{where}{name}".encode()).hexdigest()[:20]


def account_questions(accounts: Iterable[dict[str, Any]], where: str) -> list[str]:
    """Return queries about accounts, each of which has the keys name, host and password.

    WHERE is the base of their salts. The results are for `held_rights`. The statements contain hashes of passwords.
    """
    known = [(item["name"], str(item.get("host", "localhost")).lower(), item["password"]) for item in accounts]
    both = ", ".join(f"({quoted(name)}, {quoted(host)})" for name, host, _password in known) or "('', '')"
    # The format of accounts in information_schema, which does not escape them.
    grantees = ", ".join(quoted(f"'{name}'@'{host}'") for name, host, _password in known) or "''"
    ours = " OR ".join(_made_with(name, password, where) for name, _host, password in known) or "FALSE"
    # Without an alias, MySQL returns the columns of information_schema in uppercase.
    tables = {
        "USER_PRIVILEGES": ("'*.*'", "privilege_type"),
        "SCHEMA_PRIVILEGES": ("CONCAT(table_schema, '.*')", "privilege_type"),
        "TABLE_PRIVILEGES": ("CONCAT(table_schema, '.', table_name)", "privilege_type"),
        "COLUMN_PRIVILEGES": (
            "CONCAT(table_schema, '.', table_name)",
            "CONCAT(privilege_type, ' (', column_name, ')')",
        ),
    }
    return [
        f"SELECT user AS name, host AS host, ({ours}) AS ours FROM mysql.user WHERE (user, host) IN ({both})",
        *(
            f"SELECT grantee AS grantee, {place} AS place, {held} AS held, is_grantable AS grants "
            f"FROM information_schema.{table} WHERE grantee IN ({grantees})"
            for table, (place, held) in tables.items()
        ),
        # The privileges on a routine come as one set: Execute,Alter Routine,Grant.
        "SELECT CONCAT(''', user, ''@'', host, ''') AS grantee, "
        "CONCAT(routine_type, ' ', db, '.', routine_name) AS place, proc_priv AS held, 'NO' AS grants "
        f"FROM mysql.procs_priv WHERE (user, host) IN ({both})",
    ]


def _made_with(name: str, password: str, where: str) -> str:
    """Return a condition that is true for an account that Kennel created.

    On MySQL, its hash follows ``$A$005$`` and has the salt that the roles choose. MariaDB's hashes have no salt: there,
    an account with the password of the inventory counts as created by Kennel.
    """
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    native = "*" + hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()
    return (
        f"(user = {quoted(name)} AND (SUBSTRING(authentication_string, 8, 20) = {quoted(salt(where, name))} "
        f"OR authentication_string = {quoted(native)}))"
    )


def held_rights(answers: list[list[dict[str, Any]]]) -> dict[tuple[str, str], tuple[bool, Rights]]:
    """Return for each existing account whether Kennel created it, and its privileges by place."""
    accounts, *grants = answers
    found: dict[tuple[str, str], tuple[bool, Rights]] = {
        (str(row["name"]), str(row["host"])): (bool(row["ours"]), {}) for row in accounts
    }
    by_grantee = {f"'{name}'@'{host}'": rights for (name, host), (_ours, rights) in found.items()}
    for row in (row for rows in grants for row in rows):
        held = by_grantee.get(str(row["grantee"]))
        if held is None:
            continue
        place = held.setdefault(_place(str(row["place"])), set())
        names = str(row["held"]).split(",") if " (" not in str(row["held"]) else [str(row["held"])]
        for name in names:
            match = _RIGHT.match(name.strip())
            place.update(_right(match[1], match[2]) if match else [name])
        if str(row["grants"]).upper() == "YES":
            place.add("GRANT OPTION")
    return found


def beyond(held: Rights, asked: Rights) -> Rights:
    """Return the privileges of an account that are not requested, by place."""
    left: Rights = {}
    for place, rights in held.items():
        wanted = asked.get(place, set())
        spared = {"USAGE"} if "ALL" not in wanted else rights - {"GRANT OPTION"}
        if extra := rights - wanted - spared:
            left[place] = extra
    return left


def described(rights: Rights) -> str:
    """Return privileges in readable form, shortened: ``SELECT on shop.*; ALTER, CREATE and 30 more on *.*``."""
    return "; ".join(f"{_few(sorted(names))} on {place}" for place, names in sorted(rights.items()))


def _few(names: list[str]) -> str:
    shown = names if len(names) <= SHOWN + 1 else names[:SHOWN]
    return ", ".join(shown) + (f" and {len(names) - SHOWN} more" if shown != names else "")


def account_problems(accounts: Iterable[dict[str, Any]], answers: list[list[dict[str, Any]]]) -> list[str]:
    """Return which accounts of mysql_users would lose privileges that somebody else has granted."""
    known = held_rights(answers)
    problems = []
    for account in accounts:
        name, host = account["name"], str(account.get("host", "localhost"))
        ours, held = known.get((name, host.lower()), (True, {}))
        left = beyond(held, parse_rights("", account["priv"])[0])
        if left and not ours and account.get("append_privs") is None:
            problems.append(
                f"mysql_users, account '{name}'@'{host}': Kennel did not create it, and it would lose "
                f"{described(left)}. Add them to its priv, or set its append_privs, where true keeps them and "
                "false revokes them."
            )
    return problems
