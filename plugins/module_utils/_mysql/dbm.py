# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Database Monitoring needs in a MySQL or MariaDB server. Pure: texts and comparisons, which a module applies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

SCHEMA = "datadog"
# Begins the comment of each procedure, before a digest of its text. What carries it is Kennel's to replace and remove.
MARK = "Kennel, for Datadog"
CONSUMERS = (
    "events_statements_current",
    "events_statements_history",
    "events_statements_history_long",
    "events_waits_current",
)
# The oldest version of each that the role's own statements run on.
OLDEST = {"MySQL": (8, 0), "MariaDB": (10, 5)}
# Consumers are switched on as the server starts, and can be while it runs; the rest takes a restart.
_CONSUMER = "performance_schema_consumer_"


@dataclass(frozen=True)
class Procedure:
    """A stored procedure. It runs with the rights of who made it, so that the Agent's user needs no others."""

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
        """The statement that makes it. UNLESS_THERE, for servers that know it, keeps replication from stumbling."""
        guard = "IF NOT EXISTS " if unless_there else ""
        return (
            f"CREATE PROCEDURE {guard}{self.place}({self.parameters})\n"
            f"COMMENT '{self.comment}'\nSQL SECURITY DEFINER\n{self.body}"
        )


def explaining(schema: str) -> Procedure:
    """Explains a statement whose unqualified tables are those of this schema."""
    # Rolled back, since MariaDB calls deterministic functions of the statement while it explains it. The character
    # set is said, since in a schema with a narrow one many a statement would be refused.
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
    """Lets the Agent switch the consumers on again, should somebody have switched them off."""
    names = ", ".join(f"'{name}'" for name in CONSUMERS)
    body = f"""BEGIN
    UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE name IN ({names});
END"""
    return Procedure(SCHEMA, "enable_events_statements_consumers", "", body)


def wanted_procedures(schemas: Iterable[str]) -> list[Procedure]:
    """All of them: in Datadog's own schema, and one in each of these."""
    return [explaining(SCHEMA), enabling(), *(explaining(schema) for schema in dict.fromkeys(schemas))]


@dataclass(frozen=True)
class Found:
    """A procedure as information_schema has it."""

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
    """The procedures to make or to replace, and those of ours that are no longer wanted."""
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
    """The file of these settings, in the form that the server reads."""
    return header + "[mysqld]\n" + "".join(f"{name} = {value}\n" for name, value in sorted(settings.items()))


def options_given(text: str) -> dict[str, str]:
    """The options that the server's files give it, from what it says to --print-defaults. The last of each counts."""
    options = {}
    for word in text.split():
        if word.startswith("--"):
            name, _equals, value = word[2:].partition("=")
            options[name.replace("-", "_")] = value or "ON"
    return options


def lacking(settings: dict[str, object], there: dict[str, str]) -> list[str]:
    """Which settings have another value, or a smaller one where it is a number, each with what it has."""
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
    """The settings that a running server takes on only when it is restarted."""
    return {name: value for name, value in settings.items() if not name.startswith(_CONSUMER)}


def flavour(version: str) -> tuple[str, tuple[int, ...]]:
    """Which server says this of itself, and its version's numbers: ``10.11.14-MariaDB-0+deb12u2``."""
    numbers = re.match(r"[0-9.]+", version)
    parts = numbers[0].split(".") if numbers else []
    return "MariaDB" if "MariaDB" in version else "MySQL", tuple(int(part) for part in parts if part)


def skips_what_is_there(version: str) -> bool:
    """Whether the server knows CREATE PROCEDURE IF NOT EXISTS."""
    name, numbers = flavour(version)
    return name == "MariaDB" or numbers >= (8, 0, 29)


def version_problem(version: str) -> str | None:
    """Why Database Monitoring does not run on this server, or None."""
    name, numbers = flavour(version)
    if numbers >= OLDEST[name]:
        return None
    oldest = ".".join(map(str, OLDEST[name]))
    fix = "upgrade it, or set datadog_mysql_user_dbm to false"
    return f"{name} {version} is too old for Database Monitoring, which needs {oldest}: {fix}"
