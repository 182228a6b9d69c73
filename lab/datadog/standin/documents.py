"""The objects of the account: dashboards, monitors, downtimes and events, each a JSON document of the store."""

import json
import secrets
import string
import threading
import uuid
from typing import Any

from .decode import Refused
from .store import Store

# Ids of monitors and of v1 downtimes count up from here; like Datadog's, they are never given twice.
_FIRST = 100_000_000
_LETTERS = string.ascii_lowercase + string.digits


class Documents:
    """Documents by kind ("dashboard", "monitor", "downtime", "event") and id, in the order in which they were made.

    Hold `lock` to read a document, change it and put it back.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.lock = threading.RLock()

    def all(self, kind: str) -> list[dict[str, Any]]:
        rows = self._store.read("SELECT body FROM document WHERE kind = ? ORDER BY number", kind)
        return [json.loads(body) for (body,) in rows]

    def get(self, kind: str, id_: str | int) -> dict[str, Any] | None:
        """One document, None where there is none."""
        rows = self._store.read("SELECT body FROM document WHERE kind = ? AND id = ?", kind, str(id_))
        return json.loads(rows[0][0]) if rows else None

    def need(self, kind: str, id_: str | int, missing: str) -> dict[str, Any]:
        """One document. Raises Refused(404) in the words `missing`."""
        found = self.get(kind, id_)
        if found is None:
            raise Refused(404, missing)
        return found

    def put(self, kind: str, id_: str | int, body: dict[str, Any]) -> None:
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO document (kind, id, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                (kind, str(id_), json.dumps(body)),
            )

    def delete(self, kind: str, id_: str | int) -> bool:
        """Drop a document; whether it was there."""
        with self._store.transaction() as db:
            return db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, str(id_))).rowcount > 0

    def clear(self, kind: str = "%") -> None:
        """Drop every document, or those of a kind. Ids go on where they were."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM document WHERE kind LIKE ?", (kind,))

    def new_id(self, kind: str) -> str | int:
        """An id in the form of its kind: abc-def-ghi for a dashboard, a UUID for a downtime, else a number."""
        if kind == "dashboard":
            return "-".join("".join(secrets.choice(_LETTERS) for _ in range(3)) for _ in range(3))
        if kind == "downtime":
            return str(uuid.uuid4())
        if kind == "event":
            # More digits than a double holds, as the ids of Datadog's events have.
            return 7 * 10**18 + secrets.randbelow(10**18)
        with self._store.transaction() as db:
            ((number,),) = db.execute(
                "INSERT INTO issued VALUES (?, ?) ON CONFLICT DO UPDATE SET number = number + 1 RETURNING number",
                (kind, _FIRST),
            ).fetchall()
        return number
