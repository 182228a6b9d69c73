# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The models of Datadog's own client, read from ``widget_models``. Pure."""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from .widget_models import ENUMERATIONS, MODELS

# Fields that tell which of several models a value has.
KINDS = ("type", "data_source", "request_type")
_ONE_OF = "one of "


class Field(NamedTuple):
    """A field of a model."""

    kind: str
    required: bool


def _lines(text: str) -> dict[str, str]:
    joined = re.sub(r"\n +", " ", text.strip())
    return dict(line.split(" = ", 1) for line in joined.splitlines())


@functools.cache
def _enumerations() -> dict[str, tuple[str, ...]]:
    return {name: tuple(re.split(r", ", text)) for name, text in _lines(ENUMERATIONS).items()}


@functools.cache
def _models() -> dict[str, str]:
    return _lines(MODELS)


def is_model(kind: str) -> bool:
    """Return whether a type is a model, or one of several models."""
    return kind in _models()


@functools.cache
def fields_of(model: str) -> dict[str, Field] | None:
    """Return the fields of a model by name; None if it is an alternative of several models."""
    text = _models()[model]
    if text.startswith(_ONE_OF):
        return None
    fields: dict[str, Field] = {}
    for each in text.split(", "):
        name, _colon, kind = each.partition(": ")
        if name.startswith("+"):
            fields |= fields_of(name[1:]) or {}
        else:
            fields[name.rstrip("!")] = Field(kind or "text", name.endswith("!"))
    return fields


@functools.cache
def alternatives(kind: str) -> tuple[str, ...]:
    """Return the alternative types of a value, with nested alternatives flattened."""
    found: list[str] = []
    for each in kind.split(" | "):
        inner = each in _models() and fields_of(each) is None
        found += alternatives(_models()[each].removeprefix(_ONE_OF)) if inner else [each]
    return tuple(found)


def values_of(kind: str) -> tuple[str, ...] | None:
    """Return the values of an enumeration or of a constant; None for other types."""
    return tuple(kind.strip('"').split("/")) if kind.startswith('"') else _enumerations().get(kind)


def limits_of(kind: str) -> tuple[str, tuple[float, ...]]:
    """Return a type without its limits, and its limits: none, or two."""
    found = re.fullmatch(r"(.*[\]r])(\d*)\.\.(\d*)", kind)
    if not found:
        return kind, ()
    return found[1], (float(found[2] or "-inf"), float(found[3] or "inf"))


def needs(kind: str, name: str) -> bool:
    """Return whether a model requires this field."""
    fields = (fields_of(kind) if is_model(kind) else None) or {}
    return name in fields and fields[name].required


@functools.cache
def said_by(kind: str, name: str) -> tuple[str, ...]:
    """Return the values of this field that identify a model."""
    fields = (fields_of(kind) if is_model(kind) else None) or {}
    return (values_of(fields[name].kind) or ()) if name in fields else ()
