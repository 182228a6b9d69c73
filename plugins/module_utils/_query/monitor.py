# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of Datadog monitor queries: parse and format them. No evaluation, no I/O.

    metric     = aggregate ":" expression COMPARATOR threshold
    aggregate  = NAME "(" WINDOW ")" | ("change" | "pct_change") "(" NAME "(" WINDOW ")" "," SHIFT ")"
    check      = STRING ("." ("over" | "exclude" | "by") "(" STRING ("," STRING)* ")" | ".last(" COUNT ")")* "." VERDICT
    composite  = any ("||" any)*  with any = one ("&&" one)*, one = ID | KEY | "!" one | "(" composite ")"
    other      = NAME "(" arguments ")" ("." NAME "(" arguments ")")* COMPARATOR threshold    with a window among these
    threshold  = ["-"] number | "threshold"

`expression` is that of metric.py. A WINDOW is for example last_5m, a SHIFT last_1h or 1h_ago. A KEY stands for the ID
of the monitor with this key; Datadog itself only accepts IDs.
Source: https://docs.datadoghq.com/api/latest/monitors/#create-a-monitor
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .metric import NAME, STRING, Expression, Number, Parser, String, parse_formula
from .scope import QuerySyntaxError

METRIC_TYPES = ("metric alert", "query alert")
# Monitor types whose queries consist of a source and methods, with their sources.
SOURCES: dict[str, tuple[str, ...]] = {
    "audit alert": ("audits",),
    "ci-pipelines alert": ("ci-pipelines",),
    "ci-tests alert": ("ci-tests",),
    "cost alert": (),
    "data-jobs alert": ("data-jobs",),
    "data-quality alert": ("data-quality",),
    "database-monitoring alert": ("database-monitoring",),
    "error-tracking alert": ("error-tracking", "error-tracking-logs", "error-tracking-rum", "error-tracking-traces"),
    "event alert": ("events",),
    "event-v2 alert": ("events",),
    "llm-observability alert": ("llm-observability",),
    "log alert": ("logs",),
    "network-path alert": ("network-path",),
    "network-performance alert": ("network-performance",),
    "process alert": ("processes",),
    "rum alert": ("rum",),
    "slo alert": ("burn_rate", "error_budget"),
    "trace-analytics alert": ("trace-analytics",),
}
# A synthetics monitor belongs to its test, and its query is meaningless.
MONITOR_TYPES = (*METRIC_TYPES, "service check", "composite", *SOURCES, "synthetics alert")
AGGREGATIONS = ("avg", "sum", "min", "max", "last", "count", "percentile")
CHANGES = ("change", "pct_change")
COMPARATORS = (">=", "<=", "==", "!=", ">", "<")
VERDICTS = ("count_by_status", "pct_by_status")

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "mo": 30 * 86400}
_WINDOW = re.compile(r"(?:last|current|next)_([1-9]\d*)(mo|[smhdw])\b")
_SHIFT = re.compile(r"(?:last_([1-9]\d*)(mo|[smhdw])|([1-9]\d*)(mo|[smhdw])_ago)\b")
_MOST_RESULTS = 100
_COMPARATOR = re.compile("|".join(COMPARATORS))
_INTEGER = re.compile(r"\d{1,18}(?!\d)")
_KEY = re.compile(r"[a-z][a-z0-9_-]{0,99}(?![A-Za-z0-9_-])")
_SOURCE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# Datadog escapes the quotes in a search, but not the backslashes before them.
_SEARCH = re.compile(r'"(?:[^"\\]|\\+[^\\])*"')
_QUOTE = re.compile(r"\\(['\"])")
_LENGTH = re.compile(r"[1-9]\d*(?:mo|[smhdw])")
_BARE = re.compile(r"[A-Za-z_@*][A-Za-z0-9_.@*-]*|\d+(?:mo|[smhdw])\b")


@dataclass(frozen=True)
class MetricCondition:
    """A threshold for an expression, aggregated by `aggregation` over `window` seconds, which `window_text` writes
    (last_5m; current_.. windows grow, next_.. are in the future, a month has 30 days). `change` is set if a change is
    compared instead of the value: ("change" | "pct_change", seconds back), which `shift_text` writes. `threshold` is
    None if the query has the word threshold, which stands for a query.
    """

    aggregation: str
    window: int
    window_text: str
    change: tuple[str, int] | None
    expression: Expression
    comparator: str
    threshold: float | None
    shift_text: str = ""

    def __str__(self) -> str:
        aggregate = f"{self.aggregation}({self.window_text})"
        if self.change:
            aggregate = f"{self.change[0]}({aggregate},{self.shift_text})"
        return f"{aggregate}:{self.expression} {self.comparator} {_threshold(self.threshold)}"


@dataclass(frozen=True)
class CheckCondition:
    """A verdict on the last `last` results of a service check for each group of `by`; tags as written. An empty `over`
    means everything.
    """

    check: str
    over: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    last: int = 1
    verdict: str = "count_by_status()"

    def __str__(self) -> str:
        steps = [f".{name}({_strings(tags)})" for name in ("over", "exclude", "by") if (tags := getattr(self, name))]
        return f"{String(self.check)}{''.join(steps)}.last({self.last}).{self.verdict}"


@dataclass(frozen=True)
class CompositeCondition:
    """Monitors, each an ID or a key, combined by `operator`: "&&", "||", "!" (one operand) or "" (one monitor)."""

    operator: str
    operands: tuple[CompositeCondition | int | str, ...]

    @property
    def monitors(self) -> frozenset[int | str]:
        """The IDs and keys of all monitors in it."""
        return frozenset().union(
            *(one.monitors if isinstance(one, CompositeCondition) else {one} for one in self.operands)
        )

    def named(self, names: Mapping[int | str, int | str]) -> CompositeCondition:
        """Return the condition with monitors renamed according to `names`."""
        return CompositeCondition(
            self.operator,
            tuple(
                one.named(names) if isinstance(one, CompositeCondition) else names.get(one, one)
                for one in self.operands
            ),
        )

    def __str__(self) -> str:
        words = [
            f"({one})" if isinstance(one, CompositeCondition) and one.operator in ("&&", "||") else str(one)
            for one in self.operands
        ]
        return f"!{words[0]}" if self.operator == "!" else f" {self.operator} ".join(words)


@dataclass(frozen=True)
class Step:
    """`name(arguments)` in a chain; a str among the arguments is a bare word."""

    name: str
    arguments: tuple[str | String | Number, ...] = ()
    keywords: tuple[tuple[str, str | String | Number], ...] = ()

    def __str__(self) -> str:
        words = [str(argument) for argument in self.arguments] + [f"{name}={value}" for name, value in self.keywords]
        return f"{self.name}({', '.join(words)})"


@dataclass(frozen=True)
class OtherCondition:
    """A threshold for a source and its methods (logs, events, processes, SLOs, formulas): only the syntax is known."""

    steps: tuple[Step, ...]
    comparator: str
    threshold: float | None

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.steps))} {self.comparator} {_threshold(self.threshold)}"


# In quotes for pylint, which mistakes a union of dataclasses for an operation that they do not support.
Condition: TypeAlias = "MetricCondition | CheckCondition | CompositeCondition | OtherCondition"


def window_seconds(window: str) -> int:
    """Return the seconds of a window such as last_5m. Raises ValueError."""
    return _length(window, _WINDOW)


def _length(text: str, pattern: re.Pattern[str]) -> int:
    found = pattern.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not an evaluation window. Write one such as last_5m.")
    number, unit = (part for part in found.groups() if part)
    return int(number) * _SECONDS[unit]


def _threshold(value: float | None) -> str:
    return "threshold" if value is None else str(Number(value))


def _strings(texts: tuple[str, ...]) -> str:
    return ",".join(str(String(text)) for text in texts)


def parse_monitor(text: str, kind: str) -> Condition:
    """Parse the query of a monitor of the type `kind`.

    Raises QuerySyntaxError with the column, or ValueError for a type that has no query or does not exist.
    """
    reader = _ConditionReader(text)
    if kind in METRIC_TYPES:
        condition: Condition = reader.other(kind) if text.lstrip().startswith("formula") else reader.metric()
    elif kind == "service check":
        condition = reader.check()
    elif kind == "composite":
        condition = reader.composite()
    elif kind in SOURCES:
        condition = reader.other(kind)
    elif kind == "synthetics alert":
        raise ValueError("a synthetics alert has no query of its own, since that belongs to its test")
    else:
        raise ValueError(f"unknown monitor type {kind!r}, expected one of {', '.join(MONITOR_TYPES)}")
    if reader.peek():
        raise reader.error("expected the end of the query")
    return condition


class _ConditionReader(Parser):
    """Recursive descent parser, with one method for each form of condition."""

    def one_of(self, names: tuple[str, ...], what: str) -> str:
        self.peek()
        start = self.position
        name = self.match(NAME)
        if name not in names:
            raise self.error(f"expected {what}, one of {', '.join(names)}", start)
        return name

    def limit(self) -> tuple[str, float | None]:
        comparator = self.need(_COMPARATOR, f"a comparator, one of {', '.join(COMPARATORS)}")
        if self.accept("threshold"):
            return comparator, None
        sign = -1 if self.accept("-") else 1
        number = self.number()
        if number is None:
            raise self.error("expected a number as threshold")
        return comparator, sign * number.value

    # ------------------------------------------------------------------------------------------------------ metrics
    def metric(self) -> MetricCondition:
        name = self.one_of((*AGGREGATIONS, *CHANGES), "an aggregation with its window such as avg(last_5m)")
        self.expect("(", f"'(' after {name}")
        change, shift_text = None, ""
        if name in CHANGES:
            aggregation = self.one_of(AGGREGATIONS, "an aggregation")
            self.expect("(", f"'(' after {aggregation}")
            window_text, window = self.span(_WINDOW, "a window such as last_5m")
            self.expect(")", "')' after the window")
            self.expect(",", "',' and the time to compare with, such as last_1h or 1h_ago")
            shift_text, shift = self.span(_SHIFT, "the time to compare with, such as last_1h or 1h_ago")
            change = (name, shift)
        else:
            aggregation = name
            window_text, window = self.span(_WINDOW, "a window such as last_5m")
        self.expect(")", "')'")
        self.expect(":", "':' and what is measured")
        expression = self.expression()
        return MetricCondition(aggregation, window, window_text, change, expression, *self.limit(), shift_text)

    def span(self, pattern: re.Pattern[str], what: str) -> tuple[str, int]:
        text = self.need(pattern, what)
        return text, _length(text, pattern)

    # -------------------------------------------------------------------------------------------------------- checks
    def check(self) -> CheckCondition:
        name = self.string("the name of a check in quotes")
        parts: dict[str, tuple[str, ...]] = {}
        last, verdict = 1, ""
        while not verdict:
            self.expect(".", "'.over(..)', '.exclude(..)', '.by(..)', '.last(..)' or '.count_by_status()'")
            start = self.position
            step = self.one_of(("over", "exclude", "by", "last", *VERDICTS), "a method")
            if step in parts:
                raise self.error(f"a second .{step}", start)
            self.expect("(", f"'(' after .{step}")
            if step in VERDICTS:
                verdict = f"{step}()"
            elif step == "last":
                last = self.results()
                parts[step] = ()
            else:
                parts[step] = tuple(self.separated(lambda: self.string("a tag in quotes")))
            self.expect(")", "')'")
        return CheckCondition(name, parts.get("over", ()), parts.get("exclude", ()), parts.get("by", ()), last, verdict)

    def results(self) -> int:
        self.peek()
        start = self.position
        number = int(self.need(_INTEGER, "a number of results"))
        if not 1 <= number <= _MOST_RESULTS:
            raise self.error(f"the number of results is from 1 to {_MOST_RESULTS}", start)
        return number

    def string(self, what: str) -> str:
        constant = self.constant() if self.peek() in ("'", '"') else None
        if not isinstance(constant, String) or not constant.value:
            raise self.error(f"expected {what}")
        return constant.value

    # ----------------------------------------------------------------------------------------------------- composite
    def composite(self) -> CompositeCondition:
        node = self.any()
        return node if isinstance(node, CompositeCondition) else CompositeCondition("", (node,))

    def any(self) -> CompositeCondition | int | str:
        return self.joined("||", lambda: self.joined("&&", self.member))

    def joined(
        self, operator: str, read: Callable[[], CompositeCondition | int | str]
    ) -> CompositeCondition | int | str:
        operands = [read()]
        while self.accept(operator):
            operands.append(read())
        return CompositeCondition(operator, tuple(operands)) if len(operands) > 1 else operands[0]

    def member(self) -> CompositeCondition | int | str:
        if self.accept("!"):
            self.count()
            return CompositeCondition("!", (self.member(),))
        if self.accept("("):
            self.count()
            node = self.any()
            self.expect(")", "')', && or ||")
            return node
        if number := self.match(_INTEGER):
            return int(number)
        return self.need(_KEY, "the key or id of a monitor, '!' or '('")

    # -------------------------------------------------------------------------------------------------------- others
    def other(self, kind: str) -> OtherCondition:
        self.peek()
        start = self.position
        sources = (*SOURCES.get(kind, ()), "formula")
        name = self.match(_SOURCE)
        if name not in sources:
            raise self.error(f"expected {' or '.join(sources)} for a {kind}", start)
        steps = [self.step(name)]
        if not steps[0].arguments:
            raise self.error(f"expected what to look for, in {name}(..)", start)
        while self.accept("."):
            steps.append(self.step(self.need(NAME, "a method")))
        windows = ("over",) if kind == "slo alert" else ("last", "current")
        if not any(step.name in windows for step in steps):
            raise self.error(f'expected .{" or .".join(windows)} with a window such as "5m"')
        return OtherCondition(tuple(steps), *self.limit())

    def step(self, name: str) -> Step:
        self.expect("(", f"'(' after {name}")
        self.peek()
        start = self.position
        arguments = [] if self.accept(")") else self.separated(self.word)
        if arguments:
            self.expect(")", "',' or ')'")
        first = getattr(arguments[0], "value", arguments[0]) if arguments else ""
        if name in ("last", "current") and not _LENGTH.fullmatch(str(first)):
            raise self.error('expected a window such as "5m"', start)
        if name == "formula":
            self.formula_of(str(first), start + 1)
        keywords = tuple(argument for argument in arguments if isinstance(argument, tuple))
        return Step(name, tuple(argument for argument in arguments if not isinstance(argument, tuple)), keywords)

    def formula_of(self, text: str, start: int) -> None:
        """Read a formula in quotes, which begins at `start`."""
        try:
            parse_formula(_QUOTE.sub(r" \1", text))
        except QuerySyntaxError as error:
            raise QuerySyntaxError(error.message, self.text, start + error.position) from None

    def word(self) -> str | String | Number | tuple[str, str | String | Number]:
        start = self.position
        name = self.match(NAME)
        if name and self.accept("="):
            return name, self.match(_BARE) or self.constant()
        self.position = start
        for pattern in (STRING, _SEARCH):
            if (quoted := self.match(pattern)) and self.peek() in (",", ")"):
                return String(quoted[1:-1])
            self.position = start
        return self.match(_BARE) or self.constant()
