"""What the stand-in stores, in one SQLite file: series and points, hosts and their tags, check runs, spans, objects.

All SQL is in this package.
"""

from pathlib import Path

from . import documents, hosts, points, spans
from .database import RESERVE

# Maximum size of the file in bytes: a day of 50 hosts with 100 series each takes about a sixth.
LARGEST = 4 * 1024**3
_SCHEMA = "".join(part.SCHEMA for part in (hosts, points, spans, documents))


class Store(points.Points, spans.Spans):
    """Everything that was received."""

    def __init__(self, folder: Path, retention: int, largest: int = LARGEST, reserve: int = RESERVE) -> None:
        """Open or create the file in `folder`, of at most `largest` bytes, on a disk of which `reserve` bytes stay
        free; points older than `retention` seconds are deleted.
        """
        super().__init__(folder, _SCHEMA, retention, largest, reserve)

    def prune(self, now: int) -> None:
        """Delete expired points, runs and spans."""
        self._prune_points(now)
        with self.transaction(drops=True) as db:
            self._prune_runs(db, now - self.retention)
            self._prune_spans(db, now)
