"""Endpoints that only the lab has: set the clock, failures on demand, empty the account, and the mailbox."""

from ..wire.bodies import Json
from .calls import Call, Room, on


class Lab(Room):
    @on("GET", "/lab/clock")
    def read_clock(self, call: Call) -> Json:
        return self.clock.shown()

    @on("PUT", "/lab/clock")
    def set_clock(self, call: Call) -> Json:
        self.clock.set(call.body)
        return self.clock.shown()

    @on("POST", "/lab/faults")
    def add_fault(self, call: Call) -> None:
        self.faults.add(call.body)

    @on("DELETE", "/lab/faults")
    def clear_faults(self, call: Call) -> None:
        self.faults.clear()

    @on("POST", "/lab/reset")
    def reset(self, call: Call) -> None:
        for forget in (self.faults.clear, self.documents.clear, self.watch.forget):
            forget()

    @on("POST", "/lab/evaluate")
    def evaluate(self, call: Call) -> None:
        self.watch.evaluate()

    @on("GET", "/lab/mailbox")
    def read_mailbox(self, call: Call) -> Json:
        return {"messages": self.mailbox.all()}

    @on("DELETE", "/lab/mailbox")
    def clear_mailbox(self, call: Call) -> None:
        self.mailbox.clear()
