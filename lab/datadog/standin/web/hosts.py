"""Hosts by tag, one host, and how fresh every metric is."""

import itertools
import json
import re
import statistics
from typing import Any
from urllib.parse import quote

from module_utils._query.metric import Query, Series
from module_utils._query.scope import Tag
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..alert.observe import stale
from ..api.calls import on
from ..errors import Refused
from ..graph.model import chart, label
from ..graph.tables import shade
from ..graph.units import of_metric
from ..query import spans
from ..query.evaluate import evaluate
from ..query.formulas import read
from ..store.hosts import Host
from ..wire.bodies import Json
from .site import WORST, Pages, freshness, span
from .strips import strip

# What the host map is coloured by, unless asked: the first of these that there is.
_COLOURS = ("system.cpu.user", "system.load.1")
# Seconds of data behind a colour, and after which a metric is not offered any more.
_RECENT, _OFFERED = 300, 4 * 3600
# What a host's page draws, where the host sends it: title, style and metrics.
_CHARTS = (
    ("CPU", "area", ("system.cpu.user", "system.cpu.system", "system.cpu.iowait")),
    ("Memory", "line", ("system.mem.used", "system.mem.total")),
    ("Load", "line", ("system.load.1", "system.load.5", "system.load.15")),
    ("MySQL queries", "line", ("mysql.performance.queries", "mysql.performance.slow_queries")),
)
# Metrics that come with an Agent, an integration or a tracer; of all others, this many are drawn too.
_KNOWN = re.compile(r"(system|mysql|datadog|ntp|trace)\.")
_MOST_OWN = 2
_MOST_TRACES, _TRACED, _MOST_RUNS = 10, 3600, 500


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

    # Where Datadog has its list of hosts.
    @on("GET", "/infrastructure")
    def moved(self, request: Request) -> Response:
        asked = request.query_params.get("filter", "")
        return RedirectResponse(f"/hosts/{quote(asked)}" if self.store.host(asked) else f"/?filter={quote(asked)}")

    @on("GET", "/hosts/{name:path}")
    def one(self, request: Request) -> tuple[str, Json]:
        name, now = request.path_params["name"], self.clock.now()
        host = self.store.host(name)
        if host is None:
            raise Refused(404, "There is no such host")
        start, end = span(request, now)
        rows = _by_metric(self.store.freshness(host=name), now)
        traces = spans.traces(self.store, "host:" + json.dumps(name), now - _TRACED, now, _MOST_TRACES)
        return "host.html", {
            "host": host,
            "charts": self._charts(name, [row["metric"] for row in rows], start, end),
            "monitors": self._monitors(name),
            "boards": [board for board in self.documents.all("dashboard") if _asks_for_host(board)],
            "checks": self._checks(name, start, end),
            "services": sorted({service for trace in traces for service in trace["services"]}),
            "traces": traces,
            "metrics": rows,
            "meta": {key: value for key, value in host.meta.items() if isinstance(value, (str, int, float))},
        }

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
        host = request.query_params.get("host", "")
        scope = Tag(f"host:{host}" if host else "*")
        (lines,) = evaluate(Query((Series(name, scope, "avg", ("host",)),)), self.store, start, end)
        drawn = chart([(line, "line", label(line)) for line in lines], start, end)
        rows = sorted((one for one in found if host in ("", one.host)), key=lambda one: (one.host, one.tags))
        return "metric.html", {"name": name, "series": rows, "drawn": drawn}

    # --------------------------------------------------------------------------------------------------- one host
    def _charts(self, name: str, sent: list[str], start: int, end: int) -> list[tuple[str, Json]]:
        """(title, chart) of what is looked at first on a host that sends these metrics, and of its own ones."""
        # Those without a dot are most likely what somebody wrote here.
        own = sorted((one for one in sent if not _KNOWN.match(one)), key=lambda one: ("." in one, one))[:_MOST_OWN]
        found = []
        for title, style, metrics in (*_CHARTS, *((metric, "line", (metric,)) for metric in own)):
            series = [Series(metric, Tag(f"host:{name}"), "avg") for metric in metrics if metric in sent]
            if series:
                answers = evaluate(Query(tuple(series)), self.store, start, end)
                lines = [(line, style, line.name) for lines in answers for line in lines]
                found.append((title, chart(lines, start, end)))
        return found

    def _monitors(self, name: str) -> list[Json]:
        """The groups of monitors that are this host's, the worst first."""
        found = [
            {"id": monitor["id"], "monitor": monitor["name"], **group}
            for monitor in self.monitors.all()
            for group in self.monitors.state(monitor["id"])["groups"].values()
            if f"host:{name}" in group["name"].split(",")
        ]
        return sorted(found, key=lambda one: (WORST.index(one["status"]), one["monitor"].lower()))

    def _checks(self, name: str, start: int, end: int) -> list[Json]:
        """The newest run of each check and its tags, with a timeline of those in the span."""
        streams, now = self.store.check_streams(name, most=_MOST_RUNS), self.clock.now()
        return [{"run": some[0], "stale": stale(some, now), "parts": strip(some, start, end)} for some in streams]

    def _values(self, metric: str, now: float) -> dict[str, float]:
        """The average of a metric on each host over the last minutes, in one query for all of them."""
        (lines,) = evaluate(read(f"avg:{metric}{{*}} by {{host}}"), self.store, int(now) - _RECENT, int(now) + 1)
        return {line.group[0].removeprefix("host:"): statistics.fmean(line.points.values()) for line in lines}


def _tile(host: Host, now: float, value: float | None, low: float, high: float) -> Json:
    seconds = max(0.0, now - host.last_reported)
    return {
        "name": host.name,
        "tags": sorted(host.every_tag),
        "age": seconds,
        "state": freshness(seconds),
        "value": value,
        "shade": None if value is None else shade(value, low, high),
    }


def _asks_for_host(board: Json) -> bool:
    """Whether a dashboard has a template variable for the host."""
    return any(variable.get("prefix") == "host" for variable in board.get("template_variables") or ())


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
