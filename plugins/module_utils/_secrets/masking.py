# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hide secrets in the texts and diffs of files.

Files that others wrote are YAML in any style, and hosts may have no YAML library. So a text is read line by line,
including what YAML continues over several lines: block scalars, quotes, brackets and lists. In doubt, it is hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Any, NamedTuple

from .credentials import HIDDEN, RESOLVED, without_credentials
from .names import is_hidden_name, is_hidden_text
from .yaml_files import scalar
from .yaml_flow import closed_at, without_secrets

# Longer lines are hidden: a service user could write one that takes hours to search.
LONGEST = 2000
# Unclosed brackets and quotes may cause this many readings of the whole text. Everything after that is hidden.
PATIENCE = 8

# A setting on its own line, after the dashes of lists. Its key may contain a colon, but not before a space.
_ENTRY = re.compile(
    r"""(?P<lead>[ \t]*(?:[-?:][ \t]+)*)
    (?P<key>"(?:[^"\\]|\\.)*" | '(?:[^']|'')*' | -[^\s:]+
        | [^\s"'\#\[\]{},&*!|>%@`:-](?:[^\s:]|:(?=\S))*(?:[ ][^\s"'\#:]+){0,2})
    (?P<colon>[ \t]*:(?:[ \t]+|$))(?P<value>.*)""",
    re.VERBOSE,
)
_ITEM = re.compile(r"[ \t]*(?:[-?:](?:[ \t]+|$))*(?P<value>.*)")
_KEY_ALONE = re.compile(r"""(?P<lead>[ \t]*)\?[ \t]+["']?(?P<key>[^\s"']+)["']?[ \t]*$""")
_COMMENT = re.compile(r"([ \t]*)(#+)")
_BLOCK = re.compile(r"(?:[&!]\S*\s+)*[|>][-+0-9]*(?:\s+#.*)?\Z")
# Only an anchor, a type or a comment: the value is on the lines below.
_BELOW = re.compile(r"(?:[&!]\S*(?:\s+|\Z))*(?:#.*)?\Z")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)+|(?<=\s)#.*\Z")
_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")


class _Line(NamedTuple):
    """``body`` is the text with each # of a comment replaced by a space; ``column`` is its indentation, -1 if empty."""

    real: str
    text: str
    hashes: str
    body: str
    column: int


class _Group(NamedTuple):
    """Lines that belong together, as they are and as they are displayed."""

    real: str
    shown: str


def masked_diff(path: str, before: str, after: str, secrets: dict[str, Any]) -> dict[str, str]:
    """Return a diff for Ansible that shows that a secret changes, but not the secret.

    Hides the given secrets, other values in their places, settings with secret names, keys, and credentials in URLs,
    headers and assignments.
    """
    code = path.endswith(".py")
    old, new = (list(_groups(text, secrets, code=code)) for text in (before, after))
    # Find groups that differ, but look the same when masked. Different quotes around a value do not count.
    known, alike = {_bare(group.real) for group in old}, {group.shown for group in old}
    said = f"{HIDDEN} (changed)"
    shown = "".join(
        group.shown if _bare(group.real) in known or group.shown not in alike else group.shown.replace(HIDDEN, said)
        for group in new
    )
    masked = "".join(group.shown for group in old)
    if masked == shown and before != after:
        shown = shown.replace(HIDDEN, said)
    return {"before_header": path, "after_header": path, "before": masked, "after": shown}


def _bare(text: str) -> str:
    return re.sub("[\"']", "", text).rstrip()


def _groups(text: str, secrets: dict[str, Any], *, code: bool) -> Iterator[_Group]:
    lines = _lines(text, _without_values(text, secrets))
    if code:
        return (_Group(line.real, _hide(line.text, literals=True)) for line in lines)
    return _Masker(lines, _names(secrets)).groups()


def _without_values(text: str, secrets: dict[str, Any]) -> str:
    pieces = {piece for leaf in _leaves(secrets) for piece in (scalar(leaf)[1:-1], *leaf.split("\n"))}
    for piece in sorted((piece.strip() for piece in pieces), key=len, reverse=True):
        # A shorter one is only hidden in its place. Hidden everywhere, it would hide half of the text and be revealed.
        if len(piece) >= 4 and not piece.startswith("ENC[") and piece.lower() not in ("true", "false", "null", "none"):
            text = text.replace(piece, HIDDEN)
    return text


def _leaves(value: Any) -> list[str]:
    if isinstance(value, (dict, list)):
        return [leaf for item in (value.values() if isinstance(value, dict) else value) for leaf in _leaves(item)]
    return [] if value is None else [str(value)]


def _names(secrets: dict[str, Any]) -> set[str]:
    """Return the names of settings that contain secrets; for an item of a list, that of the list."""
    return {next((part for part in path.split(".")[::-1] if not part.isdigit()), path) for path in secrets}


def _lines(real: str, text: str) -> list[_Line]:
    lines = []
    for line, shown in zip(*(re.findall(r"[^\n]*\n|[^\n]+", form) for form in (real, text)), strict=True):
        comment = _COMMENT.match(shown)
        hashes = comment[2] if comment else ""
        body = shown.rstrip("\r\n")
        if comment:
            body = comment[1] + " " * len(hashes) + body[comment.end() :]
        column = len(body) - len(body.lstrip()) if body.strip() else -1
        lines.append(_Line(line, shown, hashes, body, column))
    return lines


def _hide(text: str, *, literals: bool = False) -> str:
    if len(text) > LONGEST:
        return f"{HIDDEN}\n"
    return without_credentials(text, is_hidden_text, literals=literals)


class _Masker:
    """Goes through the lines and groups those that belong together."""

    def __init__(self, lines: list[_Line], names: set[str]) -> None:
        self.lines = lines
        self.names = names
        self.at = 0
        # How many characters may still be searched in vain.
        self.patience = PATIENCE * sum(len(line.text) for line in lines)

    def groups(self) -> Iterator[_Group]:
        while self.at < len(self.lines):
            first = self.at
            self.at += 1
            shown = self._shown(self.lines[first])
            taken = self.lines[first : self.at]
            yield _Group(
                "".join(line.real for line in taken), "".join(line.text for line in taken) if shown is None else shown
            )

    def _shown(self, line: _Line) -> str | None:
        """Consume the lines that belong to this one, and return how to display them; None for unchanged."""
        if line.column < 0:
            return None
        if _PRIVATE_KEY.search(line.text):
            self._take_private_key()
            return _put(line, _PRIVATE_KEY.split(line.body)[0], HIDDEN)
        if len(line.text) > LONGEST or self.patience < 0:
            return _put(line, " " * line.column, f'"{HIDDEN}"')
        entry, alone = _ENTRY.match(line.body), _KEY_ALONE.match(line.body)
        if entry and self._is_named(_unquoted(entry["key"])):
            return self._setting(line, entry)
        if alone and self._is_named(alone["key"]):
            return _put(line, line.body, f': "{HIDDEN}"') if self._take_below(line, len(alone["lead"])) else None
        found = entry or _ITEM.match(line.body)
        if found:
            return self._value(line, found.start("value"))
        hidden = _hide(line.text)
        return None if hidden == line.text else hidden

    def _is_named(self, key: str) -> bool:
        return key in self.names or is_hidden_name(key) or key.endswith("additional_endpoints")

    def _setting(self, line: _Line, entry: re.Match[str]) -> str | None:
        """Display a setting with a secret name, and everything below it."""
        key, value, column = _unquoted(entry["key"]), entry["value"].strip(), entry.start("key")
        before = line.body[: entry.start("value")]
        if _BELOW.match(value):
            before = before if before.endswith(("\t", " ")) else f"{before} "
            return _put(line, before, f'"{HIDDEN}"') if self._take_below(line, column) else None
        first = self.at
        self._take_open(line, value)
        self._take_below(line, column, block=_BLOCK.match(value) is not None, items=False)
        if value[0] in "[{":
            secret = value.strip("[]{} ") != "" or self.at > first
        else:
            bare = _unquoted(_PROPERTIES.sub("", value).strip())
            nothing = bare.lower() in ("", "~", "null") or RESOLVED.fullmatch(bare)
            secret = not nothing if key in self.names else (bare != "" and is_hidden_text(key, bare))
        return (
            _put(line, before, f'"{HIDDEN}"' if secret else _hide(value)) if secret or _hide(value) != value else None
        )

    def _value(self, line: _Line, start: int) -> str | None:
        """Display a value of another setting, an item of a list, or a part of a text."""
        first, value = self.at - 1, line.body[start:]
        self._take_open(line, value)
        taken = self.lines[first : self.at]
        joined = "\n".join([value, *(_within(line, inner) for inner in taken[1:])])
        if value[:1] not in ("[", "{") or closed_at(joined) < 0:
            hidden = _hide(joined if len(taken) > 1 else line.body)
            start = start if len(taken) > 1 else 0
            joined = joined if len(taken) > 1 else line.body
        else:
            hidden = without_secrets(joined, is_hidden_text, _hide)
        if hidden == joined:
            return None
        # Several lines of a comment would need their # again.
        return _put(line, line.body[:start], re.sub(r"\s*\n\s*", " ", hidden) if line.hashes else hidden)

    def _take_open(self, line: _Line, value: str) -> None:
        """Consume the lines over which a bracket or a quote stays open; none if it is never closed."""
        at, text, further = self.at, value, 1
        while (end := closed_at(text)) < 0:
            lines = self.lines[at : at + further]
            below = list(takewhile(lambda each: not line.hashes or each.hashes == line.hashes, lines))
            if not below:
                self.patience -= len(text)
                return
            text = "\n".join([text, *(_within(line, each) for each in below)])
            at += len(below)
            # Twice as many each time, so that a long value is not read again for each of its lines.
            further *= 2
        self.at += text.count("\n", 0, end)

    def _take_below(self, line: _Line, column: int, *, block: bool = False, items: bool = True) -> bool:
        """Consume the lines below that are indented more than COLUMN or, with ITEMS, start an item there.

        Return whether there are any.
        """
        first = self.at
        for at in range(self.at, len(self.lines)):
            below = self.lines[at]
            # Blank lines at the end do not belong to it.
            if below.column < 0:
                continue
            if line.hashes and below.hashes != line.hashes:
                break
            if below.hashes and not line.hashes and not block and not items:
                break
            depth = below.column if line.hashes else len(below.text) - len(below.text.lstrip())
            if depth < column or (depth == column and not (items and re.match(r"\s*[-:](\s|\Z)", below.body))):
                break
            self.at = at + 1
        return self.at > first

    def _take_private_key(self) -> None:
        while self.at < len(self.lines) and "-----END" not in self.lines[self.at - 1].text:
            self.at += 1


def _within(opener: _Line, line: _Line) -> str:
    """Return a line within a quote or a bracket, where # starts a comment only if the opening line is a comment."""
    return line.body if opener.hashes else line.text.rstrip("\r\n")


def _put(line: _Line, before: str, value: str) -> str:
    """Return a line with this content, and with the # that was replaced by a space."""
    text = before + value
    if line.hashes:
        at = len(line.text) - len(line.text.lstrip(" \t"))
        text = text[:at] + line.hashes + text[at + len(line.hashes) :]
    return f"{text}\n"


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text
