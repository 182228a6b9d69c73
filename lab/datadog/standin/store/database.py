"""The one SQLite file and its connections."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Database:
    """One writing connection behind a lock, and one reading connection per thread."""

    def __init__(self, folder: Path, schema: str) -> None:
        """Open or make `folder`/datadog.sqlite."""
        self.folder = folder
        self._path = folder / "datadog.sqlite"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writer = self._connect()
        self._writer.executescript(schema)

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
                raise

    def read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a SELECT, over the reading connection of this thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect()
        return self._local.connection.execute(statement, values).fetchall()  # type: ignore[no-any-return]
