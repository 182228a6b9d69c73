"""How the series of a metric are aggregated in time, according to its modifiers.

Source: https://docs.datadoghq.com/dashboards/functions/rollup/, .../interpolation/ and
https://docs.datadoghq.com/metrics/custom_metrics/type_modifiers/
"""

import itertools
from dataclasses import dataclass
from typing import Any

from module_utils._query.metric import Modifier, Number

from ..errors import Refused
from . import calendar
from .lines import METHODS, Window

# The maximum number of points in a series of a response; a finer rollup is replaced by the default one.
_MOST_POINTS = 1500
_LONGEST_ROLLUP = 366 * 86400
# Seconds over which Datadog interpolates.
_INTERPOLATED = 300
# Longer than any range: a single bucket.
_WHOLE = 1 << 40
_FILLS = ("linear", "last", "zero", "null")


@dataclass(frozen=True)
class Plan:
    """`modifier` is "as_count", "as_rate", "weighted" or ""; `fill` is one of the methods, or a number as text.

    `periods` are the starts of calendar periods and the end of the last one; without them, buckets are multiples of
    `interval`.
    """

    interval: int
    how: str = "avg"
    fill: str = "linear"
    fill_limit: int = _INTERPOLATED
    modifier: str = ""
    periods: tuple[int, ...] = ()

    def spans(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """Return (start, end, interval) for reading the store: for each period, or for all buckets at once."""
        return [(a, b, _WHOLE) for a, b in itertools.pairwise(self.periods)] or [(start, end, self.interval)]


def plan(modifiers: tuple[Modifier, ...], window: Window, kind: str) -> Plan:
    """Return the plan for series of type `kind`: as_count() and as_rate() do not affect gauges. Raises Refused(400)."""
    made: dict[str, Any] = {"interval": window.interval}
    for modifier in modifiers:
        if modifier.name == "rollup":
            made |= _rollup(modifier, window)
        elif modifier.name == "fill":
            made |= _fill(modifier)
        elif (modifier.name == "weighted") == (kind == "gauge"):
            made |= {"modifier": modifier.name, "how": "sum", "fill": "null"}
    if made.get("modifier") == "weighted":
        # In any position, it is the method.
        made |= {"how": "sum", "fill": "null"}
    return Plan(**made)


def _texts(modifier: Modifier) -> list[str]:
    return [str(argument).strip("'\"") for argument in modifier.arguments]


def _numbers(modifier: Modifier) -> list[int]:
    return [int(argument.value) for argument in modifier.arguments if isinstance(argument, Number)]


def _rollup(modifier: Modifier, window: Window) -> dict[str, Any]:
    texts, numbers = _texts(modifier), _numbers(modifier)
    # The interval may be the only argument.
    how = texts[0] if texts and not isinstance(modifier.arguments[0], Number) else "avg"
    if how not in METHODS:
        raise Refused(400, f"rollup: unknown method {how}, expected one of {', '.join(METHODS)}")
    if len(texts) > 1 and texts[1] in calendar.PERIODS:
        begins, zone = ("", "UTC") if len(texts) == 2 else (texts[2], "UTC") if len(texts) == 3 else texts[2:4]
        periods = calendar.starts(texts[1], begins, zone, window.start, window.end)
        return {"how": how, "interval": calendar.PERIODS[texts[1]], "periods": tuple(periods), "fill": "null"}
    if len(texts) > 2 or len(numbers) > 1 or (len(texts) == 2 and not numbers):
        raise Refused(400, f"{str(modifier)[1:]} is not evaluated here")
    if numbers and not 1 <= numbers[0] <= _LONGEST_ROLLUP:
        raise Refused(400, f"rollup: the interval is a number of seconds from 1 to {_LONGEST_ROLLUP}")
    fits = numbers and (window.end - window.start) / numbers[0] <= _MOST_POINTS
    return {"how": how, **({"interval": numbers[0]} if fits else {})}


def _fill(modifier: Modifier) -> dict[str, Any]:
    texts, numbers = _texts(modifier), _numbers(modifier)
    if len(texts) == len(numbers) == 1:
        return {"fill": texts[0]}
    fill = texts[0] if texts else "linear"
    if fill not in _FILLS:
        raise Refused(400, f"fill: unknown method {fill}, expected one of {', '.join(_FILLS)}")
    return {"fill": fill, **({"fill_limit": numbers[0]} if numbers else {})}
