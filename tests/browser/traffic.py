"""Stats and traces of a shop with a database, as an Agent sends them."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

# The bodies come from the intake's tests.
sys.path.append(str(Path(__file__).parents[1] / "unit"))
import apm_payloads as apm

# The trace ID with an error, in hexadecimal.
FAILED = f"{5:032x}"
_QUERY = "SELECT name, price FROM goods WHERE id = ?"


def bodies(now: int) -> Iterator[tuple[str, bytes]]:
    """Yield (path, body) for an hour of stats and a dozen traces."""
    chance = random.Random(1)
    for start in range(now // 60 * 60 - 3600, now - 60, 60):
        for resource, busy, slow in (("GET /", 30, 0.02), ("GET /api/trace", 8, 0.2)):
            failed = [slow] * (chance.random() < 0.3)
            well = [slow * chance.lognormvariate(0, 0.5) for _request in range(busy)]
            web = apm.group(well, failed, Resource=resource)
            database = apm.group(
                [one * 0.6 for one in well], Service="shop-db", Name="mysql.query", Resource=_QUERY, Type="sql",
                HTTPStatusCode=0,
            )  # fmt: skip
            yield "/api/v0.2/stats", apm.agent_stats(apm.client_stats(start, web, database, Hostname="web-01"))
    for number in range(1, 13):
        begin = now - 30 * number
        broken = int(number == 5)
        told = {"http.method": "GET", "http.url": "http://shop/api/trace?<b>", "_dd.p.dm": "-0"}
        shared = {"traceID": number, "resource": "GET /api/trace"}
        inner = {"service": "shop-db", "name": "mysql.query", "resource": _QUERY, "type": "sql", "traceID": number}
        yield "/api/v0.2/traces", apm.trace(
            apm.span(**shared, spanID=1, start=begin, duration=0.2, error=broken, meta=told),
            apm.span(**{**shared, "name": "flask.dispatch"}, spanID=2, parentID=1, start=begin + 0.01, duration=0.18),
            apm.span(**inner, spanID=3, parentID=2, start=begin + 0.03, duration=0.06),
            apm.span(**inner, spanID=4, parentID=2, start=begin + 0.1, duration=0.08, error=broken,
                     meta={"error.message": "<i>gone away</i>"} if broken else {}),
            hostname="web-01",
        )  # fmt: skip
