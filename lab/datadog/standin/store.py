"""What the stand-in keeps, in one SQLite file: series and points, hosts and their tags, check runs,
spans, objects."""

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import apm, sketches
from .decode import CheckRun, HostReport, Key, Sample

# Datadog drops points from further in the future than this.
FUTURE = 600
# The names under which the hosts API shows the sources of tags.
SOURCES = {"system": "Datadog", "datadog": "Datadog", "user": "Users", "users": "Users"}

_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY, metric TEXT NOT NULL, host TEXT NOT NULL, tags TEXT NOT NULL,
    type TEXT NOT NULL, interval INTEGER NOT NULL, UNIQUE (metric, host, tags));
CREATE INDEX IF NOT EXISTS series_host ON series (host);
CREATE TABLE IF NOT EXISTS point (
    series INTEGER NOT NULL, ts INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, ts)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS host (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last_reported INTEGER NOT NULL DEFAULT 0,
    aliases TEXT NOT NULL DEFAULT '[]', meta TEXT);
CREATE TABLE IF NOT EXISTS host_tag (
    host TEXT NOT NULL, source TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (host, source, tag)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (
    check_name TEXT NOT NULL, host TEXT NOT NULL, tags TEXT NOT NULL, ts INTEGER NOT NULL, status INTEGER NOT NULL,
    message TEXT NOT NULL, PRIMARY KEY (check_name, host, tags, ts)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS document (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS issued (kind TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
_AGGREGATES = ("avg", "sum", "min", "max", "count")


@dataclass(frozen=True)
class StoredSeries:
    """One series with everything that a scope can select it by; `interval` in seconds."""

    id: int
    type: str
    interval: int
    tags: frozenset[str]


@dataclass(frozen=True)
class Newest:
    """The newest point of one series: `time` in seconds since the epoch, `interval` in seconds."""

    metric: str
    type: str
    interval: int
    host: str
    tags: tuple[str, ...]
    time: int
    value: float


@dataclass(frozen=True)
class Host:
    """One host; `tags` by the shown name of their source, `meta` as the last metadata report gave it."""

    id: int
    name: str
    last_reported: int
    aliases: list[str]
    meta: dict[str, Any]
    tags: dict[str, list[str]]

    @property
    def every_tag(self) -> set[str]:
        """Its tags of all sources, and its name as one."""
        return {f"host:{self.name}", *(tag for own in self.tags.values() for tag in own)}

    def fits(self, words: str) -> bool:
        """Whether every word of a filter is part of its name, an alias or a tag."""
        own = [text.lower() for text in (self.name, *self.aliases, *self.every_tag)]
        return all(any(word in text for text in own) for word in words.lower().replace(",", " ").split())


class Store:
    """One writing connection behind a lock, and one reading connection per thread."""

    def __init__(self, folder: Path, retention: int) -> None:
        """Open or make `folder`/datadog.sqlite; points older than `retention` seconds are not kept."""
        self.retention = retention
        self.folder = folder
        self._path = folder / "datadog.sqlite"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writer = self._connect()
        self._writer.executescript(_SCHEMA + sketches.SCHEMA + apm.SCHEMA)
        self._ids: dict[tuple[Key, str, int], int] = {}

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the machine may cost the last seconds of lab data, a crash of this process nothing.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The writing connection, alone; what fails leaves nothing behind."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                self._writer.execute("ROLLBACK")
                self._ids.clear()
                raise

    def read(self, statement: str, *values: Any) -> list[tuple]:
        """The rows of a SELECT, over the reading connection of this thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect()
        return self._local.connection.execute(statement, values).fetchall()

    # ------------------------------------------------------------------------------------------------- writing
    def add_samples(self, samples: Iterable[Sample], now: int, latest: float = 0) -> None:
        """Keep points; a second value for one second of a series replaces the first, or is added to it.

        `latest` is the lab's time, which may be ahead: points may come from there too.
        """
        oldest, newest = now - self.retention, max(now, latest) + FUTURE
        with self.transaction() as db:
            seen: dict[str, int] = {}
            for sample in samples:
                points = {ts: value for ts, value in sample.points.items() if oldest <= ts <= newest}
                if points:
                    series = self._series_id(db, sample)
                    how = "value + excluded.value" if sample.adds else "excluded.value"
                    db.executemany(
                        f"INSERT INTO point VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = {how}",
                        [(series, ts, value) for ts, value in points.items()],
                    )
                    if isinstance(sample, sketches.Distribution):
                        sketches.keep(db, series, {ts: sample.sketches[ts] for ts in points})
                    host = sample.key.host
                    seen[host] = max(seen.get(host, 0), min(now, max(points)))
            self._touch(db, seen)

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

    def _touch(self, db: sqlite3.Connection, seen: dict[str, int]) -> None:
        db.executemany(
            "INSERT INTO host (name, last_reported) VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET last_reported = max(last_reported, excluded.last_reported)",
            [(name, ts) for name, ts in seen.items() if name],
        )

    def add_check_runs(self, runs: Iterable[CheckRun], now: int) -> None:
        """Keep runs; a second one for one second of a check, host and tags replaces the first."""
        with self.transaction() as db:
            for run in runs:
                db.execute(
                    "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?)",
                    (run.check, run.host, json.dumps(run.tags), run.timestamp, run.status, run.message),
                )
                self._touch(db, {run.host: min(run.timestamp, now)})

    def add_host(self, report: HostReport, now: int) -> None:
        """Keep a host's metadata; its tags replace those that Agents sent before."""
        with self.transaction() as db:
            self._touch(db, {report.name: now})
            db.execute(
                "UPDATE host SET aliases = ?, meta = ? WHERE name = ?",
                (json.dumps(report.aliases), json.dumps(report.meta), report.name),
            )
            if report.tags is not None:
                db.execute("DELETE FROM host_tag WHERE host = ? AND source <> 'Users'", (report.name,))
                for source, tags in report.tags.items():
                    self._add_tags(db, report.name, source, tags)

    def _add_tags(self, db: sqlite3.Connection, host: str, source: str, tags: Iterable[str]) -> None:
        db.executemany(
            "INSERT OR IGNORE INTO host_tag VALUES (?, ?, ?)", [(host, source_name(source), tag) for tag in tags]
        )

    def change_tags(self, host: str, source: str, tags: Iterable[str], *, replace: bool) -> None:
        """Add `tags` to those that `host` has from `source`, or put them in their place."""
        with self.transaction() as db:
            if replace:
                db.execute("DELETE FROM host_tag WHERE host = ? AND source = ?", (host, source_name(source)))
            self._add_tags(db, host, source, tags)

    def prune(self, now: int) -> None:
        """Drop points, runs and spans past their time, and the series that have no point left."""
        with self.transaction() as db:
            for (series,) in db.execute("SELECT id FROM series").fetchall():
                for table in ("point", "sketch"):
                    db.execute(f"DELETE FROM {table} WHERE series = ? AND ts < ?", (series, now - self.retention))
            db.execute("DELETE FROM run WHERE ts < ?", (now - self.retention,))
            apm.prune(db, now)
            db.execute("DELETE FROM series WHERE NOT EXISTS (SELECT 1 FROM point WHERE series = series.id)")
            self._ids.clear()

    # ------------------------------------------------------------------------------------------------- reading
    def series(self, metric: str) -> list[StoredSeries]:
        """All series of a metric, each with its own tags, its host and the tags of its host."""
        tags_of: dict[str, set[str]] = {}
        for host, tag in self.read("SELECT host, tag FROM host_tag"):
            tags_of.setdefault(host, set()).add(tag)
        found = []
        rows = self.read("SELECT id, host, tags, type, interval FROM series WHERE metric = ?", metric)
        for id_, host, tags, type_, interval in rows:
            own = [*json.loads(tags), *([f"host:{host}"] if host else [])]
            found.append(StoredSeries(id_, type_, interval, frozenset(own) | tags_of.get(host, set())))
        return found

    def buckets(self, ids: Iterable[int], start: int, end: int, interval: int, how: str) -> dict[int, dict[int, float]]:
        """{series: {start of bucket: value}} over start <= ts < end; `how` is avg, sum, min, max or count."""
        if how not in _AGGREGATES:
            raise ValueError(how)
        found: dict[int, dict[int, float]] = {}
        # CROSS JOIN keeps the order: one index range for each series, never the whole table.
        for series, bucket, value in self.read(
            f"SELECT series, ts / ?1 * ?1 AS bucket, {how}(point.value) FROM json_each(?2) AS chosen CROSS JOIN "
            "point ON series = chosen.value WHERE ts >= ?3 AND ts < ?4 GROUP BY series, bucket",
            interval,
            json.dumps(list(ids)),
            start,
            end,
        ):
            found.setdefault(series, {})[bucket] = value
        return found

    def metrics(self, since: int, host: str = "") -> list[str]:
        """The names of metrics with a point at or after `since`, of one host where `host` is given."""
        rows = self.read(
            "SELECT DISTINCT metric FROM series WHERE (?1 = '' OR host = ?1) AND EXISTS "
            "(SELECT 1 FROM point WHERE series = series.id AND ts >= ?2) ORDER BY metric",
            host,
            since,
        )
        return [name for (name,) in rows]

    def metric_type(self, metric: str) -> tuple[str, int] | None:
        """(type, interval in seconds) of a metric, None where no series has that name."""
        rows = self.read("SELECT type, interval FROM series WHERE metric = ? ORDER BY id DESC LIMIT 1", metric)
        return rows[0] if rows else None

    def newest(self, metric: str, host: str) -> float | None:
        """The newest value of a metric on a host, averaged over its series."""
        ((value,),) = self.read(
            "SELECT avg((SELECT value FROM point WHERE series = series.id ORDER BY ts DESC LIMIT 1)) FROM series "
            "WHERE metric = ? AND host = ?",
            metric,
            host,
        )
        return value

    def freshness(self, metric: str = "", host: str = "") -> list[Newest]:
        """The newest point of each series, of one metric and one host where they are given."""
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

    def hosts(self) -> list[Host]:
        tags: dict[str, dict[str, list[str]]] = {}
        for host, source, tag in self.read("SELECT host, source, tag FROM host_tag"):
            tags.setdefault(host, {}).setdefault(source, []).append(tag)
        rows = self.read("SELECT id, name, last_reported, aliases, meta FROM host ORDER BY name")
        return [
            Host(id_, name, last, json.loads(aliases), json.loads(meta or "{}"), tags.get(name, {}))
            for id_, name, last, aliases, meta in rows
        ]

    def check_runs(self, host: str = "", check: str = "", most: int = 1) -> list[CheckRun]:
        """The newest runs, at most `most` of each check, host and tags; of one host, one check or both."""
        given = " AND ".join(f"{name} = ?" for name, value in (("host", host), ("check_name", check)) if value)
        rows = self.read(
            "SELECT check_name, host, tags, status, ts, message FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY check_name, host, tags ORDER BY ts DESC) AS age FROM run WHERE {given}) WHERE age <= ?",
            *filter(None, (host, check)),
            most,
        )
        return [CheckRun(name, on, tuple(json.loads(tags)), *rest) for name, on, tags, *rest in rows]


def source_name(source: str) -> str:
    """A source of tags as the hosts API shows it."""
    return SOURCES.get(source.lower(), source)
