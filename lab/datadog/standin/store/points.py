"""Time series: points, and distributions, which also have sketches."""

import itertools
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from module_utils._tags import normalise_value

from ..wire.bodies import Key, Sample
from ..wire.sketches import TYPE, Distribution, Sketch, value_of
from .hosts import Hosts

# Datadog drops points that are further in the future.
FUTURE = 600
# Number of series to prune in one transaction.
_AT_A_TIME = 100

# Sketches of the same second add up; their bins are [[key, ...], [count, ...]].
SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, metric TEXT NOT NULL, host TEXT NOT NULL, tags TEXT NOT NULL,
    type TEXT NOT NULL, interval INTEGER NOT NULL, UNIQUE (metric, host, tags));
CREATE INDEX IF NOT EXISTS series_host ON series (host);
CREATE TABLE IF NOT EXISTS point (
    series INTEGER NOT NULL, ts INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, ts)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sketch (
    series INTEGER NOT NULL, ts INTEGER NOT NULL, n REAL NOT NULL, total REAL NOT NULL, low REAL NOT NULL,
    high REAL NOT NULL, bins TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS sketch_series ON sketch (series, ts);
"""
# Aggregation in time: of points, and of exact values of sketches.
_AGGREGATES = {how: f"{how}(point.value)" for how in ("avg", "sum", "min", "max", "count")}
EXACT = {"count": "sum(n)", "sum": "sum(total)", "avg": "sum(total) / sum(n)", "min": "min(low)", "max": "max(high)"}


@dataclass(frozen=True)
class StoredSeries:
    """A series with everything that a scope can select it by; `interval` is in seconds."""

    id: int
    type: str
    interval: int
    tags: frozenset[str]


@dataclass(frozen=True)
class Newest:
    """The newest point of a series: `time` is in seconds since the epoch, `interval` in seconds."""

    metric: str
    type: str
    interval: int
    host: str
    tags: tuple[str, ...]
    time: int
    value: float


@dataclass(frozen=True)
class TraceSeries:
    """A series from stats: the latencies of an operation, or its errors."""

    id: int
    operation: str
    errors: bool
    tags: dict[str, str]


class Points(Hosts):
    """The part of the store for metrics; points older than `retention` seconds are deleted."""

    def __init__(self, folder: Path, schema: str, retention: int, largest: int, reserve: int) -> None:
        super().__init__(folder, schema, largest, reserve)
        self.retention = retention
        self._ids: dict[tuple[Key, str, int], int] = {}

    def add_samples(self, samples: Iterable[Sample], now: int, latest: float = 0) -> None:
        """Store points; a second value in the same second of a series replaces the first, or is added to it.

        `latest` is the lab's time, which may be ahead, so that points may have such times, too.
        """
        oldest, newest = now - self.retention, max(now, latest) + FUTURE
        with self.transaction() as db:
            seen: dict[str, int] = {}
            for sample in samples:
                points = {ts: value for ts, value in sample.points.items() if oldest <= ts <= newest}
                if points:
                    self._add_points(db, sample, points)
                    host = sample.key.host
                    seen[host] = max(seen.get(host, 0), min(now, max(points)))
            self._touch(db, seen)

    def _forget(self) -> None:
        # This includes series that were rolled back.
        self._ids.clear()

    def _add_points(self, db: sqlite3.Connection, sample: Sample, points: dict[int, float]) -> None:
        series = self._series_id(db, sample)
        how = "value + excluded.value" if sample.adds else "excluded.value"
        db.executemany(
            f"INSERT INTO point VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = {how}",
            [(series, ts, value) for ts, value in points.items()],
        )
        if isinstance(sample, Distribution):
            rows = [(series, ts, *_row(sample.sketches[ts])) for ts in points]
            db.executemany("INSERT INTO sketch VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def _series_id(self, db: sqlite3.Connection, sample: Sample) -> int:
        known = (sample.key, sample.type, sample.interval)
        if known not in self._ids:
            row = db.execute(
                "INSERT INTO series (metric, host, tags, type, interval) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT DO UPDATE SET type = excluded.type, interval = excluded.interval RETURNING id",
                (sample.key.metric, sample.key.host, json.dumps(sample.key.tags), sample.type, sample.interval),
            ).fetchone()
            self._ids[known] = row[0]
        return self._ids[known]

    def _prune_points(self, now: int) -> None:
        """Delete expired points, some series at a time to keep the log small, and series without points."""
        old = [(series, now - self.retention) for (series,) in self.read("SELECT id FROM series")]
        for begin in range(0, len(old), _AT_A_TIME):
            with self.transaction(drops=True) as db:
                for table in ("point", "sketch"):
                    statement = f"DELETE FROM {table} WHERE series = ? AND ts < ?"
                    db.executemany(statement, old[begin : begin + _AT_A_TIME])
        with self.transaction(drops=True) as db:
            db.execute("DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM point WHERE series = series.id)")
            self._ids.clear()

    # ------------------------------------------------------------------------------------------------- series
    def series(self, metric: str) -> list[StoredSeries]:
        """Return all series of a metric, each with its own tags, its host and the tags of its host."""
        tags_of, found = self.host_tags(), []
        rows = self.read("SELECT id, host, tags, type, interval FROM series WHERE metric = ?", metric)
        for id_, host, tags, type_, interval in rows:
            own = [*json.loads(tags), *([f"host:{host}"] if host else [])]
            found.append(StoredSeries(id_, type_, interval, frozenset(own) | tags_of.get(host, set())))
        return found

    def traced(self, host: str = "", **only: str) -> list[TraceSeries]:
        """Return the series from stats, optionally of one host, with the tags `only` ("*" is any value)."""
        wanted = {key: normalise_value(value) for key, value in only.items() if value != "*"}
        found = []
        for id_, metric, type_, tags in self.read(
            "SELECT id, metric, type, tags FROM series WHERE metric GLOB 'trace.*' AND "
            "(type = ?1 AND metric NOT GLOB '*.apdex' OR metric GLOB '*.errors') AND (?2 = '' OR host = ?2)",
            TYPE,
            host,
        ):
            errors = type_ != TYPE
            operation = metric.removeprefix("trace.").removesuffix(".errors" if errors else "")
            own = {key: value for key, _, value in (one.partition(":") for one in json.loads(tags))}
            if all(own.get(key) == value for key, value in wanted.items()):
                found.append(TraceSeries(id_, operation, errors, own))
        return found

    def metrics(self, since: int, host: str = "") -> list[str]:
        """Return the names of metrics with a point at or after `since`, optionally of one host."""
        rows = self.read(
            "SELECT DISTINCT metric FROM series WHERE (?1 = '' OR host = ?1) AND EXISTS "
            "(SELECT 1 FROM point WHERE series = series.id AND ts >= ?2) ORDER BY metric",
            host,
            since,
        )
        return [name for (name,) in rows]

    def metric_type(self, metric: str) -> tuple[str, int] | None:
        """Return (type, interval in seconds) of a metric; None if no series has this name."""
        rows = self.read("SELECT type, interval FROM series WHERE metric = ? ORDER BY id DESC LIMIT 1", metric)
        return (rows[0][0], rows[0][1]) if rows else None

    def newest(self, metric: str, host: str) -> float | None:
        """Return the newest value of a metric on a host, averaged over its series."""
        ((value,),) = self.read(
            "SELECT avg((SELECT value FROM point WHERE series = series.id ORDER BY ts DESC LIMIT 1)) FROM series "
            "WHERE metric = ? AND host = ?",
            metric,
            host,
        )
        return None if value is None else float(value)

    def freshness(self, metric: str = "", host: str = "") -> list[Newest]:
        """Return the newest point of each series, optionally of one metric and one host."""
        return [
            Newest(name, type_, interval, where, tuple(json.loads(tags)), ts, value)
            for name, type_, interval, where, tags, ts, value in self.read(
                "SELECT metric, type, interval, host, tags, ts, value FROM series JOIN point ON series = series.id "
                "AND ts = (SELECT max(ts) FROM point WHERE series = series.id) "
                "WHERE (?1 = '' OR metric = ?1) AND (?2 = '' OR host = ?2)",
                metric,
                host,
            )
        ]

    # ------------------------------------------------------------------------------------------------- values
    def buckets(self, ids: Iterable[int], start: int, end: int, interval: int, how: str) -> dict[int, dict[int, float]]:
        """Return {series: {start of bucket: value}} over start <= ts < end; `how` is avg, sum, min, max or count."""
        found: dict[int, dict[int, float]] = {}
        what = f"series, {_AGGREGATES[how]}"
        for bucket, series, value in self._rows("point", ids, start, end, interval, what, "GROUP BY series, bucket"):
            found.setdefault(series, {})[bucket] = value
        return found

    def distribution(self, ids: Iterable[int], start: int, end: int, interval: int, how: str) -> dict[int, float]:
        """Return {start of bucket: value} over all values of some series; `how` is one of EXACT."""
        rows = self._rows("sketch", ids, start, end, interval, EXACT[how], "GROUP BY bucket")
        return {bucket: float(value) for bucket, value in rows}

    def percentiles(
        self, ids: Iterable[int], start: int, end: int, interval: int, hows: Iterable[str]
    ) -> dict[int, dict[str, float]]:
        """Return the same for percentiles such as p95: {start of bucket: {percentile: value}}."""
        return {
            bucket: {how: _quantile(bins, float(how[1:]) / 100) for how in hows}
            for bucket, bins in self._bins(ids, start, end, interval).items()
        }

    def sketched(self, ids: Iterable[int], start: int, end: int, interval: int) -> dict[int, list[tuple[float, float]]]:
        """Return the same for all values: {start of bucket: [(value, count)]}, ascending."""
        return {
            bucket: [(value_of(key), count) for key, count in bins]
            for bucket, bins in self._bins(ids, start, end, interval).items()
        }

    def _bins(self, ids: Iterable[int], start: int, end: int, interval: int) -> dict[int, list[tuple[int, float]]]:
        counted: dict[int, dict[int, float]] = {}
        for bucket, bins in self._rows("sketch", ids, start, end, interval, "bins"):
            merged = counted.setdefault(bucket, {})
            for key, count in zip(*json.loads(bins), strict=True):
                merged[key] = merged.get(key, 0.0) + count
        return {bucket: sorted(merged.items()) for bucket, merged in sorted(counted.items()) if merged}

    def _rows(
        self, table: str, ids: Iterable[int], start: int, end: int, interval: int, what: str, more: str = ""
    ) -> list[tuple[Any, ...]]:
        # CROSS JOIN keeps the order: one index range for each series, never the whole table.
        return self.read(
            f"SELECT ts / ?1 * ?1 AS bucket, {what} FROM json_each(?2) AS chosen CROSS JOIN {table} "
            f"ON series = chosen.value WHERE ts >= ?3 AND ts < ?4 {more}",
            interval,
            json.dumps(list(ids)),
            start,
            end,
        )


def _row(sketch: Sketch) -> tuple[float, float, float, float, str]:
    bins = json.dumps([[*sketch.bins], [*sketch.bins.values()]])
    return sketch.count, sketch.total, sketch.low, sketch.high, bins


def _quantile(counted: list[tuple[int, float]], part: float) -> float:
    """Return the quantile `part`; `counted` are the bins in order."""
    rank = part * (sum(n for _, n in counted) - 1)
    so_far = itertools.accumulate(n for _, n in counted)
    return value_of(next((key for (key, _), n in zip(counted, so_far, strict=True) if n > rank), counted[-1][0]))
