"""The search syntax of spans, monitors and events, which is similar to Lucene's: parses a text to a test.

A word matches any text of an item, KEY:word matches its texts under this key. In unquoted text, * matches any
characters and ? a single one. The search is case-insensitive. Ranges are refused.
Source: https://docs.datadoghq.com/tracing/trace_explorer/query_syntax/
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

from luqum import tree
from luqum.exceptions import ParseError
from luqum.thread import parse as read

from ..errors import Refused

Test = Callable[[Any], bool]
# Returns the texts of an item under a key; without a key, those that words are searched in.
Values = Callable[[Any, str], Iterable[str]]
_PIECE = re.compile(r"\\(.)|(\*)|(\?)|(.)", re.DOTALL)


def parse(query: str, values: Values, refuse: Callable[[str], Refused], partly: Iterable[str] = ("",)) -> Test:
    """Parse `query` to a test; the keys `partly` match a part of a text. Raises the result of `refuse`."""
    if not query.strip():
        return lambda thing: True
    try:
        # Lucene has regular expressions between slashes, Datadog does not.
        return _test(read(re.sub(r"(?<!\\)/", r"\\/", query)), values, "", partly)
    except (ParseError, RecursionError, ValueError) as error:
        raise refuse(str(error)) from None


def _test(node: Any, values: Values, key: str, partly: Iterable[str]) -> Test:
    def of(inner: Any, key: str = key) -> Test:
        return _test(inner, values, key, partly)

    match node:
        case tree.SearchField():
            return of(node.expr, node.name)
        case tree.BaseGroup():
            return of(node.expr)
        case tree.Not() | tree.Prohibit():
            negated = of(node.a)
            return lambda thing: not negated(thing)
        case tree.OrOperation():
            return _any([of(one) for one in node.children])
        case tree.AndOperation():
            return _all([of(one) for one in node.children])
        case tree.UnknownOperation():
            # Adjacent words are combined by AND, which binds more strongly than OR, unlike in Lucene.
            runs: list[list[Test]] = [[]]
            for one in node.children:
                first, *rest = one.children if isinstance(one, tree.OrOperation) else [one]
                runs[-1].append(of(first))
                runs += [[of(another)] for another in rest]
            return _any([_all(run) for run in runs])
    fits = _fits(node, key not in partly)
    return lambda thing: any(map(fits, values(thing, key)))


def _any(tests: list[Test]) -> Test:
    return lambda thing: any(test(thing) for test in tests)


def _all(tests: list[Test]) -> Test:
    return lambda thing: all(test(thing) for test in tests)


def _fits(node: Any, whole: bool) -> Callable[[str], bool]:
    match node:
        case tree.Phrase():
            text = re.sub(r"\\(.)", r"\1", node.value[1:-1]).lower()
            return lambda value: text == value.lower() if whole else text in value.lower()
        case tree.Word():
            pattern = "".join(map(_piece, _PIECE.finditer(node.value)))
            matcher = re.compile(pattern, re.IGNORECASE | re.DOTALL)
            return lambda value: bool((matcher.fullmatch if whole else matcher.search)(value))
    raise ValueError(f"{node} is not searched for by the stand-in Datadog")


def _piece(found: re.Match[str]) -> str:
    return ".*" if found[2] else "." if found[3] else re.escape(found[1] or found[4])
