"""What the stand-in keeps, in one SQLite file: series and points, hosts and their tags, check runs, spans, objects.

All SQL is in this package.
"""

from pathlib import Path

from . import documents, hosts, points, spans
from .database import RESERVE

# The largest file, in bytes: a day of 50 hosts with 100 series each is about a sixth of it.
LARGEST = 4 * 1024**3
_SCHEMA = "".join(part.SCHEMA for part in (hosts, points, spans, documents))


class Store(points.Points, spans.Spans):
    """Everything that was sent."""

    def __init__(self, folder: Path, retention: int, largest: int = LARGEST, reserve: int = RESERVE) -> None:
        """Open or make the file in `folder`, of at most `largest` bytes, on a disk of which `reserve` bytes stay free;
        points older than `retention` seconds are not kept.
        """
        super().__init__(folder, _SCHEMA, retention, largest, reserve)

    def prune(self, now: int) -> None:
        """Drop points, runs and spans past their time."""
        self._prune_points(now)
        with self.transaction(drops=True) as db:
            self._prune_runs(db, now - self.retention)
            self._prune_spans(db, now)
