# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate the queries of graphs and monitors before Datadog does: syntax, functions, arguments."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from .functions import EXTREMES, FUNCTIONS, MODIFIERS, Argument, Function
from .metric import (
    Binary,
    Call,
    Expression,
    Keys,
    Modified,
    Modifier,
    Negative,
    Series,
    String,
    Variable,
    parse,
    parse_formula,
)
from .monitor import CompositeCondition, MetricCondition, parse_monitor
from .scope import And, In, Not, Or, QuerySyntaxError, Scope, Tag

METRIC = "metric"
FORMULA = "formula"
# Source: https://docs.datadoghq.com/monitors/types/composite/#select-monitors
_MOST_MONITORS = 10


def query_problems(text: str, kind: str = METRIC) -> list[str]:
    """Return the problems of a query, each with its line and column.

    `kind` is "metric" for the query of a graph, "formula" for a formula over named queries, or the type of a monitor.
    Metric queries and formulas are validated completely, queries of other monitors only by their syntax.
    """
    try:
        if kind in (METRIC, FORMULA):
            expressions = (parse(text) if kind == METRIC else parse_formula(text)).expressions
        elif kind == "synthetics alert":
            return []
        else:
            condition = parse_monitor(text, kind)
            expressions = (condition.expression,) if isinstance(condition, MetricCondition) else ()
            if isinstance(condition, CompositeCondition) and len(condition.monitors) > _MOST_MONITORS:
                return [f"it has {len(condition.monitors)} monitors, but Datadog allows {_MOST_MONITORS}. Remove some."]
    except ValueError as error:
        return [f"{error}."]
    found = [problem for expression in expressions for problem in _problems(expression)]
    if kind not in (METRIC, FORMULA):
        found += [problem for expression in expressions for problem in _monitor_problems(expression)]
    if not found and any(map(_constant, expressions)):
        found = [(0, "a query needs at least one metric")]
    return [f"{QuerySyntaxError(problem, text, position)}." for position, problem in sorted(found)]


def formula_names(text: str) -> list[str]:
    """Return the names of the queries in a formula, without duplicates; none if it cannot be parsed.

    A bare word that is an argument of a function, such as minutes, is not a query.
    """
    try:
        expressions = parse_formula(text).expressions
    except ValueError:
        return []
    nodes = (node for expression in expressions for node in _nodes(expression, queried=True))
    return list(dict.fromkeys(node.name for node in nodes if isinstance(node, Variable)))


def _nodes(expression: Expression, *, queried: bool = False) -> Iterator[Expression]:
    """Yield the expression and everything in it; if QUERIED, without arguments that only configure a function."""
    yield expression
    parts = list(_parts(expression))
    if queried and isinstance(expression, Call) and expression.name not in EXTREMES:
        parts = parts[:1]
    for part in parts:
        yield from _nodes(part, queried=queried)


def _parts(expression: Expression) -> Iterable[Expression]:
    if isinstance(expression, Binary):
        return (expression.left, expression.right)
    if isinstance(expression, (Negative, Modified)):
        return (expression.operand,)
    if isinstance(expression, Call):
        return (argument for argument in expression.arguments if isinstance(argument, Expression))
    return ()


def _constant(expression: Expression) -> bool:
    return not any(isinstance(node, (Series, Variable)) for node in _nodes(expression))


def _problems(expression: Expression) -> Iterator[tuple[int, str]]:
    """Yield positions and problems, unordered."""
    for node in _nodes(expression):
        if isinstance(node, Call):
            yield from ((node.position, problem) for problem in _call_problems(node))
        if isinstance(node, (Series, Modified)):
            for modifier in node.modifiers:
                yield from ((modifier.position, problem) for problem in _modifier_problems(modifier))


def _monitor_problems(expression: Expression) -> Iterator[tuple[int, str]]:
    for node in _nodes(expression):
        if isinstance(node, Call) and node.name == "autosmooth":
            yield node.position, "autosmooth cannot be used in a monitor"
        if isinstance(node, Series):
            for tag in _tags(node.scope):
                if "$" in tag:
                    yield node.position, f"the template variable {tag} has no value in a monitor"


def _tags(scope: Scope) -> Iterator[str]:
    if isinstance(scope, Tag):
        yield scope.text
    elif isinstance(scope, In):
        yield from (scope.key, *scope.values)
    elif isinstance(scope, Not):
        yield from _tags(scope.operand)
    elif isinstance(scope, (And, Or)):
        for operand in scope.operands:
            yield from _tags(operand)


# --------------------------------------------------------------------------------------------- functions, modifiers
def _call_problems(call: Call) -> Iterator[str]:
    function = FUNCTIONS.get(call.name)
    if not function:
        yield f"unknown function {call.name}{_meant(call.name, FUNCTIONS)}"
        return
    if call.name in EXTREMES and _compares(call):
        return
    usage = _usage(call.name, function)
    if not call.arguments or not isinstance(call.arguments[0], Expression) or _constant(call.arguments[0]):
        yield f"{call.name} needs a query as its first argument: {usage}"
        return
    keywords = dict(call.keywords)
    given = list(call.arguments[1:])
    # An argument that is given by name is not needed by position.
    expected = [argument for argument in function.arguments if argument.name not in keywords]
    if len(given) > len(expected):
        yield f"{call.name} has {len(call.arguments)} arguments, more than it takes: {usage}"
    missing = [argument.name for argument in expected[len(given) :] if not argument.optional]
    if missing:
        yield f"{call.name} lacks {' and '.join(missing)}: {usage}"
    known = {argument.name: argument for argument in (*function.arguments, *function.keywords)}
    for argument, value in zip(expected, given, strict=False):
        yield from _value_problems(call.name, argument, value)
    for name, value in call.keywords:
        if name in known:
            yield from _value_problems(call.name, known[name], value)
        else:
            yield f"{call.name} has no argument {name}{_meant(name, known)}"
    if len(keywords) < len(call.keywords):
        yield f"{call.name} has a duplicate argument"


def _compares(call: Call) -> bool:
    """Whether there are several arguments, all of them queries or numbers, and not only numbers."""
    queries = [argument for argument in call.arguments if isinstance(argument, Expression)]
    several = len(queries) == len(call.arguments) > 1 and not call.keywords
    several = several and (call.name != "pow" or len(queries) == 2)
    return several and not all(map(_constant, queries))


def _modifier_problems(modifier: Modifier) -> list[str]:
    """Return the problems with the signature that fits best."""
    problems: list[list[str]] = []
    for form in MODIFIERS[modifier.name]:
        found = []
        if len(modifier.arguments) > len(form):
            takes = ", ".join(_words(form)) or "none"
            found.append(f".{modifier.name} has {len(modifier.arguments)} arguments, but takes {takes}")
        missing = [argument.name for argument in form[len(modifier.arguments) :] if not argument.optional]
        if missing:
            found.append(f".{modifier.name} lacks {' and '.join(missing)}")
        for argument, value in zip(form, modifier.arguments, strict=False):
            found += _value_problems(f".{modifier.name}", argument, value)
        problems.append(found)
    return min(problems, key=len)


def _value_problems(name: str, argument: Argument, value: Expression | String | Keys | str) -> Iterator[str]:
    if argument.kind in ("number", "positive"):
        if not isinstance(value, Expression) or not _constant(value):
            yield f"{argument.name} of {name} must be a number, not {value}"
        elif argument.kind == "positive" and (isinstance(value, Negative) or getattr(value, "value", 1) <= 0):
            yield f"{argument.name} of {name} must be a number above 0, not {value}"
    elif argument.kind == "keys":
        if not isinstance(value, Keys):
            yield f"{argument.name} of {name} must be tag keys such as {{host}}, not {value}"
    elif argument.kind == "text":
        text = value.value if isinstance(value, String) else value.name if isinstance(value, Variable) else value
        if not isinstance(text, str):
            yield f"{argument.name} of {name} must be a quoted string, not {value}"
        elif argument.choices and text.lower() not in argument.choices:
            yield f"{argument.name} of {name} must be one of {', '.join(argument.choices)}, not {text}"


def _usage(name: str, function: Function) -> str:
    words = ["query", *_words(function.arguments), *(f"{argument.name}=.." for argument in function.keywords)]
    return f"{name}({', '.join(words)})"


def _words(arguments: Iterable[Argument]) -> list[str]:
    return [f"[{argument.name}]" if argument.optional else argument.name for argument in arguments]


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
