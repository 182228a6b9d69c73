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

    def add_fault(call: Call) -> tuple[int, None]:
        faults.add(call.body)
        return 204, None

    def clear_faults(call: Call) -> tuple[int, None]:
        faults.clear()
        return 204, None

    def reset(call: Call) -> tuple[int, None]:
        faults.clear()
        for forget in resets:
            forget()
        return 204, None

    return [
        ("GET", "/lab/clock", lambda call: clock.shown()),
        ("PUT", "/lab/clock", set_clock),
        ("POST", "/lab/faults", add_fault),
        ("DELETE", "/lab/faults", clear_faults),
        ("POST", "/lab/reset", reset),
    ]
