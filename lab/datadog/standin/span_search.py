"""The search syntax of spans: text to a test of a span.

    any   = every ("OR" every)*
    every = one (["AND"] one)*
    one   = ("-" | "NOT") one | "(" any ")" | [KEY ":"] value
    value = "(" text ("OR" text)* ")" | "[" text "TO" text "]" | [">" | ">=" | "<" | "<="] text

A KEY with @ is an attribute of the span, others are reserved ones or tags. In a text that is not quoted, * stands for
any characters and ? for one. Upper and lower case are the same here.
Source: https://docs.datadoghq.com/tracing/trace_explorer/query_syntax/
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable

from module_utils.datadog_scope import QuerySyntaxError, Reader

from .apm import Span
from .decode import Refused

Test = Callable[[Span], bool]
_OR, _AND, _NOT, _TO = (re.compile(rf"{word}(?=[\s()\]}}]|$)") for word in ("OR", "AND", "NOT", "TO"))
_MINUS = re.compile(r"-(?=[^\s)])")
_KEY = re.compile(r"(@?[A-Za-z_][\w./-]*):(?=[^\s)])")
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"')
_TEXT = re.compile(r'(?:\\.|[^\s()"\[\]{}\\])+')
_PIECE = re.compile(r"\\(.)|(\*)|(\?)|(.)", re.DOTALL)
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
_NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(ns|us|µs|ms|s|min|m|h)?")
_UNITS = {"ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "min": 6e10, "m": 6e10, "h": 3.6e12}
_RESERVED: dict[str, Callable[[Span], list[str]]] = {
    "service": lambda span: [span.service],
    "env": lambda span: [span.env],
    "version": lambda span: [span.version],
    "host": lambda span: [span.host],
    "operation_name": lambda span: [span.name],
    "resource_name": lambda span: [span.resource],
    "type": lambda span: [span.type],
    "status": lambda span: ["error" if span.error else "ok"],
    "span_id": lambda span: [str(span.span)],
    "parent_id": lambda span: [str(span.parent)],
    "trace_id": lambda span: [span.trace, str(int(span.trace[16:], 16))],
}
_ANYWHERE = ("service", "operation_name", "resource_name")


def parse(query: str, tags: Callable[[str], Iterable[str]]) -> Test:
    """The test that `query` writes; `tags` gives those of a host. Raises Refused(400)."""
    try:
        reader = _Search(query, tags)
        test = reader.any() if reader.peek() else lambda span: True
        if reader.peek():
            raise reader.error("expected AND, OR or the end of the query")
    except QuerySyntaxError as error:
        detail = f"invalid_argument(Field 'filter.query' is invalid: {error})"
        raise Refused(400, {"title": "Generic Error", "detail": detail}) from None
    return test


class _Search(Reader):
    """Recursive descent, one method a rule of the grammar."""

    def __init__(self, text: str, tags: Callable[[str], Iterable[str]]) -> None:
        super().__init__(text)
        self.tags = tags

    def any(self) -> Test:
        tests = [self.every()]
        while self.match(_OR):
            tests.append(self.every())
        return lambda span: any(test(span) for test in tests)

    def every(self) -> Test:
        tests = [self.one()]
        while self.match(_AND) or (self.peek() not in ("", ")") and not _OR.match(self.text, self.position)):
            tests.append(self.one())
        return lambda span: all(test(span) for test in tests)

    def one(self) -> Test:
        self.count()
        if self.match(_MINUS) or self.match(_NOT):
            negated = self.one()
            return lambda span: not negated(span)
        if self.accept("("):
            inner = self.any()
            self.expect(")", "')', AND or OR")
            return inner
        found = self.match(_KEY)
        values = self.values(found[:-1] if found else "")
        fits = self.value(whole=bool(found))
        return lambda span: any(map(fits, values(span)))

    def values(self, key: str) -> Callable[[Span], list[str]]:
        """What a span has under a key, each as text; everything that a bare word is looked for in, without one."""
        if not key:
            return lambda span: [value for name in _ANYWHERE for value in _RESERVED[name](span)]
        name = key.removeprefix("@")
        if key.startswith("@") and name == "duration":
            return lambda span: [str(span.duration)]
        if key.startswith("@"):
            return lambda span: [str(held[name]) for held in (span.meta, span.metrics) if name in held]
        return _RESERVED.get(key) or (lambda span: [tag[len(key) + 1 :] for tag in self.tagged(span, key)])

    def tagged(self, span: Span, key: str) -> list[str]:
        return [tag for tag in self.tags(span.host) if tag.startswith(f"{key}:")]

    def value(self, whole: bool) -> Callable[[str], bool]:
        if self.accept("("):
            self.count()
            options = [self.value(whole)]
            while self.match(_OR):
                options.append(self.value(whole))
            self.expect(")", "')' or OR")
            return lambda text: any(option(text) for option in options)
        if self.accept("[") or self.accept("{"):
            open_ = self.text[self.position - 1] == "{"
            low = self.limit(">" if open_ else ">=")
            if not self.match(_TO):
                raise self.error("expected TO")
            high = self.limit("<" if open_ else "<=")
            self.expect("}" if open_ else "]", "the end of the range")
            return lambda text: low(text) and high(text)
        for symbol in _COMPARE:
            if self.accept(symbol):
                return self.limit(symbol)
        if (quoted := self.match(_QUOTED)) is not None:
            text = re.sub(r"\\(.)", r"\1", quoted[1:-1]).lower()
            return lambda value: text == value.lower() if whole else text in value.lower()
        pattern = self.need(_TEXT, "a value")
        matcher = re.compile("".join(map(_piece, _PIECE.finditer(pattern))), re.IGNORECASE | re.DOTALL)
        return lambda value: bool((matcher.fullmatch if whole else matcher.search)(value))

    def limit(self, symbol: str) -> Callable[[str], bool]:
        """A test of a number; * is no limit."""
        text = self.need(_TEXT, "a number")
        if text == "*":
            return lambda value: True
        limit = _number(text)
        if limit is None:
            raise self.error("expected a number", self.position - len(text))
        compare = _COMPARE[symbol]
        return lambda value: (number := _number(value)) is not None and compare(number, limit)


def _piece(found: re.Match[str]) -> str:
    return ".*" if found[2] else "." if found[3] else re.escape(found[1] or found[4])


def _number(text: str) -> float | None:
    """A number; of one with a unit of time, the nanoseconds."""
    found = _NUMBER.fullmatch(text)
    return float(found[1]) * _UNITS.get(found[2] or "", 1) if found else None
