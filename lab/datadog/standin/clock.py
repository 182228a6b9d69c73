"""The lab's time: real time shifted by an offset, so that tests need not wait for ten minutes or for a Saturday."""

import re
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from zoneinfo import ZoneInfo

from .errors import Refused

# The last second that Datadog's clients can represent.
LATEST = 2**32 - 1
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_RELATIVE = re.compile(r"now(?:-(\d+)([smhdw]))?")


@dataclass
class Clock:
    """The current time for the API and the evaluation of monitors; `offset` is in seconds ahead of real time."""

    offset: float = 0.0

    def now(self) -> float:
        return time.time() + self.offset

    def set(self, wish: Any) -> None:
        """Apply {"now": seconds or ISO 8601}, {"offset": seconds} or {"advance": seconds}. Raises Refused(400)."""
        try:
            ((what, value),) = wish.items()
            offset = {
                "now": lambda: (epoch(value) if isinstance(value, str) else float(value)) - time.time(),
                "offset": lambda: float(value),
                "advance": lambda: self.offset + float(value),
            }[what]()
            datetime.fromtimestamp(time.time() + offset, timezone.utc)
        except (AttributeError, KeyError, OSError, OverflowError, TypeError, ValueError):
            raise Refused(400, "expected one of now (seconds or ISO 8601), offset and advance (seconds)") from None
        self.offset = offset

    def shown(self) -> dict[str, Any]:
        return {"now": iso(self.now()), "epoch": self.now(), "offset": self.offset}


def zone(name: Any, problem: str = "there is no time zone") -> ZoneInfo:
    """Return the time zone with this name. Raises Refused(400) with the message `problem` and the name."""
    try:
        return ZoneInfo(name)
    # The name is sent by clients: a folder or a path outside the database also raises one of these.
    except (KeyError, OSError, TypeError, ValueError):
        raise Refused(400, f"{problem} {name}") from None


def iso(seconds: float, timespec: str = "microseconds") -> str:
    """Format seconds since the epoch as the API does: 2026-01-31T19:00:00.000000+00:00."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec=timespec)


def epoch(text: str) -> float:
    """Return the seconds since the epoch of an ISO 8601 time; UTC without a time zone. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()


def seconds(text: str | None) -> int | None:
    """Return an optional time as in v1: whole seconds since the epoch. Raises ValueError."""
    return None if text is None else int(epoch(text))


def moment(text: str | int | None, now: float, default: float) -> float:
    """Parse a limit of a search: now, now-15m, ISO 8601 or milliseconds. Returns seconds. Raises Refused(400)."""
    if not text:
        return default
    relative = _RELATIVE.fullmatch(str(text))
    try:
        if relative:
            return now - int(relative[1] or 0) * _UNITS[relative[2] or "s"]
        return int(text) / 1000 if str(text).isdecimal() else epoch(str(text).replace(" ", "+"))
    except (OverflowError, ValueError):
        raise Refused(400, f"input_validation_error(Field 'filter' is invalid: {text})") from None
