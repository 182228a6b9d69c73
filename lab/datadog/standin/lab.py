"""What only a lab has: a clock to set, failures on demand, an account to empty, and mail that nobody gets."""

from typing import Any

from .calls import Call, Handler
from .clock import Clock
from .documents import Documents
from .faults import Faults
from .watch import Watch


def table(clock: Clock, faults: Faults, documents: Documents, watch: Watch) -> list[tuple[str, str, Handler]]:
    """The routes under /lab."""

    def set_clock(call: Call) -> dict[str, Any]:
        clock.set(call.body)
        return clock.shown()

    def reset(call: Call) -> None:
        for forget in (faults.clear, documents.clear, watch.forget):
            forget()

    return [
        ("GET", "/lab/clock", lambda call: clock.shown()),
        ("PUT", "/lab/clock", set_clock),
        ("POST", "/lab/faults", lambda call: faults.add(call.body)),
        ("DELETE", "/lab/faults", lambda call: faults.clear()),
        ("POST", "/lab/reset", reset),
        ("POST", "/lab/evaluate", lambda call: watch.evaluate()),
        ("GET", "/lab/mailbox", lambda call: {"messages": documents.all("mail")}),
        ("DELETE", "/lab/mailbox", lambda call: documents.clear("mail")),
    ]
