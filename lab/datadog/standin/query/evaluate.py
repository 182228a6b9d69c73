"""Evaluate a metric query over stored points. Times are seconds since the epoch; a series has no value where
none was measured, rather than a null.

The order is Datadog's: each series is aggregated in buckets of time, missing buckets are interpolated, the series of a
group are aggregated, and only then are groups combined by arithmetic.
Source: https://docs.datadoghq.com/metrics/#querying-metrics and https://docs.datadoghq.com/dashboards/functions/rollup/
"""

import functools

from module_utils._query.metric import (
    Binary,
    Call,
    Expression,
    Modified,
    Negative,
    Number,
    Query,
    Series,
)
from module_utils._query.scope import UnboundVariable

from ..errors import Refused
from ..store import Store
from .arithmetic import combine
from .functions import call
from .lines import Line, Window
from .measure import series
from .tree import modified

# Maximum range of a query -> interval in the API (the table "Rollup interval, API").
_INTERVALS = ((3600, 20), (4 * 3600, 60), (86400, 300), (2 * 86400, 600), (7 * 86400, 3600))
_LONGEST_INTERVAL = 4 * 3600


class Source(Expression):
    """A source of lines other than a metric, such as the number of events, which formulas refer to by name."""

    def lines(self, window: Window) -> list[Line]:
        """Return the lines over the window. Raises Refused(400)."""
        raise NotImplementedError


def default_interval(span: int) -> int:
    """Return the seconds between points in a response over `span` seconds."""
    return next((interval for longest, interval in _INTERVALS if span <= longest), _LONGEST_INTERVAL)


def evaluate(query: Query, store: Store, start: int, end: int) -> list[list[Line]]:
    """Return the lines of each expression of `query` over start <= time < end. Raises Refused(400)."""
    window = Window(start, end, default_interval(end - start))
    try:
        found = [_evaluate(store, expression, window) for expression in query.expressions]
    except UnboundVariable as error:
        raise Refused(400, str(error)) from None
    except OverflowError:
        raise Refused(400, "a value is out of range") from None
    answers = [answer for answer in found if not isinstance(answer, float)]
    if len(answers) < len(found):
        raise Refused(400, "a query needs at least one metric")
    return answers


def _evaluate(store: Store, node: Expression, window: Window) -> list[Line] | float:
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Series):
        return series(node, store, window)
    if isinstance(node, Negative):
        return combine(Binary("*", Number(-1.0), node.operand), -1.0, _evaluate(store, node.operand, window))
    if isinstance(node, Binary):
        return combine(node, _evaluate(store, node.left, window), _evaluate(store, node.right, window))
    if isinstance(node, Call):
        return call(node, window, functools.partial(_evaluate, store))
    if isinstance(node, Modified):
        return _evaluate(store, modified(node.operand, node.modifiers), window)
    if isinstance(node, Source):
        return node.lines(window)
    raise Refused(400, f"{node} is not evaluated here")
