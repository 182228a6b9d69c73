"""Hosts, their tags by source, and the check runs that came from them."""

import itertools
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..wire.bodies import CheckRun, HostReport
from .database import Database

# The names of the sources of tags in the hosts API.
SOURCES = {"system": "Datadog", "datadog": "Datadog", "user": "Users", "users": "Users"}

SCHEMA = """
CREATE TABLE IF NOT EXISTS host (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last_reported INTEGER NOT NULL DEFAULT 0,
    aliases TEXT NOT NULL DEFAULT '[]', meta TEXT);
CREATE TABLE IF NOT EXISTS host_tag (
    host TEXT NOT NULL, source TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (host, source, tag)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (
    check_name TEXT NOT NULL, host TEXT NOT NULL, tags TEXT NOT NULL, ts INTEGER NOT NULL, status INTEGER NOT NULL,
    message TEXT NOT NULL, PRIMARY KEY (check_name, host, tags, ts)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Host:
    """A host; `tags` are by the API's name of their source, `meta` is from the last metadata report."""

    id: int
    name: str
    last_reported: int
    aliases: list[str]
    meta: dict[str, Any]
    tags: dict[str, list[str]]

    @property
    def every_tag(self) -> set[str]:
        """Its tags from all sources, and its name as a tag."""
        return {f"host:{self.name}", *(tag for own in self.tags.values() for tag in own)}

    def fits(self, words: str) -> bool:
        """Whether every word of a filter occurs in its name, an alias or a tag."""
        own = [text.lower() for text in (self.name, *self.aliases, *self.every_tag)]
        return all(any(word in text for text in own) for word in words.lower().replace(",", " ").split())


def source_name(source: str) -> str:
    """Return the name of a source of tags in the hosts API."""
    return SOURCES.get(source.lower(), source)


class Hosts(Database):
    """The part of the store for hosts."""

    def add_host(self, report: HostReport, now: int) -> None:
        """Store a host's metadata; its tags replace those that Agents sent before."""
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

    def change_tags(self, host: str, source: str, tags: Iterable[str], *, replace: bool) -> None:
        """Add `tags` to those that `host` has from `source`, or replace them."""
        with self.transaction() as db:
            if replace:
                db.execute("DELETE FROM host_tag WHERE host = ? AND source = ?", (host, source_name(source)))
            self._add_tags(db, host, source, tags)

    def _add_tags(self, db: sqlite3.Connection, host: str, source: str, tags: Iterable[str]) -> None:
        rows = [(host, source_name(source), tag) for tag in tags]
        db.executemany("INSERT OR IGNORE INTO host_tag VALUES (?, ?, ?)", rows)

    def _touch(self, db: sqlite3.Connection, seen: dict[str, int]) -> None:
        """Store when hosts have last reported."""
        db.executemany(
            "INSERT INTO host (name, last_reported) VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET last_reported = max(last_reported, excluded.last_reported)",
            [(name, ts) for name, ts in seen.items() if name],
        )

    def add_check_runs(self, runs: Iterable[CheckRun], now: int) -> None:
        """Store runs; a second one in the same second with the same check, host and tags replaces the first."""
        with self.transaction() as db:
            for run in runs:
                db.execute(
                    "INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?, ?, ?)",
                    (run.check, run.host, json.dumps(run.tags), run.timestamp, run.status, run.message),
                )
                self._touch(db, {run.host: min(run.timestamp, now)})

    def _prune_runs(self, db: sqlite3.Connection, oldest: int) -> None:
        db.execute("DELETE FROM run WHERE ts < ?", (oldest,))

    # ------------------------------------------------------------------------------------------------- reading
    def hosts(self) -> list[Host]:
        tags: dict[str, dict[str, list[str]]] = {}
        for host, source, tag in self.read("SELECT host, source, tag FROM host_tag"):
            tags.setdefault(host, {}).setdefault(source, []).append(tag)
        rows = self.read("SELECT id, name, last_reported, aliases, meta FROM host ORDER BY name")
        return [
            Host(id_, name, last, json.loads(aliases), json.loads(meta or "{}"), tags.get(name, {}))
            for id_, name, last, aliases, meta in rows
        ]

    def host(self, name: str) -> Host | None:
        return next((host for host in self.hosts() if host.name == name), None)

    def host_tags(self) -> dict[str, set[str]]:
        """Return the tags of every host that has any, from all sources."""
        found: dict[str, set[str]] = {}
        for host, tag in self.read("SELECT host, tag FROM host_tag"):
            found.setdefault(host, set()).add(tag)
        return found

    def check_runs(self, host: str = "", check: str = "", most: int = 1) -> list[CheckRun]:
        """Return the newest runs, at most `most` of each check, host and tags; optionally of one host or check."""
        given = " AND ".join(f"{name} = ?" for name, value in (("host", host), ("check_name", check)) if value)
        rows = self.read(
            "SELECT check_name, host, tags, status, ts, message FROM (SELECT *, row_number() OVER "
            f"(PARTITION BY check_name, host, tags ORDER BY ts DESC) AS age FROM run WHERE {given}) WHERE age <= ? "
            "ORDER BY check_name, host, tags, age",
            *filter(None, (host, check)),
            most,
        )
        return [CheckRun(name, on, tuple(json.loads(tags)), *rest) for name, on, tags, *rest in rows]

    def check_streams(self, host: str = "", check: str = "", most: int = 1) -> list[list[CheckRun]]:
        """Return the same in a list for each check, host and tags, the newest run first."""
        runs = self.check_runs(host, check, most)
        return [list(some) for _, some in itertools.groupby(runs, lambda run: (run.check, run.host, run.tags))]
