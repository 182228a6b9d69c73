"""The routes that read what was sent. All of them need the API key and the application key."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import decode
from .access import Keys
from .decode import Refused
from .evaluate import evaluate
from .formulas import read
from .functions import Line
from .intake import read_json
from .store import Host, Store, source_name

# The hosts API shows hosts of the last three hours unless it is told from when, at most a thousand at once.
_HOSTS_SINCE = 3 * 3600
_MOST_HOSTS = 1000
# Seconds after which a silent host is no longer up, and after which a metric is no longer found by a search.
UP = 600
_SEARCHED = 86400
_ORDERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "name": lambda host: host["name"],
    "apps": lambda host: host["apps"],
    "status": lambda host: host["up"],
    "last_reported_time": lambda host: host["last_reported_time"],
    **{name: lambda host, name=name: host["metrics"][name] for name in ("cpu", "iowait", "load")},
}


def routes(store: Store, keys: Keys) -> list[Route]:
    """All routes of the reading side."""

    def reader(answer: Callable[[Request], Any]) -> Callable:
        """A handler that answers with the JSON of what `answer` returns; it runs in a thread."""

        def handle(request: Request) -> Response:
            keys.check(request, application=True)
            return JSONResponse(answer(request))

        return handle

    def all_tags(request: Request) -> dict[str, Any]:
        source = request.query_params.get("source", "")
        found: dict[str, list[str]] = {}
        for host in store.hosts():
            for tag in _tags(host, source):
                found.setdefault(tag, []).append(host.name)
        return {"tags": found}

    async def host_tags(request: Request) -> Response:
        keys.check(request, application=True)
        source = request.query_params.get("source", "")
        name = request.path_params["host"]
        body = await read_json(request) if request.method in ("POST", "PUT") else {}
        return await run_in_threadpool(_host_tags, store, request.method, name, source, body)

    def active_metrics(request: Request) -> dict[str, Any]:
        since = _integer(request, "from")
        return {"from": str(since), "metrics": store.metrics(since, request.query_params.get("host", ""))}

    def metric(request: Request) -> dict[str, Any]:
        found = store.metric_type(request.path_params["name"])
        if found is None:
            raise Refused(404, f"Metric not found: {request.path_params['name']}")
        return {"type": found[0], **({"statsd_interval": found[1]} if found[1] else {})}

    def search(request: Request) -> dict[str, Any]:
        text = _need(request, "q").removeprefix("metrics:")
        names = store.metrics(int(time.time()) - _SEARCHED)
        return {"results": {"metrics": [name for name in names if text in name]}}

    def check_runs(request: Request) -> list[dict[str, Any]]:
        # Datadog shows the state of a check only through monitors; this is the stand-in's own way to read it.
        runs = store.check_runs(_need(request, "host_name"), request.query_params.get("check", ""))
        return [
            {
                "check": run.check,
                "host_name": run.host,
                "status": run.status,
                "timestamp": run.timestamp,
                "message": run.message,
                "tags": list(run.tags),
            }
            for run in runs
        ]

    return [
        Route("/api/v1/query", reader(partial(_query, store))),
        Route("/api/v1/hosts", reader(partial(_hosts, store))),
        Route("/api/v1/tags/hosts", reader(all_tags)),
        Route("/api/v1/tags/hosts/{host}", host_tags, methods=["GET", "POST", "PUT", "DELETE"]),
        Route("/api/v1/metrics", reader(active_metrics)),
        Route("/api/v1/metrics/{name}", reader(metric)),
        Route("/api/v1/search", reader(search)),
        Route("/api/v1/check_run", reader(check_runs)),
        # An account without monitors: nothing here makes one.
        Route("/api/v1/monitor", reader(lambda _request: [])),
    ]


def _need(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not value:
        raise Refused(400, f"The parameter '{name}' is required")
    return value


def _integer(request: Request, name: str, default: int | None = None) -> int:
    text = request.query_params.get(name, "") if default is not None else _need(request, name)
    try:
        value = int(float(text)) if text else default
    except (ValueError, OverflowError):
        value = -1
    if not 0 <= value <= decode.LATEST:
        raise Refused(400, f"The value provided for parameter '{name}' is invalid")
    return value


# ------------------------------------------------------------------------------------------------------------ query
def _query(store: Store, request: Request) -> dict[str, Any]:
    start, end, text = _integer(request, "from"), _integer(request, "to"), _need(request, "query")
    if start >= end:
        raise Refused(400, "The parameter 'from' must be before 'to'")
    query = read(text)
    answers = evaluate(query, store, start, end)
    series = [shown for index, lines in enumerate(answers) for line in lines for shown in _lines(line, index)]
    by = sorted({key for expression in query.expressions for key in getattr(expression, "by", ())})
    return {
        "status": "ok",
        "resp_version": 1,
        "res_type": "time_series",
        "query": text,
        "message": "",
        "from_date": start * 1000,
        "to_date": end * 1000,
        "group_by": by,
        "series": series,
        "times": [],
        "values": [],
    }


def _lines(line: Line, index: int) -> list[dict[str, Any]]:
    """A line and, after it, the lower and the upper bound that anomalies() gave it."""
    bounds = zip(("lower", "upper"), line.bounds or (), strict=False)
    return [
        _line(line, index),
        *(_line(replace(line, points=points), index, {"bound": name}) for name, points in bounds),
    ]


def _line(line: Line, index: int, attributes: dict[str, str] | None = None) -> dict[str, Any]:
    buckets = sorted(line.points)
    return {
        "metric": line.name,
        "display_name": line.name,
        "expression": line.expression,
        "scope": line.scope,
        "tag_set": list(line.group),
        "aggr": line.aggregator,
        "query_index": index,
        "unit": [None, None],
        "attributes": attributes or {},
        "interval": line.interval,
        "length": len(buckets),
        "start": buckets[0] * 1000 if buckets else 0,
        "end": (buckets[-1] + line.interval) * 1000 - 1 if buckets else 0,
        "pointlist": [[bucket * 1000.0, line.points[bucket]] for bucket in buckets],
    }


# ------------------------------------------------------------------------------------------------------------ hosts
def _hosts(store: Store, request: Request) -> dict[str, Any]:
    now = int(time.time())
    since = _integer(request, "from", now - _HOSTS_SINCE)
    with_meta = request.query_params.get("include_hosts_metadata", "true").lower() != "false"
    found = [
        host
        for host in store.hosts()
        if host.last_reported >= since and _chosen(host, request.query_params.get("filter", ""))
    ]
    shown = [_host(store, host, now, with_meta) for host in found]
    field = request.query_params.get("sort_field", "name") or "name"
    if field not in _ORDERS:
        raise Refused(400, f"The value provided for parameter 'sort_field' is invalid: {field}")
    shown.sort(key=_ORDERS[field], reverse=request.query_params.get("sort_dir", "asc").lower() == "desc")
    start = _integer(request, "start", 0)
    shown = shown[start : start + min(_MOST_HOSTS, _integer(request, "count", 100))]
    return {
        "host_list": shown,
        "total_matching": len(found),
        "total_returned": len(shown),
        "exact_total_matching": True,
    }


def _chosen(host: Host, text: str) -> bool:
    """Whether every word of a filter is part of the name, an alias or a tag of the host."""
    own = [host.name, f"host:{host.name}", *host.aliases, *_tags(host)]
    return all(any(word.lower() in item.lower() for item in own) for word in text.replace(",", " ").split())


def _tags(host: Host, source: str = "") -> list[str]:
    """The tags of a host, of one source where `source` is given."""
    chosen = {source_name(source): host.tags.get(source_name(source), [])} if source else host.tags
    return sorted({tag for tags in chosen.values() for tag in tags})


def _host(store: Store, host: Host, now: int, with_meta: bool) -> dict[str, Any]:
    metrics = store.metrics(now - _HOSTS_SINCE, host.name)
    # An integration is known by the first part of its metrics' names.
    apps = {name.split(".")[0] for name in metrics if "." in name} - {"system", "datadog"}
    values = {name: store.newest(f"system.{name}", host.name) for name in ("cpu.idle", "cpu.iowait", "load.15")}
    tags = {**host.tags, "Datadog": [*host.tags.get("Datadog", []), f"host:{host.name}"]}
    return {
        "id": host.id,
        "name": host.name,
        "host_name": host.name,
        "aliases": [host.name, *host.aliases],
        "apps": sorted(apps | ({"agent"} if host.meta else set())),
        "sources": ["agent"],
        "up": now - host.last_reported <= UP,
        "last_reported_time": host.last_reported,
        "is_muted": False,
        "mute_timeout": None,
        "tags_by_source": tags,
        "metrics": {
            "cpu": 0.0 if values["cpu.idle"] is None else 100.0 - values["cpu.idle"],
            "iowait": values["cpu.iowait"] or 0.0,
            "load": values["load.15"] or 0.0,
        },
        **({"meta": {**host.meta, "host_id": host.id}} if with_meta else {}),
    }


def _host_tags(store: Store, method: str, name: str, source: str, body: Any) -> Response:
    host = next((host for host in store.hosts() if host.name == name), None)
    if host is None:
        raise Refused(404, f"Host not found: {name}")
    if method == "GET":
        return JSONResponse({"host": name, "tags": _tags(host, source)})
    sent = body.get("tags", []) if isinstance(body, dict) else None
    if not isinstance(sent, list):
        raise Refused(400, "tags: expected a list")
    store.change_tags(name, source or "users", decode.tags(sent), replace=method != "POST")
    if method == "DELETE":
        return Response(status_code=204)
    changed = next(host for host in store.hosts() if host.name == name)
    return JSONResponse({"host": name, "tags": _tags(changed, source or "users")}, status_code=201)
