# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate the queries, formulas and template variables of a dashboard's graphs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._query.rules import FORMULA, METRIC, formula_names, query_problems

# Fields of a request with a query, in addition to those that end with _query.
_ASKING = ("q", "queries", "query", "formulas", "sql_query", "request_type")
# $name, also in $name.value and $name.key. In a search, a value may contain $, too.
_VARIABLE = re.compile(r"(?<![\w\\])\$([A-Za-z_][\w-]*)")


def graph_problems(widgets: Any) -> list[str]:
    """Return problems with the queries and formulas of widgets, including those in groups."""
    problems = []
    for title, request, in_list in _requests(widgets):
        # Some named requests of a host map only configure the display.
        if in_list and not any(name in _ASKING or str(name).endswith("_query") for name in request):
            problems.append(f"widget {title!r}: a request has no queries. Add a query.")
        queries, formulas = _texts(request)
        problems += [
            f"widget {title!r}: {problem}"
            for grammar, texts in ((METRIC, queries), (FORMULA, formulas))
            for text in texts
            for problem in query_problems(text, grammar)
        ]
        named = [each.get("name") for each in _dictionaries(request.get("queries"))]
        names = {name for name in named if isinstance(name, str)}
        problems += [
            f"widget {title!r}: the formula {text!r} refers to {name}, but no query has that name. {_there(names)}"
            for text in formulas
            for name in formula_names(text)
            if name not in names
        ]
    return problems


def _there(names: set[str]) -> str:
    return f"Use one of {', '.join(sorted(names))}." if names else "Add the query."


def undeclared(widgets: Any, variables: Any) -> list[str]:
    """Return the template variables that metric queries use but the dashboard does not define, sorted.

    Datadog accepts them, and the graph stays empty.
    """
    known = {str(each.get("name")) for each in _dictionaries(variables)}
    queries = (text for _title, request, _in_list in _requests(widgets) for text in _texts(request)[0])
    used = {name for text in queries for name in _VARIABLE.findall(text)}
    return sorted(used - known)


def _requests(widgets: Any) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Yield the title of its widget, each request, and whether it is one of a list."""
    for definition in _dictionaries([widget.get("definition") for widget in _dictionaries(widgets)]):
        yield from _requests(definition.get("widgets"))
        requests = definition.get("requests")
        title = str(definition.get("title") or definition.get("type"))
        for request in _dictionaries(list(requests.values()) if isinstance(requests, dict) else requests):
            yield title, request, not isinstance(requests, dict)


def _texts(request: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the metric queries and the formulas of a request."""
    named = _dictionaries(request.get("queries"))
    queries = [request.get("q"), *(query.get("query") for query in named if query.get("data_source") == "metrics")]
    formulas = [each.get("formula") for each in _dictionaries(request.get("formulas"))]
    return [text for text in queries if isinstance(text, str)], [text for text in formulas if isinstance(text, str)]


def _dictionaries(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, (list, tuple)) else []
