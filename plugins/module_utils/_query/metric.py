# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of Datadog metric queries: parse and format them. No evaluation, no I/O.

    query      = expression ("," expression)*
    expression = ["+"] term (("+" | "-") term)*
    term       = factor (("*" | "/") factor)*
    factor     = "-" factor | number | "(" expression ")" ("." modifier)* | call ("." modifier)* | series | VARIABLE
    call       = NAME "(" [argument ("," argument)*] ")"
    argument   = expression | string | keys | NAME "=" (string | ["-"] number) | WORD
    series     = [aggregator ":"] METRIC "{" scope "}" ["by" keys] ("." modifier)*
    aggregator = AGGREGATOR | "count(v: v" COMPARATOR ["-"] number ")"
    keys       = "{" KEY ("," KEY)* "}"
    modifier   = NAME "(" [word ("," word)*] ")"     with word = WORD | string | ["-"] number
    scope      = see scope.py

A VARIABLE, the name of a query, occurs only in formulas. `by` may also come between or after the modifiers. A WORD is a
string without quotes, and never the first argument. The grammar does not know which functions and arguments exist: see
functions.py.
Sources: https://docs.datadoghq.com/dashboards/functions/, https://docs.datadoghq.com/metrics/distributions/
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from .scope import TAG, Reader, Scope, read_scope

# Any other percentile, such as p99.9, is valid, too. `histogram` is the whole distribution, for heat maps.
AGGREGATORS = ("avg", "sum", "min", "max", "count", "stddev", "histogram", "p50", "p75", "p90", "p95", "p99")
MODIFIERS = ("as_count", "as_rate", "fill", "rollup", "weighted")

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_/+-]*|\d{1,2}(?::\d{2})?[ap]m\b")
_PERCENTILE = re.compile(r"p\d{1,2}(?:\.\d+)?")
METRIC = re.compile(r"[A-Za-z](?:[A-Za-z0-9_.]*[A-Za-z0-9_])?")
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
STRING = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)
# Counts the values of a distribution for which the comparison is true.
_COUNTED = re.compile(rf"count\(\s*v\s*:\s*v\s*(>=|<=|==|!=|>|<)\s*(-?{_NUMBER.pattern})\s*\)")
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_BY = re.compile(r"by\b")


class Expression:
    """Has a value at each point in time: a number, a series, arithmetic or a function of these."""


@dataclass(frozen=True)
class Number(Expression):
    """A number, written without an exponent. In an expression it is not negative: a minus sign is a Negative."""

    value: float

    def __str__(self) -> str:
        return format(Decimal(repr(self.value)), "f").removesuffix(".0")


@dataclass(frozen=True)
class String:
    """A quoted argument; `value` is as written, with its backslashes."""

    value: str

    def __str__(self) -> str:
        return f'"{self.value}"' if "'" in _ESCAPED.sub("", self.value) else f"'{self.value}'"


@dataclass(frozen=True)
class Modifier:
    """`.name(arguments)` after a series; a str is a bare word. `position` is where it was read."""

    name: str
    arguments: tuple[str | String | Number, ...] = ()
    position: int = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        return f".{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Series(Expression):
    """A metric in a scope; `aggregator` is None if the query has none (Datadog then uses avg). `position` is where it
    was read.
    """

    metric: str
    scope: Scope
    aggregator: str | None = None
    by: tuple[str, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    position: int = field(default=0, compare=False, repr=False)

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
    """A function: `keywords` are (name, value) pairs in the order written. `position` is where it was read."""

    name: str
    arguments: tuple[Expression | String | Keys, ...] = ()
    keywords: tuple[tuple[str, String | Number], ...] = ()
    position: int = field(default=0, compare=False, repr=False)

    def __str__(self) -> str:
        words = [str(argument) for argument in self.arguments] + [f"{name}={value}" for name, value in self.keywords]
        return f"{self.name}({', '.join(words)})"


@dataclass(frozen=True)
class Keys:
    """Tag keys as an argument of a function that groups again: `{env, host}`."""

    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"{{{','.join(self.keys)}}}"


@dataclass(frozen=True)
class Modified(Expression):
    """Modifiers after a function or parentheses."""

    operand: Expression
    modifiers: tuple[Modifier, ...]

    def __str__(self) -> str:
        text = str(self.operand) if isinstance(self.operand, Call) else f"({self.operand})"
        return f"{text}{''.join(map(str, self.modifiers))}"


@dataclass(frozen=True)
class Variable(Expression):
    """The name of a query in a formula."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Query:
    """A query for /api/v1/query: one or more expressions, separated by commas."""

    expressions: tuple[Expression, ...]

    def __str__(self) -> str:
        return ", ".join(map(str, self.expressions))


def is_aggregator(name: str) -> bool:
    """Whether `name` is valid before the colon of a metric query."""
    return name in AGGREGATORS or any(pattern.fullmatch(name) for pattern in (_PERCENTILE, _COUNTED))


def parse(text: str) -> Query:
    """Parse a query. Raises QuerySyntaxError with the column."""
    return _whole(Parser(text))


def parse_formula(text: str) -> Query:
    """Parse a formula over named queries, such as "query1 / query2 * 100". Raises as parse() does."""
    return _whole(Parser(text, formula=True))


def _whole(parser: Parser) -> Query:
    expressions = parser.separated(parser.expression)
    if parser.peek():
        raise parser.error("expected the end of the query")
    return Query(tuple(expressions))


# For these functions, Datadog treats a bare word as a metric without a scope, and rejects it: see responses of the API
# in DataDog/hiring-engineers, issues 397 and 784. A shell removes the quotes from a body that is quoted itself.
QUOTED = ("anomalies", "outliers", "forecast")


class Parser(Reader):
    """Recursive descent parser, with one method for each rule of the grammar; callers start with `expression`."""

    def __init__(self, text: str, *, formula: bool = False) -> None:
        super().__init__(text)
        self.formula = formula

    def expression(self) -> Expression:
        self.accept("+")
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
            return self.modified(node)
        if (number := self.number()) is not None:
            return number
        self.peek()
        start = self.position
        if _COUNTED.match(self.text, start):
            return self.series()
        name = self.match(NAME)
        if name and self.accept("("):
            return self.modified(self.call(name, start))
        if name and self.formula and self.peek() not in (".", ":", "{"):
            return Variable(name)
        self.position = start
        return self.series()

    def modified(self, node: Expression) -> Expression:
        modifiers = self.modifiers()
        return Modified(node, modifiers) if modifiers else node

    def number(self) -> Number | None:
        found = self.match(_NUMBER)
        if found and not math.isfinite(float(found)):
            raise self.error("number out of range", self.position - len(found))
        return Number(float(found)) if found else None

    def constant(self) -> String | Number:
        if (string := self.match(STRING)) is not None:
            return String(string[1:-1])
        sign = -1 if self.accept("-") else 1
        if (number := self.number()) is None:
            raise self.error("expected a quoted string or a number")
        return Number(sign * number.value)

    def call(self, name: str, position: int) -> Call:
        self.count()
        arguments = [] if self.accept(")") else [self.argument()]
        while arguments and self.accept(","):
            arguments.append(self.bare(name) or self.argument())
        if arguments:
            self.expect(")", "',' or ')'")
        keywords = [argument for argument in arguments if isinstance(argument, tuple)]
        positional = [argument for argument in arguments if not isinstance(argument, tuple)]
        if arguments != [*positional, *keywords]:
            raise self.error(f"a keyword argument of {name} precedes a positional one", self.position - 1)
        return Call(name, tuple(positional), tuple(keywords), position)

    def bare(self, function: str) -> String | None:
        start = self.position
        name = None if self.formula else self.match(NAME)
        if name and self.peek() in (",", ")"):
            if function in QUOTED:
                raise self.error(f"{function} requires quotes around {name}: '{name}'", start)
            return String(name)
        self.position = start
        return None

    def argument(self) -> Expression | String | Keys | tuple[str, String | Number]:
        if (string := self.match(STRING)) is not None:
            return String(string[1:-1])
        if self.peek() == "{":
            return Keys(self.keys())
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
        metric = self.counted() or self.need(METRIC, "a metric, a function, a number or '('")
        if self.accept(":"):
            if not is_aggregator(metric):
                raise self.error(f"unknown aggregator, expected one of {', '.join(AGGREGATORS)}", start)
            aggregator, metric = metric, self.need(METRIC, "a metric")
        self.expect("{", "a scope such as {*}")
        scope = read_scope(self)
        self.expect("}", "',', AND, OR or '}'")
        by = self.by()
        modifiers = self.modifiers()
        if not by and (by := self.by()):
            modifiers += self.modifiers()
        return Series(metric, scope, aggregator, by, modifiers, start)

    def counted(self) -> str | None:
        found = _COUNTED.match(self.text, self.position)
        self.position = found.end() if found else self.position
        return f"count(v: v{found[1]}{found[2]})" if found else None

    def by(self) -> tuple[str, ...]:
        return self.keys() if self.match(_BY) else ()

    def keys(self) -> tuple[str, ...]:
        self.expect("{", "tag keys such as {host}")
        keys = tuple(self.separated(lambda: self.need(TAG, "a tag key")))
        self.expect("}", "',' or '}'")
        return keys

    def modifiers(self) -> tuple[Modifier, ...]:
        modifiers = []
        while self.accept("."):
            modifiers.append(self.modifier())
        return tuple(modifiers)

    def modifier(self) -> Modifier:
        self.peek()
        start = self.position
        name = self.match(NAME)
        if name not in MODIFIERS:
            raise self.error(f"expected one of {', '.join(MODIFIERS)}", start)
        self.expect("(", f"'(' after .{name}")
        if self.accept(")"):
            return Modifier(name, (), start)
        words = self.separated(lambda: self.match(_WORD) or self.constant())
        self.expect(")", "',' or ')'")
        return Modifier(name, tuple(words), start)
