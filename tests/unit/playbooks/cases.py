# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rows of the tables of bad inputs: `bad_*.py` beside this file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

NAN, INFINITY = float("nan"), float("inf")
# In whatever is secret; no report may hold it.
SECRET = "geheim"


@dataclass(frozen=True)
class Case:
    """Variables of a host, of which one is refused.

    :ivar variable: the one that the refusal begins with.
    :ivar words: what the refusal has to say: the value, unless it is secret, and the fix.
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
    """Return a case for each value: BUILD makes the variable's value of it, ALSO are other variables of the host.

    With SHOW, the refusal must quote the value.
    """
    return [
        Case(variable, {variable: build(value), **(also or {})}, (fix, *([quoted(value)] if show else [])))
        for value in values
    ]


def quoted(value: Any) -> str:
    """Return the beginning of a value as messages quote it."""
    if value is None:
        return ""
    return repr(value).strip("'\"[]{}")[:15].rstrip("'\"")


def hosts(cases: list[Case], per_host: int = 1000) -> Iterator[tuple[dict[str, Any], list[Case]]]:
    """Spread cases over as few hosts as can be, each variable once on a host; yield variables and cases of each."""
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
