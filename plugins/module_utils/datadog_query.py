# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of Datadog metric queries: text to a tree and back, no evaluation and no I/O.

    query      = expression ("," expression)*
    expression = term (("+" | "-") term)*
    term       = factor (("*" | "/") factor)*
    factor     = "-" factor | number | "(" expression ")" | call | series
    call       = NAME "(" [argument ("," argument)*] ")"
    argument   = expression | string | NAME "=" (string | ["-"] number)
    series     = [AGGREGATOR ":"] METRIC "{" scope "}" ["by" "{" KEY ("," KEY)* "}"] ("." modifier)*
    modifier   = NAME "(" [word ("," word)*] ")"     with word = NAME | string | ["-"] number
    scope      = see datadog_scope

Source: https://docs.datadoghq.com/dashboards/functions/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from .datadog_scope import TAG, QuerySyntaxError, Reader, Scope, UnboundVariable, read_scope

__all__ = [
    "AGGREGATORS",
    "Binary",
    "Call",
    "Expression",
    "Modifier",
    "Negative",
    "Number",
    "Query",
    "QuerySyntaxError",
    "Series",
    "String",
    "UnboundVariable",
    "parse",
]

AGGREGATORS = ("avg", "sum", "min", "max", "count", "p50", "p75", "p90", "p95", "p99")
MODIFIERS = ("as_count", "as_rate", "fill", "rollup", "weighted")

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_METRIC = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_BY = re.compile(r"by\b")


class Expression:
    """What has a value at each point in time: a number, a series, arithmetic or a function of them."""


@dataclass(frozen=True)
class Number(Expression):
    """A number; in an expression it is not negative, since a minus sign is a Negative."""

    value: float

    def __str__(self) -> str:
        return repr(self.value).removesuffix(".0")


@dataclass(frozen=True)
class String:
    """A quoted argument; `value` is as written, with its backslashes."""

    value: str

    def __str__(self) -> str:
        return f'"{self.value}"' if "'" in _ESCAPED.sub("", self.value) else f"'{self.value}'"


@dataclass(frozen=True)
class Modifier:
    """`.name(arguments)` after a series; a text is a bare word."""

    name: str
    arguments: tuple[str | String | Number, ...] = ()

    def __str__(self) -> str:
        return f".{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Series(Expression):
    """A metric in a scope; `aggregator` is None where the query names none (Datadog takes avg)."""

    metric: str
    scope: Scope
    aggregator: str | None = None
    by: tuple[str, ...] = ()
    modifiers: tuple[Modifier, ...] = ()

    def __str__(self) -> str:
        aggregator = f"{self.aggregator}:" if self.aggregator else ""
        by = f" by {{{','.join(self.by)}}}" if self.by else ""
        return f"{aggregator}{self.metric}{{{self.scope}}}{by}{''.join(map(str, self.modifiers))}"


@dataclass(frozen=True)
class Negative(Expression):
    """Unary minus."""

    operand: Expression

    def __str__(self) -> str:
        return f"-({self.operand})" if isinstance(self.operand, Binary) else f"-{self.operand}"


@dataclass(frozen=True)
class Binary(Expression):
    """Arithmetic: `operator` is one of + - * /."""

    operator: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        product = self.operator in "*/"
        left = _operand(self.left, "+-" if product else "")
        right = _operand(self.right, "+-*/" if product else "+-")
        return f"{left} {self.operator} {right}"


def _operand(node: Expression, looser: str) -> str:
    return f"({node})" if isinstance(node, Binary) and node.operator in looser else str(node)


@dataclass(frozen=True)
class Call(Expression):
    """A function: `keywords` are (name, value) pairs in the order written."""

    name: str
    arguments: tuple[Expression | String, ...] = ()
    keywords: tuple[tuple[str, String | Number], ...] = ()

    def __str__(self) -> str:
        words = [str(argument) for argument in self.arguments] + [f"{name}={value}" for name, value in self.keywords]
        return f"{self.name}({', '.join(words)})"


@dataclass(frozen=True)
class Query:
    """What /api/v1/query takes: one or more expressions, separated by commas."""

    expressions: tuple[Expression, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.expressions))


def parse(text: str) -> Query:
    """The query that `text` writes. Raises QuerySyntaxError with the column."""
    parser = Parser(text)
    expressions = parser.separated(parser.expression)
    if parser.peek():
        raise parser.error("expected the end of the query")
    return Query(tuple(expressions))


class Parser(Reader):
    """Recursive descent, one method a rule of the grammar; what a caller starts with is `expression`."""

    def expression(self) -> Expression:
        return self.operations("+-", lambda: self.operations("*/", self.factor))

    def operations(self, operators: str, operand: Callable[[], Expression]) -> Expression:
        node = operand()
        while (operator := self.peek()) and operator in operators:
            self.count()
            self.position += 1
            node = Binary(operator, node, operand())
        return node

    def factor(self) -> Expression:
        if self.accept("-"):
            self.count()
            return Negative(self.factor())
        if self.accept("("):
            self.count()
            node = self.expression()
            self.expect(")", "')' or an operator")
            return node
        if (number := self.number()) is not None:
            return number
        start = self.position
        name = self.match(NAME)
        if name and self.accept("("):
            return self.call(name)
        self.position = start
        return self.series()

    def number(self) -> Number | None:
        found = self.match(_NUMBER)
        if found and not math.isfinite(float(found)):
            raise self.error("number out of range", self.position - len(found))
        return Number(float(found)) if found else None

    def constant(self) -> String | Number:
        if (string := self.match(_STRING)) is not None:
            return String(string[1:-1])
        sign = -1 if self.accept("-") else 1
        if (number := self.number()) is None:
            raise self.error("expected a quoted text or a number")
        return Number(sign * number.value)

    def call(self, name: str) -> Call:
        self.count()
        arguments = [] if self.accept(")") else self.separated(self.argument)
        if arguments:
            self.expect(")", "',' or ')'")
        keywords = [argument for argument in arguments if isinstance(argument, tuple)]
        if any(isinstance(argument, tuple) for argument in arguments[: len(arguments) - len(keywords)]):
            raise self.error(f"a keyword argument of {name} stands before a positional one", self.position - 1)
        return Call(name, tuple(arguments[: len(arguments) - len(keywords)]), tuple(keywords))

    def argument(self) -> Expression | String | tuple[str, String | Number]:
        if (string := self.match(_STRING)) is not None:
            return String(string[1:-1])
        start = self.position
        name = self.match(NAME)
        if name and self.accept("="):
            return name, self.constant()
        self.position = start
        return self.expression()

    def series(self) -> Series:
        self.peek()
        start = self.position
        aggregator = None
        metric = self.need(_METRIC, "a metric, a function, a number or '('")
        if self.accept(":"):
            if metric not in AGGREGATORS:
                raise self.error(f"unknown aggregator, expected one of {', '.join(AGGREGATORS)}", start)
            aggregator, metric = metric, self.need(_METRIC, "a metric")
        self.expect("{", "a scope such as {*}")
        scope = read_scope(self)
        self.expect("}", "',', AND, OR or '}'")
        by: tuple[str, ...] = ()
        if self.match(_BY):
            self.expect("{", "tag keys such as {host}")
            by = tuple(self.separated(lambda: self.need(TAG, "a tag key")))
            self.expect("}", "',' or '}'")
        modifiers = []
        while self.accept("."):
            modifiers.append(self.modifier())
        return Series(metric, scope, aggregator, by, tuple(modifiers))

    def modifier(self) -> Modifier:
        start = self.position
        name = self.match(NAME)
        if name not in MODIFIERS:
            raise self.error(f"expected one of {', '.join(MODIFIERS)}", start)
        self.expect("(", f"'(' after .{name}")
        if self.accept(")"):
            return Modifier(name)
        words = self.separated(lambda: self.match(NAME) or self.constant())
        self.expect(")", "',' or ')'")
        return Modifier(name, tuple(words))
