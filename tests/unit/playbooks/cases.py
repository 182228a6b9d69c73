# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cases in the tables of invalid inputs, `bad_*.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

NAN, INFINITY = float("nan"), float("inf")
# Part of every secret value, so it must not appear in any report.
SECRET = "geheim"


@dataclass(frozen=True)
class Case:
    """Variables of a host, one of which is invalid.

    :ivar variable: the invalid variable, with which the error starts.
    :ivar words: what the error must contain: the value, unless it is secret, and the fix.
    """

    variable: str
    variables: dict[str, Any]
    words: tuple[str, ...] = field(default=())


def bad(
    variable: str,
    *values: Any,
    fix: str,
    build: Callable[[Any], Any] = lambda value: value,
    also: dict[str, Any] | None = None,
    show: bool = True,
) -> list[Case]:
    """Return a case for each value. BUILD turns it into the variable's value; ALSO has other variables of the host.

    With SHOW, the error must quote the value.
    """
    return [
        Case(variable, {variable: build(value), **(also or {})}, (fix, *([quoted(value)] if show else [])))
        for value in values
    ]


def quoted(value: Any) -> str:
    """Return the beginning of a value, as messages quote it."""
    if value is None:
        return ""
    return repr(value).strip("'\"[]{}")[:15].rstrip("'\"")


def hosts(cases: list[Case], per_host: int = 1000) -> Iterator[tuple[dict[str, Any], list[Case]]]:
    """Spread cases over few hosts, with each variable once per host; yield each host's variables and cases."""
    spread: list[tuple[dict[str, Any], list[Case]]] = []
    for case in cases:
        for variables, own in spread:
            if len(own) < per_host and not variables.keys() & case.variables.keys():
                break
        else:
            variables, own = {}, []
            spread.append((variables, own))
        variables.update(case.variables)
        own.append(case)
    yield from spread
