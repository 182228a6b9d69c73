"""Hosts by tag, one host, and how fresh every metric is."""

import itertools
import statistics
from typing import Any

from starlette.requests import Request

from ..api.calls import on
from ..errors import Refused
from ..graph.model import chart, label
from ..graph.units import of_metric
from ..query.evaluate import evaluate
from ..query.formulas import read
from ..store.hosts import Host
from ..wire.bodies import Json
from .site import Pages, freshness, span

# What the host map is coloured by, unless asked: the first of these that there is.
_COLOURS = ("system.cpu.user", "system.load.1")
# Seconds of data behind a colour, and after which a metric is not offered any more.
_RECENT, _OFFERED = 300, 4 * 3600
_SHADES = 6


class Hosts(Pages):
    @on("GET", "/")
    def host_map(self, request: Request) -> tuple[str, Json]:
        asked, now = request.query_params, self.clock.now()
        everyone = self.store.hosts()
        metrics = self.store.metrics(int(now) - _OFFERED)
        metric = asked.get("metric") or next((name for name in _COLOURS if name in metrics), "")
        values = self._values(metric, now) if metric in metrics else {}
        chosen = [host for host in everyone if host.fits(asked.get("filter", ""))]
        full = of_metric(metric).full
        # The same colour is the same percentage at all times; other values are compared with each other.
        low, high = (0.0, full) if full else (min(values.values(), default=0.0), max(values.values(), default=0.0))
        tiles = [_tile(host, now, values.get(host.name), low, high) for host in chosen]
        keys = {tag.partition(":")[0] for host in everyone for tag in host.every_tag if ":" in tag} - {"host"}
        groups: dict[str, list[Json]] = {}
        by = asked.get("group", "")
        for tile in tiles:
            own = [tag for tag in tile["tags"] if tag.startswith(f"{by}:")] if by else [""]
            for tag in own or [f"{by}: none"]:
                groups.setdefault(tag, []).append(tile)
        counts = {word: sum(tile["state"] == word for tile in tiles) for word in ("fresh", "late", "silent")}
        return "hosts.html", {
            "groups": sorted(groups.items()),
            "tiles": tiles,
            "total": len(everyone),
            "counts": counts,
            "keys": sorted(keys),
            "tags": sorted({tag for host in everyone for tag in host.every_tag}),
            "metrics": metrics,
            "metric": metric,
            "scale": (low, high) if values else None,
        }

    @on("GET", "/hosts/{name:path}")
    def one(self, request: Request) -> tuple[str, Json]:
        name, now = request.path_params["name"], self.clock.now()
        host = self.store.host(name)
        if host is None:
            raise Refused(404, "There is no such host")
        rows = _by_metric(self.store.freshness(host=name), now)
        runs = sorted(self.store.check_runs(name), key=lambda run: (run.check, run.tags))
        meta = {key: value for key, value in host.meta.items() if isinstance(value, (str, int, float))}
        return "host.html", {"host": host, "metrics": rows, "runs": runs, "meta": meta}

    @on("GET", "/metrics")
    def every_metric(self, request: Request) -> tuple[str, Json]:
        word = request.query_params.get("filter", "").lower()
        rows = _by_metric(self.store.freshness(), self.clock.now())
        return "metrics.html", {"rows": [row for row in rows if word in row["metric"].lower()], "total": len(rows)}

    @on("GET", "/metrics/{name}")
    def metric(self, request: Request) -> tuple[str, Json]:
        name, now = request.path_params["name"], self.clock.now()
        found = self.store.freshness(metric=name)
        if not found:
            raise Refused(404, "There is no such metric")
        start, end = span(request, now)
        (lines,) = evaluate(read(f"avg:{name}{{*}} by {{host}}"), self.store, start, end)
        drawn = chart([(line, "line", label(line)) for line in lines], start, end)
        rows = sorted(found, key=lambda one: (one.host, one.tags))
        return "metric.html", {"name": name, "series": rows, "drawn": drawn}

    def _values(self, metric: str, now: float) -> dict[str, float]:
        """The average of a metric on each host over the last minutes, in one query for all of them."""
        (lines,) = evaluate(read(f"avg:{metric}{{*}} by {{host}}"), self.store, int(now) - _RECENT, int(now) + 1)
        return {line.group[0].removeprefix("host:"): statistics.fmean(line.points.values()) for line in lines}


def _tile(host: Host, now: float, value: float | None, low: float, high: float) -> Json:
    seconds = max(0.0, now - host.last_reported)
    part = max(0.0, (value - low) / (high - low)) if value is not None and high > low else 0.0
    return {
        "name": host.name,
        "tags": sorted(host.every_tag),
        "age": seconds,
        "state": freshness(seconds),
        "value": value,
        "shade": None if value is None else min(_SHADES - 1, int(part * _SHADES)),
    }


def _by_metric(series: list[Any], now: float) -> list[Json]:
    """A row for each metric: its series, its hosts, and how old the newest point of the freshest and the stalest is."""
    rows = []
    for name, some in itertools.groupby(sorted(series, key=lambda one: one.metric), lambda one: one.metric):
        own = sorted(some, key=lambda one: one.time)
        newest = {one.host: one for one in own}
        stalest, freshest = min(newest.values(), key=lambda one: one.time), own[-1]
        rows.append(
            {
                "metric": name,
                "type": freshest.type,
                "interval": freshest.interval,
                "series": len(own),
                "hosts": len(newest),
                "value": freshest.value,
                "newest": max(0.0, now - freshest.time),
                "oldest": max(0.0, now - stalest.time),
                "stalest": stalest.host,
            }
        )
    return rows
