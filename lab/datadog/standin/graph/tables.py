"""Widgets that say one value of each group: top lists, tables, changes, parts of a whole, and hosts by colour.

Source: https://docs.datadoghq.com/dashboards/widgets/
"""

from collections.abc import Iterable
from typing import Any

from ..errors import Refused
from ..wire.bodies import Json
from .model import View, answers, how_of, label, reduced, request_lines, requests_of

_MOST_ROWS = 100
_SHADES = 6
_COMPARED = {"hour_before": 3600, "day_before": 86400, "week_before": 7 * 86400, "month_before": 28 * 86400}
# What a change is ordered by: the column.
_ORDERS = {"name": 0, "past": 1, "present": 2, "change": 3}

Row = list[Any]


def cell(value: float | str | None, share: float | None = None, **more: Any) -> Json:
    """A cell with a text or a number, and its share of the greatest, from 0 to 1, where that is to be seen."""
    content = {"text": value} if isinstance(value, str) else {"number": value}
    return {**content, **({} if share is None else {"share": share}), **more}


def table(columns: list[str], rows: list[list[Json]], note: str = "") -> Json:
    """The model of a table, of which the first rows are shown."""
    left_out = max(0, len(rows) - _MOST_ROWS)
    return {"kind": "table", "columns": columns, "rows": rows[:_MOST_ROWS], "left_out": left_out, "note": note}


def shares(values: Iterable[float | None]) -> list[float | None]:
    """Each value as a part of the greatest, None for all where there is no positive one."""
    found = list(values)
    most = max((value for value in found if value is not None), default=0.0)
    return [None if value is None or most <= 0 else max(0.0, value / most) for value in found]


def _columns(definition: Json, view: View, start: int, end: int) -> tuple[list[str], dict[tuple[str, ...], Row]]:
    """The names of a table's columns, and the values of each group in them, None where it has none."""
    names: list[str] = []
    rows: dict[tuple[str, ...], Row] = {}
    found = list(answers(definition, view, start, end))
    for place, (request, alias, lines) in enumerate(found):
        names.append(str(alias or request.get("alias") or (lines[0].name if lines else f"value {place + 1}")))
        for line in lines:
            # Lines of one query without groups are told apart by what was asked.
            group = tuple(sorted(line.group)) or ("*",)
            rows.setdefault(group, [None] * len(found))[place] = reduced(line, how_of(request))
    return names, rows


def _order(definition: Json) -> tuple[int, bool, int]:
    """By which column the rows of a widget are ordered, whether from the greatest, and how many are shown."""
    request = requests_of(definition)[0]
    sort = request.get("sort") or {}
    by: Json = next((one for one in sort.get("order_by") or () if one.get("type", "formula") == "formula"), {})
    formulas = request.get("formulas") or []
    limited: tuple[int, Json] = next(
        ((place, one["limit"]) for place, one in enumerate(formulas) if one.get("limit")), (0, {})
    )
    place = int(by.get("index", limited[0]))
    order = by.get("order") or limited[1].get("order") or request.get("order") or "desc"
    most = sort.get("count") or limited[1].get("count") or request.get("limit") or _MOST_ROWS
    return place, order != "asc", max(1, int(most))


def _ordered(rows: dict[tuple[str, ...], Row], definition: Json) -> list[tuple[str, Row]]:
    place, greatest_first, most = _order(definition)
    named = [(", ".join(group), values) for group, values in rows.items()]

    def key(row: tuple[str, Row]) -> tuple[bool, float]:
        value = row[1][place] if place < len(row[1]) else None
        # What has no value comes last either way.
        return value is None, 0.0 if value is None else -value if greatest_first else value

    return sorted(named, key=key)[:most]


def values(definition: Json, view: View, start: int, end: int) -> Json:
    """A top list, a query table or a map of the world: a row for each group, a column for each formula."""
    names, rows = _columns(definition, view, start, end)
    ordered = _ordered(rows, definition)
    columns = [shares(row[place] for _name, row in ordered) for place in range(len(names))]
    cells = [
        [cell(name), *(cell(value, columns[place][index]) for place, value in enumerate(row))]
        for index, (name, row) in enumerate(ordered)
    ]
    return table(["Group", *names], cells)


def parts(definition: Json, view: View, start: int, end: int) -> Json:
    """A tree map or a sunburst: each group with its part of the whole."""
    _names, rows = _columns(definition, view, start, end)
    ordered = [(name, sum(one for one in row if one is not None)) for name, row in _ordered(rows, definition)]
    whole = sum(value for _name, value in ordered)
    cells = [[cell(name), cell(value, value / whole if whole > 0 and value >= 0 else None)] for name, value in ordered]
    return {**table(["Group", "Value"], cells), "total": whole}


def change(definition: Json, view: View, start: int, end: int) -> Json:
    """Each group now and before, and the difference."""
    request = requests_of(definition)[0]
    how, found = how_of(request), [lines for _alias, lines in request_lines(request, view, start, end)]
    if not found:
        raise Refused(400, "the widget asks for nothing")
    if len(found) > 1:
        # Of two formulas the first is what was before.
        before, now = found[0], found[1]
    else:
        shift = _COMPARED.get(request.get("compare_to") or "hour_before", 3600)
        past = [lines for _alias, lines in request_lines(request, view, start - shift, end - shift)]
        before, now = past[0], found[0]
    old = {line.group: reduced(line, how) for line in before}
    rows: list[Row] = []
    for line in now:
        new, was = reduced(line, how), old.get(line.group)
        difference = None if new is None or was is None else new - was
        percent = None if difference is None or not was else 100 * difference / abs(was)
        rows.append([label(line), was, new, difference, percent])
    place = _ORDERS.get(request.get("order_by") or "change", 3)
    place = 4 if place == 3 and request.get("change_type") == "relative" else place
    known = [row for row in rows if row[place] is not None]
    known.sort(key=lambda row: row[place], reverse=request.get("order_dir") != "asc")
    cells = [[cell(one) for one in row] for row in known + [row for row in rows if row[place] is None]]
    return table(["Group", "Before", "Now", "Change", "Change in %"], cells)


def scatter(definition: Json, view: View, start: int, end: int) -> Json:
    """Each group by two values, as a table."""
    requests = definition["requests"]
    if "table" in requests:
        names, rows = _columns({"requests": requests["table"]}, view, start, end)
    else:
        axes = [name for name in ("x", "y") if requests.get(name)]
        names, rows = _columns({"requests": [{"alias": name, **requests[name]} for name in axes]}, view, start, end)
    return table(["Group", *names], [[cell(", ".join(group)), *map(cell, row)] for group, row in sorted(rows.items())])


def hosts(definition: Json, view: View, start: int, end: int) -> Json:
    """A map of hosts, coloured by a value, in the groups of their tags."""
    requests = definition["requests"]
    fill = requests.get("fill") or requests.get("size")
    if not fill:
        raise Refused(400, "the widget asks for nothing")
    tags_of, keys = view.store.host_tags(), list(definition.get("group") or ())
    found = [
        (line, value)
        for _alias, lines in request_lines(fill, view, start, end)
        for line in lines
        if (value := reduced(line, how_of(fill))) is not None
    ]
    low, high = (end_of((value for _line, value in found), default=0.0) for end_of in (min, max))
    groups: dict[str, list[Json]] = {}
    for line, value in found:
        host = next((tag.removeprefix("host:") for tag in line.group if tag.startswith("host:")), "")
        known = [*line.group, *sorted(tags_of.get(host, ()))]
        group = ", ".join(next((tag for tag in known if tag.startswith(f"{key}:")), f"{key}: none") for key in keys)
        tile = {"name": host or label(line), "number": value, "shade": shade(value, low, high)}
        groups.setdefault(group, []).append({**tile, "address": f"/hosts/{host}" if host in tags_of else ""})
    listed = [{"name": name, "tiles": tiles[:_MOST_ROWS]} for name, tiles in sorted(groups.items())]
    return {"kind": "tiles", "groups": listed, "low": low, "high": high}


def shade(value: float, low: float, high: float) -> int:
    """Which of the six shades a value has between the least and the greatest."""
    return min(_SHADES - 1, int((value - low) / (high - low) * _SHADES)) if high > low else _SHADES // 2
