"""Writes the data of a fleet that has reported for some hours directly to the stand-in's database."""

from __future__ import annotations

import importlib
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
bodies, store = (importlib.import_module(f"standin.{name}") for name in ("wire.bodies", "store"))

EVERY = 15
# The last minutes of an hour, in which MySQL is unusually busy, for the band of anomalies.
_BUSY = 300
_PLAIN = ("system.cpu.user", "system.load.1", "system.mem.used", "system.net.bytes_rcvd", "system.uptime")


def fill(folder: Path, hosts: int, hours: float, now: int, *, metrics: int = len(_PLAIN)) -> Any:
    """Fill `folder`/datadog.sqlite with hosts, with a point every 15 seconds (my_metric: 45), and return the store.

    The last host has been silent for 20 minutes; every third has MySQL; `metrics` is the number of other metrics.
    """
    made = store.Store(folder, retention=86400)
    names = [*_PLAIN, *(f"app.worker.metric_{number}" for number in range(metrics - len(_PLAIN)))][:metrics]
    for index in range(hosts):
        chance, name = random.Random(index), f"web-{index + 1:02}"
        end = now - 1200 if index == hosts - 1 and index else now - index % 15
        tags = ["env:lab", f"role:{'db' if index % 3 == 0 else 'web'}", f"zone:{'abc'[index % 3]}"]
        report = bodies.HostReport(name=name, tags={"system": tags}, aliases=[f"i-{index:04}"], meta={"os": "linux"})
        made.add_samples(_samples(name, index, names, int(now - hours * 3600), end, chance), now)
        made.add_host(report, end)
        status = 2 if index == 4 else 0
        up = bodies.CheckRun("datadog.agent.up", name, (), 0, end, "")
        # The fifth host's server stopped 15 minutes ago.
        runs = [
            bodies.CheckRun("mysql.can_connect", name, ("port:3306",), status if ts > end - 900 else 0, ts, "")
            for ts in range(end, end - 3600, -60)
        ]
        made.add_check_runs([up, *runs], now)
    return made


def _samples(name: str, index: int, names: list[str], start: int, end: int, chance: random.Random) -> Iterator[Any]:
    for number, metric in enumerate(names):
        middle = 20 + 15 * ((index + number) % 5)
        points = {
            ts: middle + 8 * math.sin(ts / 1800 + index) + chance.uniform(-4, 4) for ts in range(start, end, EVERY)
        }
        yield bodies.Sample(bodies.Key(metric, name, ()), "gauge", EVERY, points)
    mine = {ts: chance.uniform(0, 1000) for ts in range(start, end, 45)}
    yield bodies.Sample(bodies.Key("my_metric", name, ("env:lab",)), "gauge", 45, mine)
    if index % 3 == 0:
        busy = {ts: chance.gauss(10, 1) + 25 * (end - _BUSY < ts < end - 60) for ts in range(start, end, EVERY)}
        yield bodies.Sample(bodies.Key("mysql.performance.user_time", name, ()), "gauge", EVERY, busy)
