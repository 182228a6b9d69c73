"""What a widget, or a request of the v2 query API, asks for: names of queries in formulas, become one metric query."""

import re
from collections.abc import Mapping

from module_utils._query.metric import Query, QuerySyntaxError, parse

from ..errors import Refused
from ..wire.bodies import Json

_VARIABLE = re.compile(r"\$([A-Za-z_][\w-]*)(\.value\b)?")
_NAME = re.compile(r"'[^']*'|\"[^\"]*\"|[A-Za-z_]\w*")
# What a query is turned into only once its values are there: the stand-in has metrics alone.
_METRICS = "metrics"


def read(text: str) -> Query:
    """The query that `text` writes. Raises Refused(400) in the API's words."""
    try:
        return parse(text)
    except QuerySyntaxError as error:
        raise Refused(400, f"Error parsing query: unable to parse {text}: {error}") from None


def request_query(request: Json, variables: Mapping[str, str] | None = None) -> Query:
    """What a widget's request asks for: `q`, or `formulas` over `queries`, one expression each. Raises Refused(400).

    `variables` are the values of template variables by name, each "*" or a tag such as host:web-1.
    """
    try:
        if "q" in request:
            return read(bound(request["q"], variables or {}))
        queries = {}
        for index, query in enumerate(request["queries"]):
            if query.get("data_source", _METRICS) != _METRICS:
                raise Refused(400, f"data source {query['data_source']} is not evaluated by the stand-in Datadog")
            queries[query.get("name") or f"query{index + 1}"] = f"({bound(query['query'], variables or {})})"
        formulas = request.get("formulas") or [{"formula": name} for name in queries]
        return read(", ".join(_expression(formula, queries) for formula in formulas))
    except (KeyError, TypeError, AttributeError) as error:
        raise Refused(400, f"a request needs q, or queries and formulas: {error}") from None


def bound(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the values of its template variables in their places; one that is not known stays."""

    def value(found: re.Match[str]) -> str:
        tag = variables.get(found[1], found[0])
        return tag.partition(":")[2] or tag if found[2] else tag

    return _VARIABLE.sub(value, text)


def _expression(formula: Json, queries: Mapping[str, str]) -> str:
    text = _NAME.sub(lambda found: queries.get(found[0], found[0]), formula["formula"])
    limit = formula.get("limit")
    if not limit:
        return text
    return f"top({text}, {int(limit.get('count', 10))}, 'mean', '{limit.get('order', 'desc')}')"
