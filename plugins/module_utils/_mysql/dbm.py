# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Database Monitoring needs in a MySQL or MariaDB server. Pure: statements and comparisons for a module."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

SCHEMA = "datadog"
# The start of each procedure's comment, before a digest of its text. Kennel may replace and remove what has this mark.
MARK = "Kennel, for Datadog"
CONSUMERS = (
    "events_statements_current",
    "events_statements_history",
    "events_statements_history_long",
    "events_waits_current",
)
# The oldest versions on which the role's own statements run.
OLDEST = {"MySQL": (8, 0), "MariaDB": (10, 5)}
# Consumers are enabled when the server starts, or while it is running; other settings need a restart.
_CONSUMER = "performance_schema_consumer_"


@dataclass(frozen=True)
class Procedure:
    """A stored procedure. It runs with the privileges of its creator, so that the Agent's user needs no others."""

    schema: str
    name: str
    parameters: str
    body: str

    @property
    def place(self) -> str:
        return f"`{self.schema}`.`{self.name}`"

    @property
    def comment(self) -> str:
        digest = hashlib.sha256(f"{self.parameters}\n{self.body}".encode()).hexdigest()
        return f"{MARK} {digest[:12]}"

    def create(self, *, unless_there: bool) -> str:
        """Return the statement that creates it. UNLESS_THERE avoids replication errors on servers that support it."""
        guard = "IF NOT EXISTS " if unless_there else ""
        return (
            f"CREATE PROCEDURE {guard}{self.place}({self.parameters})\n"
            f"COMMENT '{self.comment}'\nSQL SECURITY DEFINER\n{self.body}"
        )


def explaining(schema: str) -> Procedure:
    """Return the procedure that explains a statement whose unqualified tables are in this schema."""
    # It rolls back, since MariaDB calls deterministic functions of a statement that it explains. It sets the character
    # set, since a schema with a narrow one would reject many statements.
    body = """BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    SET @kennel_explained = CONCAT('EXPLAIN FORMAT=JSON ', explained);
    PREPARE kennel_explain FROM @kennel_explained;
    EXECUTE kennel_explain;
    DEALLOCATE PREPARE kennel_explain;
    ROLLBACK;
END"""
    return Procedure(schema, "explain_statement", "IN explained LONGTEXT CHARACTER SET utf8mb4", body)


def enabling() -> Procedure:
    """Return the procedure by which the Agent enables the consumers again if somebody has disabled them."""
    names = ", ".join(f"'{name}'" for name in CONSUMERS)
    body = f"""BEGIN
    UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE name IN ({names});
END"""
    return Procedure(SCHEMA, "enable_events_statements_consumers", "", body)


def wanted_procedures(schemas: Iterable[str]) -> list[Procedure]:
    """Return all procedures: those in Datadog's own schema, and one in each of SCHEMAS."""
    return [explaining(SCHEMA), enabling(), *(explaining(schema) for schema in dict.fromkeys(schemas))]


@dataclass(frozen=True)
class Found:
    """A procedure as listed in information_schema."""

    schema: str
    name: str
    comment: str
    security: str
    body: str

    @property
    def place(self) -> str:
        return f"`{self.schema}`.`{self.name}`"

    @property
    def ours(self) -> bool:
        return self.comment.startswith(f"{MARK} ")


def compare(wanted: list[Procedure], found: list[Found]) -> tuple[list[Procedure], list[Found]]:
    """Return the procedures to create or replace, and those of ours that are no longer wanted."""
    there = {item.place: item for item in found}
    differing = [
        item
        for item in wanted
        if item.place not in there
        or (item.comment, "DEFINER", item.body)
        != (there[item.place].comment, there[item.place].security, there[item.place].body)
    ]
    kept = {item.place for item in wanted}
    return differing, [item for item in found if item.ours and item.place not in kept]


def settings_text(settings: dict[str, object], header: str) -> str:
    """Return the content of the settings file."""
    return header + "[mysqld]\n" + "".join(f"{name} = {value}\n" for name, value in sorted(settings.items()))


def options_given(text: str) -> dict[str, str]:
    """Return the options in the server's files, from its output of --print-defaults. The last of each counts."""
    options = {}
    for word in text.split():
        if word.startswith("--"):
            name, _equals, value = word[2:].partition("=")
            options[name.replace("-", "_")] = value or "ON"
    return options


def lacking(settings: dict[str, object], there: dict[str, str]) -> list[str]:
    """Return the settings with a different value, or a smaller one for numbers, each with the actual value."""
    return [
        f"{name} is {there.get(name, 'not set')}"
        for name, value in sorted(settings.items())
        if not _enough(str(value), there.get(name, ""))
    ]


def _enough(wanted: str, there: str) -> bool:
    if wanted.isdecimal() and there.isdecimal():
        return int(there) >= int(wanted)
    switch = {"1": "ON", "TRUE": "ON", "0": "OFF", "FALSE": "OFF"}
    wanted, there = wanted.upper(), there.upper()
    return switch.get(there, there) == switch.get(wanted, wanted)


def for_restart(settings: dict[str, object]) -> dict[str, object]:
    """Return the settings that only take effect after a restart."""
    return {name: value for name, value in settings.items() if not name.startswith(_CONSUMER)}


def flavour(version: str) -> tuple[str, tuple[int, ...]]:
    """Return the flavour and the version numbers of a version text such as ``10.11.14-MariaDB-0+deb12u2``."""
    numbers = re.match(r"[0-9.]+", version)
    parts = numbers[0].split(".") if numbers else []
    return "MariaDB" if "MariaDB" in version else "MySQL", tuple(int(part) for part in parts if part)


def skips_what_is_there(version: str) -> bool:
    """Whether the server supports CREATE PROCEDURE IF NOT EXISTS."""
    name, numbers = flavour(version)
    return name == "MariaDB" or numbers >= (8, 0, 29)


def version_problem(version: str) -> str | None:
    """Return why Database Monitoring does not work with this server, or None."""
    name, numbers = flavour(version)
    if numbers >= OLDEST[name]:
        return None
    oldest = ".".join(map(str, OLDEST[name]))
    fix = "Upgrade it, or set datadog_mysql_user_dbm to false."
    return f"{name} {version} is too old for Database Monitoring, which needs {oldest}. {fix}"
