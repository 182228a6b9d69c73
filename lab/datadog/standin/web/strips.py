"""Timelines: what runs of a service check said over a span of time, as parts of a strip. Pure."""

import itertools
from collections.abc import Iterable

from ..alert.observe import patience
from ..wire.bodies import CheckRun, Json

STATES = ("OK", "Warn", "Alert", "No Data")
WIDTH = 1000


def strip(runs: Iterable[CheckRun], start: int, end: int) -> list[Json]:
    """Parts {x, width, state, begin, end} from `start` to `end`, of which the whole is WIDTH wide, in order.

    Where nothing was said for long, the state is that of no data.
    """
    ordered = sorted(runs, key=lambda run: run.timestamp)
    lasts = int(patience(ordered[::-1])) if ordered else 0
    found: list[tuple[int, int, str]] = []

    def add(begin: int, finish: int, state: str) -> None:
        begin, finish = max(begin, start), min(finish, end)
        if begin >= finish:
            return
        if found and found[-1][2] == state:
            begin = found.pop()[0]
        found.append((begin, finish, state))

    reached = start
    for run, later in itertools.pairwise([*ordered, None]):
        assert run is not None
        add(reached, run.timestamp, STATES[3])
        reached = min(run.timestamp + lasts, later.timestamp if later else end)
        add(run.timestamp, reached, STATES[run.status])
    add(reached, end, STATES[3])
    size = WIDTH / (end - start)
    return [
        {"x": round((begin - start) * size, 2), "width": round((finish - begin) * size, 2), "state": state,
         "begin": begin, "end": finish}
        for begin, finish, state in found
    ]  # fmt: skip
