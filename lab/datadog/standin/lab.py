"""What only a lab has: a clock to set, failures on demand, an account to empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .calls import Call, Handler
from .clock import Clock
from .faults import Faults


def table(clock: Clock, faults: Faults, resets: Iterable[Callable[[], None]]) -> list[tuple[str, str, Handler]]:
    """The routes under /lab; `resets` are called to drop all objects."""

    def set_clock(call: Call) -> dict[str, Any]:
        clock.set(call.body)
        return clock.shown()

    def reset(call: Call) -> None:
        for forget in (faults.clear, *resets):
            forget()

    return [
        ("GET", "/lab/clock", lambda call: clock.shown()),
        ("PUT", "/lab/clock", set_clock),
        ("POST", "/lab/faults", lambda call: faults.add(call.body)),
        ("DELETE", "/lab/faults", lambda call: faults.clear()),
        ("POST", "/lab/reset", reset),
    ]
