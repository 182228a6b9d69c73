"""Parts of a whole as shapes: adjacent boxes, and rings around a center. Pure.

A drawing is WIDTH by HEIGHT; a part of zero has no shape.
"""

import math
from collections.abc import Sequence

Box = tuple[float, float, float, float]  # x, y, width, height
WIDTH, HEIGHT = 600.0, 240.0
# The inner radius of the innermost ring, and the outer radius of the outermost.
_HOLE, _REACH = 40.0, 115.0


def boxes(shares: Sequence[float], within: Box = (0.0, 0.0, WIDTH, HEIGHT)) -> list[Box]:
    """Return a box for each part, in proportion, by repeatedly halving the area along its longer edge."""
    if len(shares) < 2:
        return [within] * len(shares)
    half, middle, so_far = sum(shares) / 2, 1, shares[0]
    while middle < len(shares) - 1 and so_far + shares[middle] / 2 < half:
        so_far += shares[middle]
        middle += 1
    part = so_far / (2 * half) if half > 0 else 0.5
    x, y, width, height = within
    if width >= height:
        first, second = (x, y, width * part, height), (x + width * part, y, width * (1 - part), height)
    else:
        first, second = (x, y, width, height * part), (x, y + height * part, width, height * (1 - part))
    return [*boxes(shares[:middle], first), *boxes(shares[middle:], second)]


def arc(begin: float, end: float, level: int, levels: int) -> str:
    """Return the path of a ring segment from `begin` to `end`, as parts of the whole; level 0 is the innermost ring."""
    width = (_REACH - _HOLE) / levels
    inner, outer = _HOLE + width * level, _HOLE + width * (level + 1)
    # A full ring does not have two ends for an arc.
    end = min(end, begin + 0.9999)
    (ax, ay), (bx, by) = _point(begin, outer), _point(end, outer)
    (cx, cy), (dx, dy) = _point(end, inner), _point(begin, inner)
    large = int(end - begin > 0.5)
    return (
        f"M{ax:.1f} {ay:.1f}A{outer:.1f} {outer:.1f} 0 {large} 1 {bx:.1f} {by:.1f}"
        f"L{cx:.1f} {cy:.1f}A{inner:.1f} {inner:.1f} 0 {large} 0 {dx:.1f} {dy:.1f}Z"
    )


def _point(part: float, radius: float) -> tuple[float, float]:
    angle = 2 * math.pi * part
    return WIDTH / 2 + radius * math.sin(angle), HEIGHT / 2 - radius * math.cos(angle)
