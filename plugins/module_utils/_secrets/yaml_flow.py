# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML in quotes and brackets, ``{name: value, list: [a, b]}``: whether it is closed, and without its secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from ansible_collections.kennel.fleet.plugins.module_utils._secrets.credentials import HIDDEN

# Two single quotes are one of the text: what closes is not followed by another.
_QUOTED = re.compile(r"""(?s)"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'(?!')""")
_BRACKETS = "[]{}"


class _Token(NamedTuple):
    """A part of the text: ``space``, ``scalar``, one of the characters ``[]{},:``, or ``open``, a quote without end."""

    kind: str
    text: str


class _Inside(NamedTuple):
    bracket: str
    name: str
    secret: bool


def is_open(value: str) -> bool:
    """Whether a value begins with a bracket or a quote that is not closed in it."""
    if value[:1] not in ("[", "{", "'", '"'):
        return False
    depth = 0
    for token in _tokens(value):
        depth += (token.kind in ("[", "{")) - (token.kind in ("]", "}"))
        if token.kind == "open":
            return True
        if depth <= 0:
            return False
    return True


def without_secrets(text: str, is_secret: Callable[[str, str], bool], hide: Callable[[str], str]) -> str:
    """The text with the secrets in its brackets hidden.

    IS_SECRET says of a name and a value whether that is a secret; of "" as a value, whether all that lies under the
    name is. HIDE hides what is secret in any other value.
    """
    parts = []
    inside = [_Inside("", "", False)]
    tokens = list(_tokens(text))
    name = ""
    for at, token in enumerate(tokens):
        here = inside[-1]
        if token.kind in ("[", "{"):
            inside.append(_Inside(token.kind, name, here.secret or is_secret(name, "")))
        elif token.kind in ("]", "}") and len(inside) > 1:
            inside.pop()
            name = inside[-1].name
        elif token.kind == ",":
            name = here.name if here.bracket == "[" else ""
        elif token.kind == "scalar":
            bare = token.text.strip("\"'")
            if _is_key(tokens, at):
                name = bare
            elif (here.secret or is_secret(name, bare)) and is_secret("password", bare):
                parts.append(f'"{HIDDEN}"')
                continue
            else:
                parts.append(hide(token.text))
                continue
        parts.append(token.text)
    return "".join(parts)


def _is_key(tokens: list[_Token], at: int) -> bool:
    following = (token for token in tokens[at + 1 :] if token.kind != "space")
    return next(following, _Token("", "")).kind == ":"


def _tokens(text: str) -> Iterator[_Token]:
    at, before = 0, "space"
    while at < len(text):
        kind, end = _next(text, at, before)
        yield _Token(kind, text[at:end])
        at, before = end, kind if kind != "space" else before


def _next(text: str, at: int, before: str) -> tuple[str, int]:
    letter = text[at]
    if letter.isspace():
        return "space", at + len(text[at:]) - len(text[at:].lstrip())
    if letter == "#" and (at == 0 or text[at - 1].isspace()):
        end = text.find("\n", at)
        return "space", len(text) if end < 0 else end
    if letter in _BRACKETS or letter == ",":
        return letter, at + 1
    if letter == ":" and (_ends(text, at) or (before == "scalar" and text[at - 1] in "\"'")):
        return ":", at + 1
    if letter in "\"'":
        quoted = _QUOTED.match(text, at)
        return ("scalar", quoted.end()) if quoted else ("open", len(text))
    end = at + 1
    while end < len(text) and text[end] not in ",[]{}":
        if (text[end] == ":" and _ends(text, end)) or (text[end] == "#" and text[end - 1].isspace()):
            break
        end += 1
    return "scalar", at + len(text[at:end].rstrip())


def _ends(text: str, at: int) -> bool:
    """Whether a colon is one that stands between a name and its value."""
    return at + 1 == len(text) or text[at + 1].isspace() or text[at + 1] in ",[]{}"
