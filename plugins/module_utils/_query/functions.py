# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The functions of Datadog queries with their arguments, as data.

Sources: https://docs.datadoghq.com/dashboards/functions/, https://docs.datadoghq.com/metrics/nested_queries/ and, for
the keyword arguments, https://docs.datadoghq.com/monitors/types/{anomaly,forecasts,outlier}/
"""

from __future__ import annotations

from typing import NamedTuple


class Argument(NamedTuple):
    """One argument: `kind` is number, positive (above 0), text, keys or any; `choices` are all allowed texts, in
    lowercase.
    """

    name: str
    kind: str
    choices: tuple[str, ...] = ()
    optional: bool = False


class Function(NamedTuple):
    """A function of an expression: `arguments` follow the expression, `keywords` come by name and in any order."""

    category: str
    arguments: tuple[Argument, ...] = ()
    keywords: tuple[Argument, ...] = ()


def _arguments(signature: str) -> tuple[Argument, ...]:
    """Return the arguments of `signature`: "name:kind" or "name:one|another", with "?" after optional ones."""
    arguments = []
    for word in signature.split():
        name, kind = word.removesuffix("?").split(":")
        choices = () if kind in ("number", "positive", "text", "keys", "any") else tuple(kind.split("|"))
        arguments.append(Argument(name, "text" if choices else kind, choices, word.endswith("?")))
    return tuple(arguments)


def _table(category: str, names: str, signature: str = "", keywords: str = "") -> dict[str, Function]:
    """Return functions of one category that take the same arguments."""
    return dict.fromkeys(names.split(), Function(category, _arguments(signature), _arguments(keywords)))


_TIME = "avg|sum|min|max|count"
_RANKS = ("mean", "max", "min", "sum", "last", "l2norm", "area", "norm")
_RANKED = f"limit:positive by:{'|'.join(_RANKS)} direction:asc|desc"
_RANKINGS = " ".join(
    f"{end}{count}{by}"
    for end in ("top", "bottom")
    for count in (5, 10, 15, 20)
    for by in ("", *(f"_{rank}" for rank in _RANKS))
)

FUNCTIONS: dict[str, Function] = {
    **_table("arithmetic", "abs log2 log10 cumsum integral ceil floor"),
    **_table("arithmetic", "round", "digits:number?"),
    **_table("arithmetic", "pow", "exponent:any"),
    **_table(
        "algorithms",
        "anomalies",
        "algorithm:basic|agile|robust|adaptive bounds:positive",
        "direction:both|above|below alert_window:text interval:number count_default_zero:true|false "
        "seasonality:hourly|daily|weekly timezone:text",
    ),
    **_table(
        "algorithms",
        "outliers",
        "algorithm:dbscan|scaleddbscan|mad|scaledmad tolerance:number percentage:number?",
    ),
    **_table(
        "algorithms",
        "forecast",
        "algorithm:linear|seasonal deviations:number",
        "interval:any history:text model:default|simple|reactive seasonality:hourly|daily|weekly timezone:text",
    ),
    **_table("count", "count_nonzero count_nonzero_finite count_not_null"),
    **_table("exclusion", "exclude_null", "by:any?"),
    **_table("exclusion", "clamp_min clamp_max cutoff_min cutoff_max equal", "threshold:number"),
    **_table("interpolation", "default_zero"),
    **_table("interpolation", "default", "value:number"),
    **_table("rank", "top bottom", _RANKED),
    **_table("rank", "top_offset bottom_offset", f"{_RANKED} offset:number"),
    **_table("rank", _RANKINGS),
    **_table("rate", "per_second per_minute per_hour dt diff monotonic_diff derivative throughput rate"),
    **_table("regression", "robust_trend trend_line piecewise_constant"),
    **_table("rollup", "moving_rollup", f"interval:positive method:{_TIME}"),
    **_table("rollup", "rollup", "method:text interval:positive"),
    **_table("rollup", "reduce", "method:text"),
    **_table(
        "smoothing",
        "autosmooth ewma ewma_1 ewma_3 ewma_5 ewma_7 ewma_10 ewma_20 median median_3 median_5 median_7 median_9",
    ),
    **_table("timeshift", "hour_before day_before week_before month_before"),
    **_table("timeshift", "timeshift", "seconds:number"),
    **_table("timeshift", "calendar_shift", "shift:text timezone:text? mode:text?"),
    **_table("grouping", "avg sum min max stddev", "by:keys"),
    **_table("grouping", "percentile", "percentile:text by:keys"),
    **_table("beta", "rollingavg_5 rollingavg_13 rollingavg_21 rollingavg_29"),
}

# Given several queries and numbers without keys, these return the minimum, the maximum or the power at each point in
# time.
EXTREMES = ("max", "min", "pow")

# Modifiers, which follow a dot, with the signatures that each may have. A calendar rollup may give the time, weekday or
# day of the month at which a period starts, and the time zone.
MODIFIERS: dict[str, tuple[tuple[Argument, ...], ...]] = {
    "as_count": ((),),
    "as_rate": ((),),
    "fill": (_arguments("method:linear|last|zero|null limit:number?"), _arguments("value:number")),
    "rollup": (
        _arguments(f"method:{_TIME} interval:positive?"),
        _arguments(f"method:{_TIME} period:daily|weekly|monthly start:any? timezone:text?"),
        _arguments("interval:positive"),
    ),
    "weighted": ((),),
}
