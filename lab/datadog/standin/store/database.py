"""The SQLite file and its connections."""

import logging
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import Refused

_LOG = logging.getLogger(__name__)
_PAGE = 4096  # bytes, SQLite's default since 3.12
# Bytes of the disk that only deleting data may use. Without them, there would be no space for the log of a deletion,
# nor for applying the log to the file: a full disk would stay full.
RESERVE = 32 * 1024**2
_FULL = "The stand-in Datadog has no room left on its disk: nothing of this request is kept"
_BROKEN = "The stand-in Datadog cannot write its database ({}): nothing of this request is kept"


class Database:
    """One writing connection behind a lock, and one reading connection per thread."""

    def __init__(self, folder: Path, schema: str, largest: int, reserve: int) -> None:
        """Open or create `folder`/datadog.sqlite, a file that does not grow beyond `largest` bytes, nor if the disk has
        only `reserve` bytes left.
        """
        self.folder = folder
        self._reserve = reserve
        self._path = folder / "datadog.sqlite"
        self._pages = max(1, largest // _PAGE)
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writer: sqlite3.Connection | None = self._connect()
        self._writer.executescript(schema)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=30, check_same_thread=False, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        # A crash of the machine may lose the last seconds of lab data, a crash of this process nothing.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA max_page_count = {self._pages}")
        # Shrink the log after large transactions.
        connection.execute("PRAGMA journal_size_limit = 67108864")
        # Sorting needs no disk space.
        connection.execute("PRAGMA temp_store = MEMORY")
        return connection

    @contextmanager
    def transaction(self, *, drops: bool = False) -> Iterator[sqlite3.Connection]:
        """Yield the writing connection, exclusively; a failure rolls back. If it only `drops` data, it may use the
        reserve of the disk. Raises Refused: 507 on a full disk, 503 if the file cannot be written.
        """
        with self._lock:
            try:
                if self._writer is None:
                    self._writer = self._connect()
                if not drops and self._room(self._writer) < self._reserve:
                    raise Refused(507, _FULL)
                self._writer.execute("BEGIN IMMEDIATE")
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException as error:
                self._undo()
                if isinstance(error, sqlite3.OperationalError):
                    raise _refusal(error) from error
                raise

    def _room(self, writer: sqlite3.Connection) -> int:
        """Return the free bytes on the disk and, if these are few, also those within the file."""
        room = shutil.disk_usage(self.folder).free
        if room < self._reserve:
            ((pages,),) = writer.execute("PRAGMA freelist_count")
            room += pages * _PAGE
        return room

    def _undo(self) -> None:
        """Roll back the transaction, in the file and in memory."""
        self._forget()
        writer = self._writer
        try:
            # On a full disk, SQLite rolls back by itself.
            if writer is not None and writer.in_transaction:
                writer.execute("ROLLBACK")
        except sqlite3.Error:
            _LOG.exception("the database is opened again")
            self._writer = None
            if writer is not None:
                writer.close()

    def _forget(self) -> None:
        """Forget what is cached from a transaction that was rolled back."""

    def read(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT, over the reading connection of this thread."""
        if not hasattr(self._local, "connection"):
            self._local.connection = self._connect()
        return self._local.connection.execute(statement, values).fetchall()  # type: ignore[no-any-return]


def _refusal(error: sqlite3.OperationalError) -> Refused:
    """Return the error for a request that the database could not store: Agents send it again later."""
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_FULL:
        return Refused(507, _FULL)
    return Refused(503, _BROKEN.format(error))
