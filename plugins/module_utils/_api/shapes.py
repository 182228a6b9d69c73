# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The structure of API responses, as far as the collection reads them. Pure.

A shape is one of

- a type, or a tuple of types; a bool is not a number;
- a list with one shape, that of its items;
- a dictionary of shapes by name. A name that ends with ``?`` may be missing or null, and ``*`` means every name;
- a function that returns whether a value is valid.

Observed in recorded API traffic, and in the API reference, https://docs.datadoghq.com/api/latest/.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

# Dashboards are the deepest, with groups, requests and formulas. Deeper responses could exhaust Python's stack.
DEEPEST = 100
_NUMBER = (int, float)
_NAMES = {dict: "a dictionary", list: "a list", str: "a text", bool: "true or false", int: "a whole number",
          float: "a number", type(None): "null"}  # fmt: skip


def _time(value: Any) -> bool:
    try:
        datetime.fromisoformat(value.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        return False
    return True


def _zone(value: Any) -> bool:
    try:
        ZoneInfo(value)
    # ZoneInfo raises a different error for each kind of invalid name.
    except (ValueError, KeyError, OSError, TypeError):
        return False
    return True


def _fits_unit(unit: Any) -> bool:
    return unit is None or (isinstance(unit, dict) and isinstance(unit.get("name"), str))


def _point(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 2:
        return False
    at, measured = value
    finite = isinstance(at, _NUMBER) and not isinstance(at, bool) and math.isfinite(at)
    return finite and (measured is None or (isinstance(measured, _NUMBER) and not isinstance(measured, bool)))


_LIMITS = ("critical?", "critical_recovery?", "warning?", "warning_recovery?", "ok?", "unknown?")
MONITOR = {
    "id": int,
    "name?": str,
    "type?": str,
    "query?": str,
    "message?": str,
    "tags?": [str],
    "priority?": int,
    "options?": {"thresholds?": dict.fromkeys(_LIMITS, _NUMBER), "notify_by?": [str], "renotify_statuses?": [str]},
    "restricted_roles?": [str],
    "assets?": [{}],
    "state?": {"groups?": {"*": {"status": str}}},
    "overall_state?": str,
}
LISTED_DASHBOARD = {"id": str, "title?": str, "description?": str, "url?": str, "created_at?": str}
_DEFINITION: dict[str, Any] = {}
_WIDGET = {"definition": _DEFINITION, "id?": (int, str)}
_DEFINITION["widgets?"] = [_WIDGET]
DASHBOARD = {
    **LISTED_DASHBOARD,
    "widgets?": [_WIDGET],
    "template_variables?": [{}],
    "notify_list?": [str],
    "tags?": [str],
    "tabs?": [{"widget_ids?": [(int, str)]}],
    "restricted_roles?": [str],
}
_SCHEDULE = {
    "timezone?": _zone,
    "start?": _time,
    "end?": _time,
    "recurrences?": [{"start?": _time, "duration?": str, "rrule?": str}],
    "current_downtime?": {"start?": str, "end?": str},
}
DOWNTIME = {
    "id": str,
    "attributes": {
        "status?": str,
        "message?": str,
        "scope?": str,
        "created?": str,
        "display_timezone?": str,
        "monitor_identifier?": {"monitor_tags?": [str], "monitor_id?": int},
        "notify_end_states?": [str],
        "notify_end_types?": [str],
        "schedule?": _SCHEDULE,
    },
}
HOST = {"name?": str, "host_name?": str, "aliases?": [str], "tags_by_source?": {"*": [str]}}
SERIES = {"pointlist": [_point], "tag_set?": [str], "scope?": str, "unit?": [_fits_unit]}
EVENT = {"id": int, "id_str?": str, "title?": str, "text?": str, "date_happened": int, "tags?": [str]}


# By method, version and path, in which * is an ID.
SHAPES: dict[str, Any] = {
    "GET v1 validate": {"valid?": bool},
    "GET v1 hosts": {"host_list": [HOST], "total_matching?": int},
    # The API reports some query errors in a successful response.
    "GET v1 query": lambda answer: {} if answer.get("status") == "error" else {"series": [SERIES]},
    "GET v1 monitor": [MONITOR],
    "GET v1 monitor/*": MONITOR,
    "POST v1 monitor": MONITOR,
    "GET v1 dashboard": {"dashboards": [LISTED_DASHBOARD]},
    "GET v1 dashboard/*": DASHBOARD,
    "POST v1 dashboard": DASHBOARD,
    "POST v1 dashboard/widgets/validate": {"results": [{"is_valid": bool, "error_message?": str, "error_path?": str}]},
    "GET v2 downtime": {"data": [DOWNTIME]},
    "POST v2 downtime": {"data": DOWNTIME},
    "GET v1 events": {"events": [EVENT]},
    "POST v1 events": {"event": EVENT},
    "GET v1 graph/snapshot": {"snapshot_url": str},
    "GET v2 spans/events": {"data": [{"attributes": {"trace_id?": (str, int)}}]},
}


def answer_problem(method: str, version: str, path: str, answer: Any) -> str:
    """Return the problem with the structure of a response, or an empty text. Unused responses are always valid."""
    if _deep(answer):
        return f"the answer nests deeper than {DEEPEST} levels"
    name = f"{method} {version} {path}"
    shape = SHAPES.get(name) or SHAPES.get(f"{name.rpartition('/')[0]}/*")
    if callable(shape):
        shape = shape(answer) if isinstance(answer, dict) else {}
    return next(_problems(shape, answer, ""), "") if shape is not None else ""


def _deep(answer: Any) -> bool:
    ahead = [answer]
    for _level in range(DEEPEST):
        ahead = [
            inner
            for value in ahead
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not ahead:
            return False
    return True


def _problems(shape: Any, value: Any, place: str) -> Iterator[str]:
    where = f"{place} in the answer" if place else "the answer"
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield f"{where} is {_name(value)} and not a dictionary"
            return
        for name, inner in shape.items():
            key = name.rstrip("?")
            if key == "*":
                for each, item in value.items():
                    yield from _problems(inner, item, f"{place}.{each}".lstrip("."))
            elif value.get(key) is not None:
                yield from _problems(inner, value[key], f"{place}.{key}".lstrip("."))
            elif key == name:
                yield f"{where} has no {key}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{where} is {_name(value)} and not a list"
            return
        for number, item in enumerate(value):
            yield from _problems(shape[0], item, f"{place}[{number}]")
    elif isinstance(shape, (type, tuple)):
        of = shape if isinstance(shape, tuple) else (shape,)
        if not isinstance(value, of) or (isinstance(value, bool) and bool not in of):
            yield f"{where} is {_name(value)} and not {' or '.join(map(_NAMES.__getitem__, of))}"
    elif not shape(value):
        yield f"{where} is invalid"


def _name(value: Any) -> str:
    return _NAMES.get(type(value), "something else")
