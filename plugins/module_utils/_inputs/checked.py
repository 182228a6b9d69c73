# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Arguments and results of the checks of inputs. Pure.

Each role has a module with its name in this package, which contains

- ``check(inputs, host) -> Checked``: ``inputs`` are the role's variables without their prefix, converted to the types
  of the argument specification. A variable that the specification refuses has its default instead, or None;
- ``reads(inputs) -> list[str]``, optional: files on the controller that the check needs in ``host.files``. A path with
  ``*`` is a pattern;
- ``writes(inputs) -> list[str]``, optional: folders on the controller that the check needs in ``host.unwritable``;
- ``SEVERAL_LINES``, optional: names of variables that may have line breaks;
- ``PER_HOST = False`` if the inputs belong to a fleet.

Each problem starts with the name of its variable, by which ``check_inputs`` avoids repetition.

The action plugin ``check_inputs`` calls these functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Host:
    """What is known about a host.

    :ivar name: its name in the inventory.
    :ivar facts: its Ansible facts, without the prefix ``ansible_``.
    :ivar groups: its groups.
    :ivar variables: all its variables, templated when they are read. A variable that cannot be templated is missing.
    :ivar files: contents of files on the controller by requested path; None if a file cannot be read.
    :ivar unwritable: why folders on the controller are not writable, by requested path.
    :ivar others: effective inputs of roles that were checked before.
    """

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    unwritable: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """The result of a check.

    :ivar problems: sentences, each with the variable and the fix.
    :ivar inputs: effective inputs that the check has computed, in addition to the unchanged ones; without secrets.
    :ivar expects: what Datadog must show afterwards, in the format of the role ``datadog_verify``.
    :ivar warnings: what is probably wrong.
    """

    problems: list[str]
    inputs: dict[str, Any] = field(default_factory=dict)
    expects: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def subject(problem: str) -> str:
    """Return the name of the variable that a problem is about."""
    found = re.match(r"\w+", problem)
    return found[0] if found else ""


def depends_on(name: str, others: Collection[str], variables: Mapping[str, Any]) -> bool:
    """Whether the value of a variable is templated from one of the others, directly or through other variables."""
    seen, ahead = {name}, [name]
    while ahead:
        for text in _templates(variables.get(ahead.pop())):
            words = set(re.findall(r"\w+", text)) - seen
            if words & set(others):
                return True
            seen |= words
            ahead += [word for word in words if word in variables]
    return False


def _templates(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield value
    elif isinstance(value, (list, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _templates(item)
