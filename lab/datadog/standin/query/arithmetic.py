"""Arithmetic of lines, point by point."""

import math
import operator
from collections.abc import Callable, Iterable

from module_utils._query.metric import Binary, Number

from ..errors import Refused
from .lines import Line

Answer = list[Line] | float
_Operation = Callable[[float, float], float | None]
_ARITHMETIC: dict[str, _Operation] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": lambda one, other: one / other if other else None,
}


def combine(node: Binary, left: Answer, right: Answer) -> Answer:
    """Combine `left` and `right` by the operator: groups with the same groups, ungrouped lines with every group."""
    if isinstance(left, float) and isinstance(right, float) and node.operator == "/" and right == 0:
        raise Refused(400, "division by zero")
    return paired(_ARITHMETIC[node.operator], left, right, lambda one, other: f"({one} {node.operator} {other})")


def paired(reckon: _Operation, left: Answer, right: Answer, named: Callable[[str, str], str]) -> Answer:
    """Do the same for any operation; `named` gives the name of the result. A result of None is no point."""
    if isinstance(left, float):
        if not isinstance(right, float):
            return [_joined(reckon, named, _constant(left, line), line, line) for line in right]
        found = reckon(left, right)
        return math.nan if found is None else float(found)
    if isinstance(right, float):
        return [_joined(reckon, named, line, _constant(right, line), line) for line in left]
    pairs = [(a, b) for a in left for b in right if set(a.group) == set(b.group) or not a.group or not b.group]
    return [_joined(reckon, named, a, b, a if a.group else b) for a, b in pairs]


def _constant(value: float, like: Line) -> Line:
    text = str(Number(value))
    return Line(text, text, like.scope, (), like.interval, dict.fromkeys(like.points, value), starts=like.starts)


def _joined(reckon: _Operation, named: Callable[[str, str], str], left: Line, right: Line, group: Line) -> Line:
    found = {
        bucket: reckon(value, right.points[bucket]) for bucket, value in left.points.items() if bucket in right.points
    }
    return Line(
        named(left.name, right.name),
        named(left.expression, right.expression),
        group.scope,
        group.group,
        max(left.interval, right.interval),
        finite(found),
        starts=left.starts or right.starts,
    )


def finite(points: dict[int, float | None] | dict[int, float]) -> dict[int, float]:
    """Return the points with a value. Raises OverflowError if one is out of range."""
    found = {bucket: float(value) for bucket, value in points.items() if value is not None}
    if not all(map(math.isfinite, found.values())):
        raise OverflowError
    return found


def regrouped(lines: Iterable[Line], keys: Iterable[str], method: Callable[[list[float]], float]) -> list[Line]:
    """Merge the lines with the same tags under `keys`; "*" means all keys of a line."""
    chosen = set(keys)
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        kept = tuple(tag for tag in line.group if "*" in chosen or tag.partition(":")[0] in chosen)
        groups.setdefault(kept, []).append(line)
    found = []
    for group, members in groups.items():
        buckets = sorted(set().union(*(line.points for line in members)))
        columns = {bucket: [line.points[bucket] for line in members if bucket in line.points] for bucket in buckets}
        points = finite({bucket: float(method(values)) for bucket, values in columns.items()})
        first = members[0]
        scope = ",".join(group) or "*"
        found.append(Line(first.name, first.expression, scope, group, first.interval, points, starts=first.starts))
    return found
