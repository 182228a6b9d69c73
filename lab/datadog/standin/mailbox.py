"""What Datadog would have mailed, posted or paged, kept for tests to read."""

from __future__ import annotations

from .calls import Handler
from .clock import Clock, iso
from .documents import Documents
from .template import handles

# A lab that runs for days keeps the newest messages only.
_MOST = 2000


class Mailbox:
    """Messages in the order in which they were sent."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock

    def send(self, subject: str, body: str, *, monitor_id: int | None, group: str | None, transition: str) -> bool:
        """Keep a message for the handles in its body; whether there was anyone to notify."""
        to = handles(body)
        if to:
            number = self._documents.new_id("mail")
            message = {
                "id": number,
                "time": iso(self._clock.now()),
                "to": to,
                "subject": subject,
                "body": body,
                "monitor_id": monitor_id,
                "group": group,
                "transition": transition,
            }
            self._documents.put("mail", number, message)
            self._documents.delete("mail", number - _MOST)
        return bool(to)

    def table(self) -> list[tuple[str, str, Handler]]:
        """The routes under /lab/mailbox."""
        return [
            ("GET", "/lab/mailbox", lambda call: {"messages": self._documents.all("mail")}),
            ("DELETE", "/lab/mailbox", lambda call: self._documents.clear("mail")),
        ]
