"""Combine the formulas and named queries of a widget, or of a v2 query request, into one query."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from module_utils._query.metric import Call, Expression, Number, Query, String, parse, parse_formula
from module_utils._query.rules import formula_names
from module_utils._query.scope import QuerySyntaxError

from ..errors import Refused
from ..wire.bodies import Json
from .tree import named

_VARIABLE = re.compile(r"\$([A-Za-z_][\w.-]*)")
_MOST_LINES = 1000
# Parses a query of a data source. Raises Refused(400).
Reader = Callable[[Json], Expression]


def read(text: str) -> Query:
    """Parse a query. Raises Refused(400) with the API's message."""
    return _parsed(text, parse)


def _parsed(text: str, parser: Callable[[str], Query]) -> Query:
    try:
        return parser(text)
    except QuerySyntaxError as error:
        raise Refused(400, f"Error parsing query: unable to parse {text}: {error}") from None


def request_query(
    request: Json, variables: Mapping[str, str] | None = None, readers: Mapping[str, Reader] | None = None
) -> Query:
    """Return the query of a request: `q`, or `formulas` over `queries`, one expression each. Raises Refused(400).

    `variables` are the values of template variables by name, each "*" or a tag such as host:web-1. `readers` parse
    queries of data sources other than metrics.
    """
    variables = variables or {}
    try:
        if "q" in request:
            return read(bound(request["q"], variables))
        queries = {
            query.get("name") or f"query{index + 1}": _expression(query, variables, readers or {})
            for index, query in enumerate(request["queries"])
        }
        formulas = request.get("formulas") or [{"formula": name} for name in queries]
        return Query(tuple(_formula(formula, queries) for formula in formulas))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(400, f"a request needs q, or queries and formulas: {error}") from None


def bound(text: str, variables: Mapping[str, str]) -> str:
    """Return `text` with template variables replaced; unknown ones stay."""

    def value(found: re.Match[str]) -> str:
        # Names of variables may contain dots: the longest known name wins.
        words = found[1].split(".")
        for length in range(len(words), 0, -1):
            name, rest = ".".join(words[:length]), words[length:]
            if name in variables:
                tag = variables[name]
                if rest[:1] == ["value"]:
                    tag, rest = tag.partition(":")[2] or tag, rest[1:]
                return ".".join([tag, *rest])
        return found[0]

    return _VARIABLE.sub(value, text)


def _expression(query: Json, variables: Mapping[str, str], readers: Mapping[str, Reader]) -> Expression:
    source = query.get("data_source", "metrics")
    if source in readers:
        return readers[source](query)
    if source != "metrics":
        raise Refused(400, f"the data source {source} is not evaluated here")
    found = read(bound(query["query"], variables)).expressions
    if len(found) != 1:
        raise Refused(400, f"the query {query['query']} is several")
    return found[0]


def _formula(formula: Json, queries: Mapping[str, Expression]) -> Expression:
    found = _parsed(formula["formula"], parse_formula).expressions
    if len(found) != 1:
        raise Refused(400, f"the formula {formula['formula']} is several")
    missing = [name for name in formula_names(formula["formula"]) if name not in queries]
    if missing:
        raise Refused(400, f"Error parsing query: unable to parse {formula['formula']}: no query is named {missing[0]}")
    expression: Expression = named(found[0], queries)
    limit: Any = formula.get("limit")
    if not limit:
        return expression
    # Nothing draws more lines than top() allows.
    count = Number(float(min(_MOST_LINES, int(limit.get("count") or 10))))
    order = String(str(limit.get("order") or "desc"))
    return Call("top", (expression, count, String("mean"), order))
