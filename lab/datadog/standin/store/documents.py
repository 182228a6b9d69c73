"""The objects of the account: dashboards, monitors, downtimes and events, stored as JSON documents."""

import json
import secrets
import string
import threading
import uuid
from typing import Literal, overload

from ..errors import Refused
from ..wire.bodies import Json
from .database import Database

# Kinds of documents: with a text as ID, with a number, with the ID of what they belong to, or with another ID.
_Texts = Literal["dashboard", "downtime"]
_Numbers = Literal["dashboard list", "downtime_v1", "event", "mail", "monitor"]
_Belonging = Literal["deleted dashboard", "public dashboard", "old board", "monitor_state", "downtime_state"]
Kind = _Texts | _Numbers | _Belonging | Literal["embed", "metric metadata"]
SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (kind, id));
CREATE TABLE IF NOT EXISTS issued (kind TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
"""
# IDs of monitors and of v1 downtimes count up from here; like Datadog's, they are never reused.
_FIRST = 100_000_000
_LETTERS = string.ascii_lowercase + string.digits


class Documents:
    """Documents by kind and ID, in the order of their creation.

    Hold `lock` to read a document, change it and store it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.lock = threading.RLock()

    def all(self, kind: Kind) -> list[Json]:
        rows = self._database.read("SELECT body FROM document WHERE kind = ? ORDER BY number", kind)
        return [json.loads(body) for (body,) in rows]

    def named(self, kind: Kind) -> dict[str, Json]:
        """Return all documents of a kind by ID."""
        rows = self._database.read("SELECT id, body FROM document WHERE kind = ?", kind)
        return {id_: json.loads(body) for id_, body in rows}

    def get(self, kind: Kind, id_: str | int) -> Json | None:
        """Return a document; None if it does not exist."""
        rows = self._database.read("SELECT body FROM document WHERE kind = ? AND id = ?", kind, str(id_))
        return json.loads(rows[0][0]) if rows else None

    def need(self, kind: Kind, id_: str | int, missing: str) -> Json:
        """Return a document. Raises Refused(404) with the message `missing`."""
        found = self.get(kind, id_)
        if found is None:
            raise Refused(404, missing)
        return found

    def put(self, kind: Kind, id_: str | int, body: Json) -> None:
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO document (kind, id, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, str(id_), json.dumps(body)),
            )

    def delete(self, kind: Kind, id_: str | int) -> bool:
        """Delete a document; return whether it existed."""
        with self._database.transaction(drops=True) as db:
            return db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, str(id_))).rowcount > 0

    def clear(self, kind: Kind | None = None) -> None:
        """Delete all documents, or those of a kind. IDs continue where they were."""
        with self._database.transaction(drops=True) as db:
            db.execute("DELETE FROM document WHERE ?1 IS NULL OR kind = ?1", (kind,))

    @overload
    def new_id(self, kind: _Texts) -> str: ...
    @overload
    def new_id(self, kind: _Numbers) -> int: ...
    def new_id(self, kind: _Texts | _Numbers) -> str | int:
        """Return a new ID: abc-def-ghi for a dashboard, a UUID for a downtime, else a number."""
        if kind == "dashboard":
            return "-".join("".join(secrets.choice(_LETTERS) for _ in range(3)) for _ in range(3))
        if kind == "downtime":
            return str(uuid.uuid4())
        if kind == "event":
            # More digits than a double can represent, like the IDs of Datadog's events.
            return 7 * 10**18 + secrets.randbelow(10**18)
        with self._database.transaction() as db:
            ((number,),) = db.execute(
                "INSERT INTO issued VALUES (?, ?) ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number",
                (kind, _FIRST),
            ).fetchall()
        return int(number)
