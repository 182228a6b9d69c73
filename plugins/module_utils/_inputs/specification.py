# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate values against a role's argument specification, and convert them to its types. Pure.

Stricter than Ansible's own validation: a list is not a string, a string has one line, and a number is finite. Each
problem names the place, the value unless it is secret, and the fix.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TRUE = ("true", "yes", "on", "y", "t", "1")
FALSE = ("false", "no", "off", "n", "f", "0")
# How deep values of an inventory may nest, and how many characters of a value a message shows.
DEEPEST = 50
SHOWN = 80
WANTED = {
    "str": "a string",
    "path": "a path",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a dictionary",
    "raw": "a value",
}
# Control characters end lines in files and URLs; lone surrogates cannot be written at all.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_NOT_IN_A_TEXT = re.compile("[\x00\ud800-\udfff]")


class Unfit(Exception):
    """A value does not have a type; the message says what to write."""


def shown(value: Any) -> str:
    """Return the value as quoted in a message, on one line."""
    try:
        text = repr(value)
    # For a number with too many digits, or a list that nests too deep.
    except (ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def specification_problems(
    options: Mapping[str, Any], given: dict[str, Any], several_lines: tuple[str, ...] = (), before: str = ""
) -> list[str]:
    """Return what an argument specification refuses, and convert the values of GIVEN to its types.

    :arg several_lines: options that may have line breaks.
    :arg before: the place of GIVEN, with a dot; empty at the top.
    """
    problems = []
    for name, option in options.items():
        place, value = f"{before}{name}", given.get(name)
        if value is None:
            if option.get("required"):
                problems.append(f"{place} is missing. Write {_wanted(option)}.")
            elif name in given and not before and option.get("type", "str") != "raw":
                problems.append(f"{place} is null. Remove it to use the default, or write {_wanted(option)}.")
            continue
        if "\n" in str(value) and name in several_lines and isinstance(value, str):
            continue
        found, given[name] = _value(place, option, value)
        problems += found
    return problems


def convert(
    options: Mapping[str, Any],
    given: dict[str, Any],
    default: Callable[[str], Any],
    several_lines: tuple[str, ...] = (),
    refused: tuple[str, ...] = (),
) -> list[str]:
    """Return what a specification refuses, and convert GIVEN to values that it allows.

    :arg default: returns the default of a variable, which replaces a refused value.
    :arg refused: variables that are refused already.
    """
    problems = specification_problems(
        {name: option for name, option in options.items() if name not in refused}, given, several_lines
    )
    unfit = {re.split(r"\W", problem)[0] for problem in problems} | set(refused)
    for name in unfit:
        spare = {name: default(name)}
        given[name] = None if specification_problems({name: options[name]}, spare, several_lines) else spare[name]
    return problems


def _value(place: str, option: Mapping[str, Any], value: Any) -> tuple[list[str], Any]:
    """Return problems with a value that is not null, and the value converted to the option's type."""
    quoted = "not valid" if option.get("no_log") else shown(value)
    if option.get("no_log") and option.get("type", "str") == "str" and isinstance(value, (bool, int, float)):
        # YAML has read it as a number, perhaps without its zeros.
        return [f"{place} is a number. Put it in quotes."], value
    try:
        result = fit(value, option.get("type", "str"))
    except Unfit as error:
        return [f"{place} is {quoted}. Write {_wanted(option, str(error))}."], value
    if "choices" in option and result not in option["choices"]:
        return [f"{place} is {quoted}. Write {_wanted(option)}."], value
    if isinstance(result, dict):
        return _dictionary(place, option, result)
    if isinstance(result, list):
        problems, items = [], []
        of = {"type": option.get("elements", "raw"), "options": option.get("options"), "no_log": option.get("no_log")}
        for number, item in enumerate(result):
            found, each = _value(f"{place}[{number}]", of, item)
            problems += found
            items.append(each)
        return problems, items
    return [], result


def _dictionary(place: str, option: Mapping[str, Any], value: dict[Any, Any]) -> tuple[list[str], Any]:
    options, result = option.get("options"), dict(value)
    if not options:
        return [f"{place}{problem}" for problem in value_problems(value, bool(option.get("no_log")))], value
    problems = []
    for key in value:
        if key not in options:
            near = difflib.get_close_matches(str(key), options, 1)
            fix = f"Did you mean {near[0]}?" if near else f"Use {'one of ' * (len(options) > 1)}{', '.join(options)}."
            problems.append(f"{place} has {shown(key)}, which is not a known field. {fix}")
    return problems + specification_problems(options, result, before=f"{place}."), result


def _wanted(option: Mapping[str, Any], otherwise: str = "") -> str:
    if "choices" in option:
        return " or ".join(map(str, option["choices"]))
    return otherwise or WANTED[option.get("type", "str")]


def fit(value: Any, kind: str) -> Any:
    """Return the value converted to a type of argument specifications. Raises Unfit."""
    plain = isinstance(value, (str, int, float)) and not isinstance(value, bool)
    wanted, text = WANTED[kind], ""
    if kind == "raw":
        return value
    if plain:
        try:
            text = str(value).strip()
        # Python does not convert a number with so many digits to text.
        except ValueError:
            raise Unfit(f"{wanted} of fewer digits") from None
    if kind == "bool":
        if isinstance(value, bool):
            return value
        if plain and text.lower() in TRUE + FALSE:
            return text.lower() in TRUE
    elif kind == "int":
        if plain and re.fullmatch(r"[+-]?[0-9]{1,18}(\.0+)?", text, re.ASCII):
            return int(float(text)) if "." in text else int(text)
    elif kind == "float":
        if plain and re.fullmatch(r"[+-]?([0-9]{1,18}(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,2})?", text, re.I | re.ASCII):
            return float(text)
    elif kind in ("str", "path"):
        if plain or isinstance(value, bool):
            return _line(str(value), wanted, kind)
    elif isinstance(value, (list, tuple) if kind == "list" else dict):
        return list(value) if kind == "list" else value
    raise Unfit(f"{wanted}, such as [a, b]" if kind == "list" else wanted)


def _line(text: str, wanted: str, kind: str) -> str:
    if _NOT_IN_A_LINE.search(text):
        raise Unfit(f"{wanted} of one line, without control characters")
    return os.path.expanduser(os.path.expandvars(text)) if kind == "path" and text else text


def value_problems(value: Any, secret: bool, place: str = "", depth: int = 0) -> Iterator[str]:
    """Yield what in a dictionary or a list cannot be written to a file; each problem starts with its path."""
    if depth > DEEPEST:
        yield f"{place[:SHOWN]} nests deeper than {DEEPEST} levels. Reduce the nesting."
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield f"{place} has the key {shown(key)}, which is not a string. Put it in quotes."
            elif not key or _NOT_IN_A_LINE.search(key):
                yield f"{place} has the key {shown(key)}. Write a name on one line."
            else:
                yield from value_problems(item, secret, f"{place}.{key}", depth + 1)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from value_problems(item, secret, f"{place}[{number}]", depth + 1)
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place} is {value}, which is not a finite number. Write one, or quote it."
    elif isinstance(value, str):
        if _NOT_IN_A_TEXT.search(value):
            yield f"{place} contains a character that cannot be written. Remove it."
    elif not (value is None or isinstance(value, (bool, int, float))):
        quoted = "" if secret else f" {value}"
        # Ansible's own types for dates and times derive from Python's.
        kind = type(value).__name__.removeprefix("_AnsibleTagged").lower()
        yield f"{place} is a {kind}{quoted}. Put it in quotes."
