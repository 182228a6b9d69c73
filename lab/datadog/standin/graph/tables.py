"""Widgets with one value for each group: top lists, tables, changes, parts of a whole, and host maps.

Source: https://docs.datadoghq.com/dashboards/widgets/
"""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import Refused
from ..query.lines import Line
from ..wire.bodies import Json
from . import shapes
from .model import View, answers, how_of, label, reduced, request_lines, requests_of
from .units import PLAIN, Unit, of_query, shared

_MOST_ROWS = 100
_SHADES = 6
# Of lines and parts, see the style sheet.
_COLOURS = 10
_COMPARED = {"hour_before": 3600, "day_before": 86400, "week_before": 7 * 86400, "month_before": 28 * 86400}
_PAST = re.compile(r"_before\(|shift\(")
# The column that a change is sorted by.
_ORDERS = {"name": 0, "past": 1, "present": 2, "change": 3}

Row = list[Any]


def cell(value: float | str | None, share: float | None = None, unit: Unit = PLAIN, **more: Any) -> Json:
    """Return a cell: its text and, for a number, the number and its proportion of the maximum or total, 0 to 1."""
    content = {"text": value} if isinstance(value, str) else {"text": unit.show(value), "number": value}
    return {**content, **({} if share is None else {"share": share}), **more}


def table(columns: list[str], rows: list[list[Json]], note: str = "") -> Json:
    """Return the model of a table, which shows the first rows."""
    left_out = max(0, len(rows) - _MOST_ROWS)
    return {"kind": "table", "columns": columns, "rows": rows[:_MOST_ROWS], "left_out": left_out, "note": note}


def shares(values: Iterable[float | None]) -> list[float | None]:
    """Return each value as a proportion of the maximum; None for all if there is no positive one."""
    found = list(values)
    most = max((value for value in found if value is not None), default=0.0)
    return [None if value is None or most <= 0 else max(0.0, value / most) for value in found]


@dataclass(frozen=True)
class _Grid:
    """Return the names and units of a table's columns, and the values of each group, None if it has none."""

    names: list[str]
    units: list[Unit]
    rows: dict[tuple[str, ...], Row]


def _grid(definition: Json, view: View, start: int, end: int) -> _Grid:
    names: list[str] = []
    units: list[Unit] = []
    rows: dict[tuple[str, ...], Row] = {}
    known: dict[frozenset[str], tuple[str, ...]] = {}
    found = list(answers(definition, view, start, end))
    for place, (request, alias, lines) in enumerate(found):
        names.append(str(alias or request.get("alias") or (lines[0].name if lines else f"value {place + 1}")))
        for line in lines:
            # In the order of the first query: others may have the tags in another order.
            group = known.setdefault(frozenset(line.group), line.group or ("*",))
            rows.setdefault(group, [None] * len(found))[place] = reduced(line, how_of(request))
        units.append(unit_of(lines))
    return _Grid(names, units, rows)


def unit_of(lines: Iterable[Line]) -> Unit:
    return shared(of_query(line.expression) for line in {line.name: line for line in lines}.values())


def _order(definition: Json) -> tuple[int, bool, int]:
    """Return the column that a widget's rows are sorted by, whether descending, and how many to show."""
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


def _ranked(rows: dict[tuple[str, ...], Row], definition: Json) -> list[tuple[tuple[str, ...], Row]]:
    place, greatest_first, most = _order(definition)

    def key(row: tuple[tuple[str, ...], Row]) -> tuple[bool, float]:
        value = row[1][place] if place < len(row[1]) else None
        # Rows without a value always come last.
        return value is None, 0.0 if value is None else -value if greatest_first else value

    return sorted(rows.items(), key=key)[:most]


def values(definition: Json, view: View, start: int, end: int) -> Json:
    """Return a top list, a query table or a geomap: a row for each group, a column for each formula."""
    grid = _grid(definition, view, start, end)
    ordered = _ranked(grid.rows, definition)
    parts = [shares(row[place] for _group, row in ordered) for place in range(len(grid.names))]
    cells = [
        [cell(", ".join(group)), *(cell(value, parts[at][rank], grid.units[at]) for at, value in enumerate(row))]
        for rank, (group, row) in enumerate(ordered)
    ]
    return table(["Group", *grid.names], cells)


def _whole(definition: Json, view: View, start: int, end: int) -> tuple[Json, list[tuple[tuple[str, ...], float]]]:
    """Return the table of the parts of a whole, and each part with its proportion, if there are any."""
    grid = _grid(definition, view, start, end)
    unit = shared(grid.units)
    sums = {group: sum(one for one in row if one is not None) for group, row in grid.rows.items()}
    whole = sum(sums.values())
    known = {group: value / whole for group, value in sums.items() if whole > 0 and value >= 0}
    ordered = [group for group, row in _ranked(grid.rows, definition)]
    cells = [[cell(", ".join(group)), cell(sums[group], known.get(group), unit)] for group in ordered]
    shown = [(group, known[group]) for group in ordered if known.get(group)][:_MOST_ROWS]
    return {**table(["Group", "Value"], cells), "kind": "parts", "total": unit.show(whole)}, shown


def tree(definition: Json, view: View, start: int, end: int) -> Json:
    """Show each group as a box in proportion to the whole."""
    model, shown = _whole(definition, view, start, end)
    drawn = [
        {"box": box, "name": ", ".join(group), "share": share, "colour": place % _COLOURS}
        for place, ((group, share), box) in enumerate(
            zip(shown, shapes.boxes([share for _group, share in shown]), strict=True)
        )
    ]
    return {**model, "shapes": drawn}


def rings(definition: Json, view: View, start: int, end: int) -> Json:
    """Show each group as segments of rings, one ring for each tag, the first tag innermost."""
    model, shown = _whole(definition, view, start, end)
    levels = max((len(group) for group, _share in shown), default=1)
    drawn: list[Json] = []
    # In the given order, but with groups that share a tag next to each other.
    places: dict[tuple[str, ...], int] = {}
    for group, _share in shown:
        for level in range(len(group)):
            places.setdefault(group[: level + 1], len(places))
    shown.sort(key=lambda one: [places[one[0][: level + 1]] for level in range(len(one[0]))])
    firsts = list(dict.fromkeys(group[0] for group, _share in shown))
    for level in range(levels):
        begin = 0.0
        for start_of, members in itertools.groupby(shown, key=lambda one: one[0][: level + 1]):
            share = sum(part for _group, part in members)
            path = shapes.arc(begin, begin + share, level, levels)
            colour = firsts.index(start_of[0]) % _COLOURS
            name = ", ".join(start_of)
            drawn.append({"path": path, "name": name, "share": share, "colour": colour, "level": level})
            begin += share
    return {**model, "shapes": drawn}


def change(definition: Json, view: View, start: int, end: int) -> Json:
    """Show each group now and before, and the difference."""
    request = requests_of(definition)[0]
    how, found = how_of(request), [lines for _alias, lines in request_lines(request, view, start, end)]
    if not found:
        raise Refused(400, "the widget asks for nothing")
    if len(found) > 1:
        # One of two formulas is the value before, usually the first.
        texts = [str(one.get("formula")) for one in request.get("formulas") or ()]
        later = len(texts) > 1 and bool(_PAST.search(texts[1])) and not _PAST.search(texts[0])
        before, now = found[:2][::-1] if later else found[:2]
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
    unit = unit_of(now)
    cells = [
        [cell(row[0]), *(cell(one, unit=unit) for one in row[1:4]), cell(row[4])]
        for row in known + [row for row in rows if row[place] is None]
    ]
    return table(["Group", "Before", "Now", "Change", "Change in %"], cells)


def scatter(definition: Json, view: View, start: int, end: int) -> Json:
    """Show each group as a dot between two axes, and the same as a table."""
    requests = definition["requests"]
    if "table" in requests:
        grid = _grid({"requests": requests["table"]}, view, start, end)
    else:
        axes = [name for name in ("x", "y") if requests.get(name)]
        grid = _grid({"requests": [{"alias": name, **requests[name]} for name in axes]}, view, start, end)
    ordered = sorted(grid.rows.items())
    cells = [
        [cell(", ".join(group)), *(cell(value, unit=unit) for value, unit in zip(row, grid.units, strict=True))]
        for group, row in ordered
    ]
    dots = [
        {"name": ", ".join(group), "x": row[0], "y": row[1]}
        for group, row in ordered[:_MOST_ROWS]
        if len(row) > 1 and row[0] is not None and row[1] is not None
    ]
    ends = {}
    for place, axis in enumerate(("x", "y")):
        low, high = (of((dot[axis] for dot in dots), default=0.0) for of in (min, max))
        for dot in dots:
            dot[axis] = (dot[axis] - low) / (high - low) if high > low else 0.5
        if dots:
            ends[axis] = [grid.units[place].show(low), grid.units[place].show(high)]
    return {**table(["Group", *grid.names], cells), "kind": "scatter", "dots": dots, "ends": ends}


def hosts(definition: Json, view: View, start: int, end: int) -> Json:
    """Show a host map, coloured by a value and grouped by tags."""
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
    unit = unit_of(line for line, _value in found)
    groups: dict[str, list[Json]] = {}
    for line, value in found:
        host = next((tag.removeprefix("host:") for tag in line.group if tag.startswith("host:")), "")
        known = [*line.group, *sorted(tags_of.get(host, ()))]
        group = ", ".join(next((tag for tag in known if tag.startswith(f"{key}:")), f"{key}: none") for key in keys)
        tile = {"name": host or label(line), **cell(value, unit=unit), "shade": shade(value, low, high)}
        groups.setdefault(group, []).append({**tile, "address": f"/hosts/{host}" if host in tags_of else ""})
    listed = [{"name": name, "tiles": tiles[:_MOST_ROWS]} for name, tiles in sorted(groups.items())]
    return {"kind": "tiles", "groups": listed, "low": unit.show(low), "high": unit.show(high)}


def shade(value: float, low: float, high: float) -> int:
    """Return which of the six shades a value has between minimum and maximum."""
    part = (value - low) / (high - low) if high > low else 0.5
    return max(0, min(_SHADES - 1, int(part * _SHADES)))
