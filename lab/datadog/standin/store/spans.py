"""Spans, which are kept for an hour."""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from ..wire.traces import Span
from .database import Database

# How many seconds spans are kept, how far in the future they may be, and the maximum number of spans.
RETENTION = 3600
FUTURE = 600
MOST = 100_000
# Number of spans that a search reads at a time, and the largest integer of the database.
_AT_A_TIME = 500
LARGEST = 2**63 - 1

SCHEMA = """
CREATE TABLE IF NOT EXISTS span (
    id INTEGER PRIMARY KEY, trace TEXT NOT NULL, span TEXT NOT NULL, start INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (trace, span));
CREATE INDEX IF NOT EXISTS span_start ON span (start, id);
CREATE INDEX IF NOT EXISTS span_trace ON span (substr(trace, 17));
"""


# Where a search continues: the start of a span in nanoseconds, and its number.
Place = tuple[int, int]


class Spans(Database):
    """The part of the store for spans."""

    def add_spans(self, found: Iterable[Span], now: int) -> None:
        """Store spans of the last hour; a repeated span replaces itself."""
        with self.transaction() as db:
            db.executemany(
                "INSERT OR REPLACE INTO span (trace, span, start, body) VALUES (?, ?, ?, ?)",
                [
                    (span.trace, str(span.span), span.start, json.dumps(asdict(span)))
                    for span in found
                    if now - RETENTION <= span.start // 10**9 <= now + FUTURE
                ],
            )
            db.execute("DELETE FROM span WHERE id <= (SELECT max(id) FROM span) - ?", (MOST,))

    def _prune_spans(self, db: sqlite3.Connection, now: int) -> None:
        db.execute("DELETE FROM span WHERE start < ?", ((now - RETENTION) * 10**9,))

    def trace(self, id_: str) -> list[Span]:
        """Return the spans of a trace by start; `id_` is hexadecimal, or its lower half in decimal, as in spans."""
        if re.fullmatch(r"[0-9a-f]{32}", id_):
            where, value = "trace = ?", id_
        elif id_.isascii() and id_.isdecimal() and len(id_) <= 20:
            where, value = "substr(trace, 17) = ?", f"{int(id_):016x}"
        else:
            return []
        return [_span(body) for (body,) in self.read(f"SELECT body FROM span WHERE {where} ORDER BY start", value)]

    def spans(
        self, start: float, end: float, newest_first: bool = True, after: Place | None = None
    ) -> Iterator[tuple[int, Span]]:
        """Yield (number, span) that start in start <= time <= end, in seconds since the epoch, after `after`."""
        low, high = within(start * 10**9), within(end * 10**9)
        way, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
        at, id_ = after or ((high, LARGEST) if newest_first else (low, -1))
        while True:
            low, high = (low, min(high, at)) if newest_first else (max(low, at), high)
            rows = self.read(
                f"SELECT start, id, body FROM span WHERE start BETWEEN ? AND ? AND (start <> ? OR id {beyond} ?) "
                f"ORDER BY start {way}, id {way} LIMIT {_AT_A_TIME}",
                *(low, high, at, id_),
            )
            yield from ((number, _span(body)) for _, number, body in rows)
            if len(rows) < _AT_A_TIME:
                return
            at, id_, _ = rows[-1]


def within(number: float) -> int:
    """Return the nearest non-negative integer that the database can store."""
    return max(0, min(round(number), LARGEST))


def _span(body: str) -> Span:
    return Span(**json.loads(body))
