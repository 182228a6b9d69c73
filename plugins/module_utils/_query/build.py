# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Build Datadog queries: text in, text out, each result checked by the grammar.

Every function raises ValueError with the problem and the fix.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .metric import (
    AGGREGATORS,
    METRIC,
    Call,
    Expression,
    Modifier,
    Number,
    Series,
    String,
    is_aggregator,
    parse,
)
from .monitor import AGGREGATIONS, COMPARATORS, window_seconds
from .rules import query_problems
from .scope import TAG, And, In, Not, Scope, Tag, parse_scope

PERIODS = ("daily", "weekly", "monthly")
# An anomaly monitor works in intervals; its alert window has at least five of them.
_INTERVALS = 5


def metric_query(metric: str, aggregator: str = "avg", scope: Any = "*", by: Any = ()) -> str:
    """Return the query of one metric.

    A string as `scope` is used unchanged. A list contains tags that are all required. A dictionary maps tag keys to
    values; a list of values matches any of them, and a key that starts with "!" excludes its values.
    """
    keys = [key.strip() for key in by.split(",")] if isinstance(by, str) and by else by or ()
    if not isinstance(keys, (list, tuple)) or not all(isinstance(key, str) and TAG.fullmatch(key) for key in keys):
        raise ValueError(f"by is {by!r}. Write a list of tag keys, such as ['host'].")
    if not isinstance(metric, str) or not METRIC.fullmatch(metric):
        raise ValueError(f"{metric!r} is not a metric name. Use letters, digits, '_' and '.'.")
    if not is_aggregator(str(aggregator)):
        raise ValueError(f"aggregator is {aggregator!r}. Write one of {', '.join(AGGREGATORS)}.")
    return _checked(str(Series(metric, _scope(scope), aggregator, tuple(keys))), "it is not a valid query")


def _scope(scope: Any) -> Scope:
    if not scope:
        raise ValueError("the scope is empty. Write '*' for everything.")
    if isinstance(scope, str):
        return _parsed_scope(scope)
    if isinstance(scope, Mapping):
        return _joined([_choice(str(key), values) for key, values in scope.items()])
    if isinstance(scope, Sequence):
        return _joined([_parsed_scope(tag) for tag in scope])
    raise ValueError(f"the scope is {scope!r}. Write a string, a list of tags or a dictionary of tag keys and values.")


def _parsed_scope(text: Any) -> Scope:
    try:
        return parse_scope(text if isinstance(text, str) else str(text))
    except ValueError as error:
        raise ValueError(f"the scope {text!r} is not valid: {error}.") from None


def _joined(parts: list[Scope]) -> Scope:
    flat = [one for part in parts for one in (part.operands if isinstance(part, And) else (part,))]
    return And(tuple(flat)) if len(flat) > 1 else flat[0]


def _choice(key: str, values: Any) -> Scope:
    name = key.removeprefix("!")
    texts = [_value(name, value) for value in (values if isinstance(values, (list, tuple)) else [values])]
    if not TAG.fullmatch(name) or ":" in name:
        raise ValueError(f"the scope has the key {key!r}. Write the key of a tag, without a colon.")
    if not texts:
        raise ValueError(f"the scope has no value for {name}. Add one, or remove the key.")
    chosen = Tag(f"{name}:{texts[0]}") if len(texts) == 1 else In(name, tuple(texts))
    return Not(chosen) if key.startswith("!") else chosen


def _value(key: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if not isinstance(value, (str, int, float)) or not TAG.fullmatch(text):
        raise ValueError(f"the scope has the value {value!r} for {key}. Write one without spaces and ,(){{}}!")
    return text


# ------------------------------------------------------------------------------------------------ functions, modifiers
def rollup(query: str, method: str = "avg", interval: Any = None) -> str:
    """Return the metric query with a rollup by `method` over `interval`, which is seconds or a calendar period."""
    arguments: tuple[str | Number, ...] = (str(method),)
    if interval is not None:
        seconds = None if interval in PERIODS else _number(interval, "interval")
        if seconds is not None and (seconds <= 0 or seconds % 1):
            raise ValueError(
                f"interval is {interval!r}. Write a whole number of seconds, or one of {', '.join(PERIODS)}."
            )
        arguments += (interval if seconds is None else Number(seconds),)
    series = _series(query, "rollup")
    kept = tuple(modifier for modifier in series.modifiers if modifier.name != "rollup")
    return _checked(str(replace(series, modifiers=(*kept, Modifier("rollup", arguments)))), "it is not a valid query")


def counted(query: str, name: str) -> str:
    """Return the metric query with as_count() or as_rate(), as `name` says, in place of the other."""
    series = _series(query, name)
    kept = tuple(modifier for modifier in series.modifiers if modifier.name not in ("as_count", "as_rate"))
    return str(replace(series, modifiers=(Modifier(name), *kept)))


def anomalies(query: str, algorithm: str = "basic", bounds: Any = 2, **options: Any) -> str:
    """Return the query with the band of expected values. `options` are keyword arguments of Datadog's function."""
    keywords = tuple((name, _constant(value)) for name, value in options.items() if value is not None)
    call = Call("anomalies", (_expression(query), String(str(algorithm)), Number(_number(bounds, "bounds"))), keywords)
    return _checked(str(call), "it is not a valid query")


def monitor_query(
    query: str,
    threshold: Any,
    window: str = "last_5m",
    comparator: str = ">",
    aggregation: str = "avg",
    anomalies: str | None = None,
    **options: Any,
) -> str:
    """Return the query of a metric monitor or, with `anomalies` as the algorithm, of an anomaly monitor.

    `options` are those of the function anomalies, of which `alert_window` is required.
    """
    measured = str(_expression(query))
    window_text, length = _window(window, "window")
    if anomalies:
        measured = _unusual(measured, length, anomalies, **options)
    elif options:
        raise ValueError(f"{', '.join(options)} can only be used with anomalies. Set it, such as anomalies='basic'.")
    if comparator not in COMPARATORS:
        raise ValueError(f"comparator is {comparator!r}. Write one of {', '.join(COMPARATORS)}.")
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"aggregation is {aggregation!r}. Write one of {', '.join(AGGREGATIONS)}.")
    limit = _number(threshold, "threshold")
    if anomalies and not 0 <= limit <= 1:
        raise ValueError(f"threshold is {threshold!r}. Write a proportion of the values from 0 to 1.")
    text = f"{aggregation}({window_text}):{measured} {comparator} {Number(limit)}"
    return _checked(text, "the query is not valid in a monitor", "metric alert")


def _unusual(
    query: str,
    length: int,
    algorithm: str,
    bounds: Any = 2,
    alert_window: str | None = None,
    direction: str = "both",
    interval: Any = 60,
    count_default_zero: Any = True,
    **options: Any,
) -> str:
    if not alert_window:
        raise ValueError("alert_window is missing. Write the time over which values must be unusual, such as last_15m.")
    text, seconds = _window(alert_window, "alert_window")
    if seconds > length:
        raise ValueError(f"alert_window {alert_window} is longer than the window. Shorten it.")
    if _number(interval, "interval") * _INTERVALS > seconds:
        raise ValueError(
            f"interval is {interval}, more than a fifth of alert_window. Write at most {seconds // _INTERVALS}."
        )
    return anomalies(
        query,
        algorithm,
        bounds,
        direction=direction,
        interval=interval,
        alert_window=text,
        count_default_zero=count_default_zero,
        **options,
    )


# ------------------------------------------------------------------------------------------------------------ reading
def _checked(text: str, what: str, kind: str = "metric") -> str:
    problems = query_problems(text, kind)
    if problems:
        raise ValueError(f"{what}: {' '.join(problems)}")
    return text


def _expression(query: Any) -> Expression:
    if not isinstance(query, str):
        raise ValueError(f"the query is {query!r}. Write a string, such as avg:system.load.1{{*}}.")
    found = parse(_checked(query, "the query is not valid")).expressions
    if len(found) > 1:
        raise ValueError(f"{query!r} contains {len(found)} queries. Pass each one separately.")
    return found[0]


def _series(query: Any, name: str) -> Series:
    node = _expression(query)
    if not isinstance(node, Series):
        raise ValueError(f"{name} takes a query of one metric, not {query!r}. Apply it to each metric in it.")
    return node


def _number(value: Any, name: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name} is {value!r}. Write a number.")
    return number


def _constant(value: Any) -> String | Number:
    if isinstance(value, bool):
        return String(str(value).lower())
    return Number(value) if isinstance(value, (int, float)) else String(str(value))


def _window(window: Any, name: str) -> tuple[str, int]:
    """Return the window as Datadog writes it, with last_ added if it is missing, and its seconds."""
    text = window if "_" in str(window) else f"last_{window}"
    try:
        return text, window_seconds(text)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {window!r}. Write one such as last_15m.") from None
