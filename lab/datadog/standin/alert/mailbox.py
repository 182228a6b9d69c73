"""Keeps the messages that Datadog would have sent."""

from typing import Any

from ..clock import Clock, iso
from ..store.documents import Documents
from ..wire.bodies import Json
from .template import handles

# A lab that runs for days only keeps the newest messages.
_MOST = 2000


class Mailbox:
    """The messages of an account, the oldest first."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def send(self, subject: str, body: str, **more: Any) -> None:
        """Keep a message for the handles in its body, if there are any."""
        to = handles(body)
        if to:
            number, now = self._documents.new_id("mail"), iso(self._clock.now())
            message = {"id": number, "time": now, "to": to, "subject": subject, "body": body, **more}
            self._documents.put("mail", number, message)
            self._documents.delete("mail", number - _MOST)

    def all(self) -> list[Json]:
        return self._documents.all("mail")

    def clear(self) -> None:
        self._documents.clear("mail")
