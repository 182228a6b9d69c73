# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""YAML in quotes and brackets, ``{name: value, list: [a, b]}``: find where it is closed, and hide secrets. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .credentials import HIDDEN

_SPACE = re.compile(r"\s+")
_COMMENT = re.compile(r"(?:(?<=\s)|\A)#[^\n]*")
# Two single quotes are an escaped one, so the closing quote is not followed by another.
_QUOTED = re.compile(r"""(?s)"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'(?!')""")
# A colon between a name and its value.
_COLON = re.compile(r":(?=[\s,\[\]{}]|\Z)")
_PLAIN = re.compile(r"(?s:.)(?:[^,\[\]{}:#]|:(?![\s,\[\]{}]|\Z)|(?<!\s)#)*")


class _Token(NamedTuple):
    """A part of the text.

    It is ``space``, ``comment``, ``scalar``, one of the characters ``[]{},:``, or ``open``, an unclosed quote.
    """

    kind: str
    text: str


class _Inside(NamedTuple):
    bracket: str
    name: str
    secret: bool


def closed_at(value: str) -> int:
    """Return where the bracket or quote at the start of a value is closed: 0 if there is none, -1 if it is unclosed."""
    if value[:1] not in ("[", "{", "'", '"'):
        return 0
    depth = at = 0
    for token in _tokens(value):
        depth += (token.kind in ("[", "{")) - (token.kind in ("]", "}"))
        at += len(token.text)
        if token.kind == "open":
            return -1
        if depth <= 0:
            return at
    return -1


def without_secrets(text: str, is_secret: Callable[[str, str], bool], hide: Callable[[str], str]) -> str:
    """Return the text with secrets in its brackets hidden.

    IS_SECRET tells whether a name and a value are a secret; with "" as the value, whether everything under the name is.
    HIDE hides what is secret in any other value.
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
        elif token.kind == "comment":
            parts.append(hide(token.text))
            continue
        parts.append(token.text)
    return "".join(parts)


def _is_key(tokens: list[_Token], at: int) -> bool:
    at += 1
    while at < len(tokens) and tokens[at].kind in ("space", "comment"):
        at += 1
    return at < len(tokens) and tokens[at].kind == ":"


def _tokens(text: str) -> Iterator[_Token]:
    at, before = 0, "space"
    while at < len(text):
        kind, end = _next(text, at, before)
        yield _Token(kind, text[at:end])
        at, before = end, before if kind in ("space", "comment") else kind


def _next(text: str, at: int, before: str) -> tuple[str, int]:
    letter = text[at]
    for kind, form in (("space", _SPACE), ("comment", _COMMENT)):
        if found := form.match(text, at):
            return kind, found.end()
    if letter in "[]{},":
        return letter, at + 1
    if letter == ":" and (_COLON.match(text, at) or (before == "scalar" and text[at - 1] in "\"'")):
        return ":", at + 1
    if letter in "\"'":
        quoted = _QUOTED.match(text, at)
        return ("scalar", quoted.end()) if quoted else ("open", len(text))
    plain = _PLAIN.match(text, at)
    return "scalar", at + len(plain[0].rstrip()) if plain else at + 1
