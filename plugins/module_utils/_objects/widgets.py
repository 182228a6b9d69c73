# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate widgets against the models of Datadog's own client, and find what these models do not know. Pure.

Datadog adds widgets, fields and data sources all the time. So unknown names are passed on, unless they differ from a
known name in one letter. Values of the wrong type, missing fields and values outside of an enumeration are problems.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .models import KINDS, alternatives, fields_of, is_model, limits_of, needs, said_by, values_of

# Enumerations that Datadog extends.
_OPEN = "Palette"
_TYPES: dict[str, tuple[str, tuple[type, ...]]] = {
    "text": ("a string", (str,)),
    "number": ("a number", (int, float)),
    "bool": ("true or false", (bool,)),
}


@dataclass
class Verdict:
    """Problems, each with its place and its fix, and the places of what is unknown."""

    problems: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        """Add another one."""
        self.problems += other.problems
        self.unknown += other.unknown


def misspelt(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that differs by one wrong, missing, additional or transposed letter."""
    return next((each for each in known if _one_off(word, each)), None)


def _one_off(one: str, other: str) -> bool:
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return True
    left, right = one[start:], other[start:]
    swapped = left[:2] == right[1::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right[1:] or left[1:] == right or left == right[1:]


def judge(value: Any, kind: str, place: str) -> Verdict:
    """Validate a value against a type, such as ``Widget``."""
    kinds = alternatives(kind)
    if len(kinds) > 1:
        return _one_of(value, kinds, place)
    kind, limits = limits_of(kinds[0])
    if kind == "any":
        return Verdict()
    if kind.startswith("["):
        if not isinstance(value, (list, tuple)):
            return Verdict([f"{place} is not a list. Write a list."])
        ok = not limits or limits[0] <= len(value) <= limits[1]
        verdict = Verdict([] if ok else [f"{place} has {len(value)} items. Write {_range(*limits)}."])
        for number, item in enumerate(value):
            verdict.add(judge(item, kind[1:-1], f"{place}[{number}]"))
        return verdict
    if values := values_of(kind):
        if isinstance(value, str) and value in values:
            return Verdict()
        if isinstance(value, str) and kind.endswith(_OPEN) and not misspelt(value, values):
            return Verdict(unknown=[f"{place} {value!r}"])
        return Verdict([f"{place} is {value!r}. Write {_choice(values)}."])
    if kind in _TYPES:
        name, types = _TYPES[kind]
        ok = isinstance(value, types) and (kind == "bool" or not isinstance(value, bool))
        if ok and limits and not limits[0] <= value <= limits[1]:
            return Verdict([f"{place} is {value}. Write {_range(*limits)}."])
        return Verdict([] if ok else [f"{place} is {value!r}. Write {name}."])
    return _model(value, kind, place)


def _range(low: float, high: float) -> str:
    if high == float("inf"):
        return f"{low:g} or more"
    return f"{low:g}" if low == high else f"{low:g} to {high:g}" if low > 0 else f"up to {high:g}"


def _choice(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"one of {', '.join(values)}"


def _model(value: Any, model: str, place: str) -> Verdict:
    if not isinstance(value, Mapping):
        return Verdict([f"{place} is {value!r}. Write a dictionary."])
    fields, verdict, missing = fields_of(model) or {}, Verdict(), list[str]()
    for name, each in fields.items():
        # Null and absent are the same.
        if value.get(name) is not None:
            verdict.add(judge(value[name], each.kind, f"{place}.{name}"))
        elif each.required:
            missing.append(f"{place} has no {name}. Add it.")
    for name in value if "..." not in fields else ():
        if name in fields or value[name] is None:
            continue
        if meant := misspelt(str(name), (each for each in fields if each not in value)):
            verdict.problems.append(f"{place}.{name} is not a known field. Did you mean {meant}?")
        else:
            verdict.unknown.append(f"{place}.{name}")
            # An unknown kind has its own fields.
            if name in KINDS and model != "Widget":
                missing = []
    verdict.problems += missing
    return verdict


def _one_of(value: Any, kinds: tuple[str, ...], place: str) -> Verdict:
    """Validate a value against the alternative that fits best."""
    if isinstance(value, Mapping):
        for name in KINDS:
            said = {kind: said_by(kind, name) for kind in kinds}
            if not all(said[kind] for kind in kinds if is_model(kind)):
                continue
            if not isinstance(value.get(name), str):
                if all(needs(kind, name) for kind in kinds):
                    return Verdict([f"{place} has no {name}. Add it."])
                continue
            kinds = tuple(kind for kind in kinds if value[name] in said[kind])
            if not kinds:
                known = sorted({each for values in said.values() for each in values})
                if meant := misspelt(value[name], known):
                    return Verdict([f"{place}.{name} is {value[name]!r}. Did you mean {meant}?"])
                return Verdict(unknown=[f"{place}.{name} {value[name]!r}"])
    verdicts = [judge(value, kind, place) for kind in kinds]
    return min(verdicts, key=lambda verdict: (len(verdict.problems), len(verdict.unknown)))
