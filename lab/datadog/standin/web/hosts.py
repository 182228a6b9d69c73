"""Hosts by tag, one host, and how fresh every metric is."""

import itertools
import statistics
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from ..decode import Refused
from ..evaluate import evaluate
from ..formulas import read
from ..store import Host
from .boards import asked_span
from .graphs import chart, label
from .site import Site, freshness

# What the host map is coloured by, unless asked: the first of these that there is.
_COLOURS = ("system.cpu.user", "system.load.1")
# Seconds of data behind a colour, and after which a metric is not offered any more.
_RECENT, _OFFERED = 300, 4 * 3600
_SHADES = 6


def routes(site: Site) -> list[Route]:
    def host_map(request: Request) -> tuple[str, dict[str, Any]]:
        asked, now = request.query_params, site.clock.now()
        everyone = site.store.hosts()
        metrics = site.store.metrics(int(now) - _OFFERED)
        metric = asked.get("metric") or next((name for name in _COLOURS if name in metrics), "")
        values = _values(site, metric, now) if metric in metrics else {}
        chosen = [host for host in everyone if host.fits(asked.get("filter", ""))]
        low, high = (min(values.values(), default=0.0), max(values.values(), default=0.0))
        tiles = [_tile(host, now, values.get(host.name), low, high) for host in chosen]
        keys = {tag.partition(":")[0] for host in everyone for tag in host.every_tag if ":" in tag} - {"host"}
        groups: dict[str, list[dict[str, Any]]] = {}
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

    def one(request: Request) -> tuple[str, dict[str, Any]]:
        name, now = request.path_params["name"], site.clock.now()
        host = next((host for host in site.store.hosts() if host.name == name), None)
        if host is None:
            raise Refused(404, "There is no such host")
        rows = _by_metric(site.store.freshness(host=name), now)
        runs = sorted(site.store.check_runs(name), key=lambda run: (run.check, run.tags))
        meta = {key: value for key, value in host.meta.items() if isinstance(value, (str, int, float))}
        return "host.html", {"host": host, "metrics": rows, "runs": runs, "meta": meta}

    def every_metric(request: Request) -> tuple[str, dict[str, Any]]:
        word = request.query_params.get("filter", "").lower()
        rows = _by_metric(site.store.freshness(), site.clock.now())
        return "metrics.html", {"rows": [row for row in rows if word in row["metric"].lower()], "total": len(rows)}

    def metric(request: Request) -> tuple[str, dict[str, Any]]:
        name, now = request.path_params["name"], site.clock.now()
        found = site.store.freshness(metric=name)
        if not found:
            raise Refused(404, "There is no such metric")
        start, end = asked_span(request, now, 3600)
        (lines,) = evaluate(read(f"avg:{name}{{*}} by {{host}}"), site.store, start, end)
        drawn = chart([(line, "line", label(line)) for line in lines], start, end)
        rows = sorted(found, key=lambda one: (one.host, one.tags))
        return "metric.html", {"name": name, "series": rows, "drawn": drawn}

    return [
        site.page("/", host_map),
        site.page("/hosts/{name:path}", one),
        site.page("/metrics", every_metric),
        site.page("/metrics/{name}", metric),
    ]


def _values(site: Site, metric: str, now: float) -> dict[str, float]:
    """The average of a metric on each host over the last minutes, in one query for all of them."""
    (lines,) = evaluate(read(f"avg:{metric}{{*}} by {{host}}"), site.store, int(now) - _RECENT, int(now) + 1)
    return {line.group[0].removeprefix("host:"): statistics.fmean(line.points.values()) for line in lines}


def _tile(host: Host, now: float, value: float | None, low: float, high: float) -> dict[str, Any]:
    seconds = max(0.0, now - host.last_reported)
    part = (value - low) / (high - low) if value is not None and high > low else 0.0
    return {
        "name": host.name,
        "tags": sorted(host.every_tag),
        "age": seconds,
        "state": freshness(seconds),
        "value": value,
        "shade": None if value is None else min(_SHADES - 1, int(part * _SHADES)),
    }


def _by_metric(series: list[Any], now: float) -> list[dict[str, Any]]:
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
