# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check of inputs gets and what it returns. Pure.

Each role has a module of its name in this package, with

- ``check(inputs, host) -> Checked``: ``inputs`` has the role's variables without their prefix, of the types of its
  argument specification. A variable that the specification refuses has its default instead, or None without one;
- ``reads(inputs) -> list[str]``, optional: files of the controller whose text the check wants in ``host.files``.
  A path with ``*`` in it is a pattern;
- ``writes(inputs) -> list[str]``, optional: folders of the controller of which ``host.unwritable`` shall speak;
- ``SEVERAL_LINES``, optional: names of variables whose text may have line breaks;
- ``PER_HOST = False`` where the inputs are those of a fleet.

Each problem begins with the name of the variable that it is about: by that, ``check_inputs`` says nothing twice.

The action ``check_inputs`` calls them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Host:
    """What is known of a host.

    :ivar name: its name in the inventory.
    :ivar facts: what Ansible has gathered, without the prefix ``ansible_``.
    :ivar groups: the groups that it is in.
    :ivar variables: every variable that it has, templated when it is read. One that cannot be templated is missing.
    :ivar files: the text of files of the controller by the path that was asked for, None for one that cannot be read.
    :ivar unwritable: why folders of the controller cannot be written to, by the path that was asked for.
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

    :ivar problems: sentences, each naming the variable and the fix.
    :ivar inputs: effective inputs that the check has computed, beside those that are taken as they are; no secrets.
    :ivar expects: what Datadog must then show, as the role ``datadog_verify`` takes it.
    :ivar warnings: what may be wrong, where nothing is for certain.
    """

    problems: list[str]
    inputs: dict[str, Any] = field(default_factory=dict)
    expects: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def subject(problem: str) -> str:
    """Return the variable that a problem is about."""
    found = re.match(r"\w+", problem)
    return found[0] if found else ""


def leans_on(name: str, others: Collection[str], variables: Mapping[str, Any]) -> bool:
    """Whether the value of a variable is templated from one of the others, directly or by way of further variables."""
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
