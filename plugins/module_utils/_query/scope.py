# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Datadog scopes, which select time series by tags: parse, format and match them.

    scope = item ("," item)*    with item = ["!"] TAG
          | any                 with AND, OR, NOT, parentheses, KEY [NOT] IN (VALUE ("," VALUE)*)

Both syntaxes of a scope give equal trees: "a:b,!c:d" is "a:b AND NOT c:d". As in Datadog, they cannot be mixed.
Source: https://docs.datadoghq.com/metrics/advanced-filtering/
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

_Read = TypeVar("_Read")
# The rules for tags apply where tags are sent; a scope only has to know where a tag ends.
TAG = re.compile(r'(?:"[^"]*"|[^\s,(){}!])+')
_NOT_SPACE = re.compile(r"\S|\Z")
# Datadog accepts these words in uppercase and in lowercase, but not in mixed case.
_KEYWORDS = {word: re.compile(rf"(?:{word}|{word.lower()})(?=[\s(),}}]|$)") for word in ("AND", "OR", "NOT", "IN")}
# Operators, parentheses and functions in one text: more could exhaust Python's stack, here or where the tree is walked.
_LIMIT = 80


class QuerySyntaxError(ValueError):
    """A text is not a query. `message` is the reason; `line` and `column` (from 1) and `position` (from 0) are where
    parsing stopped.
    """

    def __init__(self, message: str, text: str, position: int) -> None:
        self.message = message
        self.position = position
        self.line = text.count("\n", 0, position) + 1
        self.column = position - text.rfind("\n", 0, position)
        rest = text[position:]
        shown = rest if len(rest) <= 60 else f"{rest[:57]}..."
        super().__init__(f"{message} at '{shown}' (line {self.line}, column {self.column})")


class UnboundVariable(ValueError):
    """A scope with a template variable ($name) was matched, but only a dashboard has a value for it."""


class Scope:
    """Selects time series by their tags."""

    def matches(self, tags: Collection[str]) -> bool:
        """Whether `tags` ("key:value" or bare, in any case) are selected. Raises UnboundVariable."""
        raise NotImplementedError


@dataclass(frozen=True)
class Tag(Scope):
    """One tag, in which `*` matches any text; "*" alone selects everything. Quotes only delimit it."""

    text: str

    def matches(self, tags: Collection[str]) -> bool:
        if "$" in self.text:
            raise UnboundVariable(f"template variable {self.text} has no value here")
        return self.text == "*" or any(map(_wildcards(self.text.replace('"', "")).fullmatch, tags))

    def __str__(self) -> str:
        return self.text


@functools.lru_cache(maxsize=1024)
def _wildcards(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("*")), re.IGNORECASE)


@dataclass(frozen=True)
class In(Scope):
    """A key with one of several values."""

    key: str
    values: tuple[str, ...]

    def matches(self, tags: Collection[str]) -> bool:
        return any(Tag(f"{self.key}:{value}").matches(tags) for value in self.values)

    def __str__(self) -> str:
        return f"{self.key} IN ({','.join(self.values)})"


@dataclass(frozen=True)
class Not(Scope):
    """Selects what the operand does not select."""

    operand: Scope

    def matches(self, tags: Collection[str]) -> bool:
        return not self.operand.matches(tags)

    def __str__(self) -> str:
        return f"!{self.operand}" if isinstance(self.operand, Tag) else _words(self)


@dataclass(frozen=True)
class And(Scope):
    """Selects what every operand selects; none of them is an And itself."""

    operands: tuple[Scope, ...]

    def matches(self, tags: Collection[str]) -> bool:
        return all(operand.matches(tags) for operand in self.operands)

    def __str__(self) -> str:
        symbols = all(isinstance(o, Tag) or (isinstance(o, Not) and isinstance(o.operand, Tag)) for o in self.operands)
        return ",".join(map(str, self.operands)) if symbols else _words(self)


@dataclass(frozen=True)
class Or(Scope):
    """Selects what at least one operand selects; none of them is an Or itself."""

    operands: tuple[Scope, ...]

    def matches(self, tags: Collection[str]) -> bool:
        return any(operand.matches(tags) for operand in self.operands)

    def __str__(self) -> str:
        return _words(self)


_BINDING = {Or: 0, And: 1, Not: 2, In: 3, Tag: 3}


def _words(scope: Scope, binding: int = 0) -> str:
    """Return the scope written with words, in parentheses if it binds weaker than `binding`."""
    if isinstance(scope, Not) and isinstance(scope.operand, In):
        return f"{scope.operand.key} NOT IN ({','.join(scope.operand.values)})"
    if isinstance(scope, Not):
        text = f"NOT {_words(scope.operand, 2)}"
    elif isinstance(scope, (And, Or)):
        word = " AND " if isinstance(scope, And) else " OR "
        text = word.join(_words(operand, _BINDING[type(scope)] + 1) for operand in scope.operands)
    else:
        text = str(scope)
    return f"({text})" if _BINDING[type(scope)] < binding else text


class Reader:
    """A text and a position in it, from which each method reads on, skipping white space."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._nodes = 0

    def peek(self) -> str:
        """Return the next character, or "" at the end."""
        found = _NOT_SPACE.search(self.text, self.position)
        self.position = found.start() if found else len(self.text)
        return self.text[self.position : self.position + 1]

    def error(self, message: str, position: int | None = None) -> QuerySyntaxError:
        """Return the error that ends parsing, here or at `position`."""
        self.position = self.position if position is None else position
        self.peek()
        return QuerySyntaxError(message, self.text, self.position)

    def count(self) -> None:
        """Count one more operator, parenthesis or function. Raises beyond the limit."""
        self._nodes += 1
        if self._nodes > _LIMIT:
            raise self.error(f"more than {_LIMIT} operators, parentheses and functions")

    def accept(self, token: str) -> bool:
        """Read `token` if it comes next."""
        self.peek()
        found = self.text.startswith(token, self.position)
        self.position += len(token) if found else 0
        return found

    def expect(self, token: str, what: str) -> None:
        """Read `token`, or raise that `what` was expected."""
        if not self.accept(token):
            raise self.error(f"expected {what}")

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Read what `pattern` matches next, or nothing."""
        self.peek()
        found = pattern.match(self.text, self.position)
        self.position = found.end() if found else self.position
        return found.group() if found else None

    def need(self, pattern: re.Pattern[str], what: str) -> str:
        """Read what `pattern` matches, or raise that `what` was expected."""
        found = self.match(pattern)
        if found is None:
            raise self.error(f"expected {what}")
        return found

    def separated(self, read: Callable[[], _Read]) -> list[_Read]:
        """Return one or more of what `read` reads, separated by commas."""
        items = [read()]
        while self.accept(","):
            items.append(read())
        return items


def parse_scope(text: str) -> Scope:
    """Parse a scope without braces. Raises QuerySyntaxError with the column."""
    reader = Reader(text)
    scope = read_scope(reader)
    if reader.peek():
        raise reader.error("expected ',', AND, OR or the end of the scope")
    return scope


def read_scope(reader: Reader) -> Scope:
    """Read the next scope from `reader`. Raises QuerySyntaxError."""
    return _ScopeReader(reader).scope()


class _ScopeReader:
    """Recursive descent parser, with one method for each rule of the grammar."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.symbols = False
        self.words = False

    def scope(self) -> Scope:
        items = self.reader.separated(self.item)
        if (self.symbols or len(items) > 1) and self.words:
            raise self.reader.error("AND, OR, NOT and IN cannot be mixed with ',' and '!'")
        return _joined(And, items)

    def item(self) -> Scope:
        if self.reader.accept("!"):
            self.symbols = True
            return Not(self.tag())
        return self.any()

    def any(self) -> Scope:
        return self.chain(Or, "OR", lambda: self.chain(And, "AND", self.one))

    def chain(self, kind: type[And | Or], word: str, read: Callable[[], Scope]) -> Scope:
        operands = [read()]
        while self.word(word):
            operands.append(read())
        return _joined(kind, operands)

    def one(self) -> Scope:
        if self.word("NOT"):
            self.reader.count()
            return Not(self.one())
        if self.reader.accept("("):
            self.reader.count()
            self.words = True
            inner = self.any()
            self.reader.expect(")", "')', AND or OR")
            return inner
        tag = self.tag()
        negated = self.word("NOT")
        if not self.word("IN"):
            if negated:
                raise self.reader.error("expected IN")
            return tag
        self.reader.expect("(", "'(' after IN")
        values = self.reader.separated(lambda: self.reader.need(TAG, "a tag value"))
        self.reader.expect(")", "',' or ')'")
        chosen = In(tag.text, tuple(values))
        return Not(chosen) if negated else chosen

    def word(self, word: str) -> bool:
        found = self.reader.match(_KEYWORDS[word]) is not None
        self.words |= found
        return found

    def keyword_next(self) -> bool:
        self.reader.peek()
        return any(word.match(self.reader.text, self.reader.position) for word in _KEYWORDS.values())

    def tag(self) -> Tag:
        start = self.reader.position
        text = self.reader.match(TAG)
        if text is None or text.upper() in _KEYWORDS:
            raise self.reader.error("expected a tag, '*' or a template variable", start)
        if text.endswith(":") and not self.keyword_next():  # Datadog lets a space stand before the value.
            text += self.reader.match(TAG) or ""
        return Tag(text)


def _joined(kind: type[And | Or], operands: list[Scope]) -> Scope:
    """Combine `operands` in one node of `kind`, flattening operands of the same kind."""
    if len(operands) == 1:
        return operands[0]
    flat: list[Scope] = []
    for operand in operands:
        flat.extend(operand.operands if isinstance(operand, kind) else (operand,))
    return kind(tuple(flat))
