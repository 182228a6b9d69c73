"""The routes that Agents and clients send to, and those that read what was sent."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from . import apm, decode
from .calls import Call, Handler
from .clock import Clock, seconds
from .decode import Refused, Sample
from .downtimes import Downtimes
from .evaluate import evaluate
from .formulas import read
from .functions import Line
from .store import SOURCES, Host, Store, source_name

# The hosts API shows hosts of the last three hours unless it is told from when, at most a thousand at once.
_HOSTS_SINCE = 3 * 3600
_MOST_HOSTS = 1000
# Seconds after which a silent host is no longer up.
UP = 600
_TAG_METHODS = ("GET", "POST", "PUT", "DELETE")
# What hosts can be sorted by.
_FIELDS = ("name", "apps", "status", "last_reported_time", "cpu", "iowait", "load")


def intake(store: Store, clock: Clock) -> list[tuple[str, str, Handler]]:
    """The routes of the intake. A clock that is ahead lets points come from as far in the future."""
    ok = {"status": "ok"}

    def series(read: Callable[[Any], list[Sample]], answer: dict[str, Any]) -> Handler:
        def keep(call: Call) -> tuple[int, dict[str, Any]]:
            store.add_samples(read(call.body), int(time.time()), clock.now())
            return 202, answer

        return keep

    def traces(call: Call) -> tuple[int, dict[str, Any]]:
        apm.keep(store, call.body, int(time.time()))
        return 202, {}

    def check_run(call: Call) -> tuple[int, dict[str, Any]]:
        now = int(time.time())
        store.add_check_runs(decode.check_runs(call.body, now), now)
        return 202, ok

    def host(call: Call) -> tuple[int, dict[str, Any]]:
        report = decode.host_report(call.body)
        if report is not None:
            store.add_host(report, int(time.time()))
        return 202, ok

    return [
        ("POST", "/api/v1/series", series(decode.series_v1, ok)),
        ("POST", "/api/v2/series", series(decode.series_v2, {"errors": []})),
        *(("POST", f"/api/{name}", series(lambda samples: samples, {})) for name in ("beta/sketches", "v0.2/stats")),
        ("POST", "/api/v0.2/traces", traces),
        ("POST", "/api/v1/check_run", check_run),
        ("POST", "/intake", host),
        ("POST", "/intake/", host),
        # Inventories of packages and checks: nothing in the lab reads them.
        ("POST", "/api/v1/metadata", lambda call: (202, ok)),
        *((method, "/api/v1/validate", lambda call: {"valid": True}) for method in ("GET", "POST")),
    ]


def table(store: Store, downtimes: Downtimes) -> list[tuple[str, str, Handler]]:
    def all_tags(call: Call) -> dict[str, Any]:
        source, all_hosts = call.query.get("source", ""), store.hosts()
        known = {*SOURCES.values(), *(name for host in all_hosts for name in host.tags)}
        if source and source_name(source) not in known:
            raise Refused(404, "Provided source does not exist")
        found: dict[str, list[str]] = {}
        for host in all_hosts:
            for tag in _tags(host, source):
                found.setdefault(tag, []).append(host.name)
        return {"tags": found}

    def active_metrics(call: Call) -> dict[str, Any]:
        since = call.integer("from")
        return {"from": str(since), "metrics": store.metrics(since, call.query.get("host", ""))}

    def metric(call: Call) -> dict[str, Any]:
        found = store.metric_type(call.path["name"])
        if found is None:
            raise Refused(404, f"Metric not found: {call.path['name']}")
        return {"type": found[0], **({"statsd_interval": found[1]} if found[1] else {})}

    def check_runs(call: Call) -> list[dict[str, Any]]:
        # Datadog shows the state of a check only through monitors; this is the stand-in's own way to read it.
        runs = map(asdict, store.check_runs(call.text("host_name"), call.query.get("check", "")))
        return [{"host_name": run.pop("host"), **run} for run in runs]

    def totals(call: Call) -> dict[str, int]:
        now = int(time.time())
        since = call.integer("from", now - _HOSTS_SINCE)
        if since > now:
            raise Refused(400, "The value provided for parameter 'from' is invalid")
        seen = [host.last_reported for host in store.hosts()]
        return {"total_active": sum(at >= since for at in seen), "total_up": sum(at >= now - UP for at in seen)}

    return [
        ("GET", "/api/v1/query", partial(_query, store)),
        ("GET", "/api/v1/hosts", partial(_hosts, store, downtimes)),
        ("GET", "/api/v1/hosts/totals", totals),
        ("GET", "/api/v1/tags/hosts", all_tags),
        *((method, "/api/v1/tags/hosts/{host}", partial(_host_tags, store, method)) for method in _TAG_METHODS),
        ("GET", "/api/v1/metrics", active_metrics),
        ("GET", "/api/v1/metrics/{name}", metric),
        ("GET", "/api/v1/check_run", check_runs),
    ]


# ------------------------------------------------------------------------------------------------------------ query
def _query(store: Store, call: Call) -> dict[str, Any]:
    start, end, text = call.integer("from"), call.integer("to"), call.text("query")
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
def _hosts(store: Store, downtimes: Downtimes, call: Call) -> dict[str, Any]:
    now = int(time.time())
    since = call.integer("from", now - _HOSTS_SINCE)
    with_meta = call.query.get("include_hosts_metadata", "true").lower() != "false"
    words = call.query.get("filter", "")
    found = [host for host in store.hosts() if host.last_reported >= since and host.fits(words)]
    muted = {one["scope"].removeprefix("host:"): one["schedule"].get("end") for one in downtimes.active()}
    shown = [_host(store, host, now, with_meta, muted) for host in found]
    field = call.query.get("sort_field", "name") or "name"
    if field not in _FIELDS:
        raise Refused(400, f"The value provided for parameter 'sort_field' is invalid: {field}")
    down = call.query.get("sort_dir", "").lower() == "desc"
    shown.sort(key=lambda host: {**host, **host["metrics"], "status": host["up"]}[field], reverse=down)
    page = call.paged(shown, "start", "count", 100)[:_MOST_HOSTS]
    totals = {"total_matching": len(found), "total_returned": len(page), "exact_total_matching": True}
    return {"host_list": page, **totals}


def _tags(host: Host, source: str = "") -> list[str]:
    """The tags of a host, of one source where `source` is given."""
    chosen = {source_name(source): host.tags.get(source_name(source), [])} if source else host.tags
    return sorted({tag for tags in chosen.values() for tag in tags})


def _host(store: Store, host: Host, now: int, with_meta: bool, muted: dict[str, str | None]) -> dict[str, Any]:
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
        "is_muted": host.name in muted,
        "mute_timeout": seconds(muted.get(host.name)),
        "tags_by_source": tags,
        "metrics": {
            "cpu": 0.0 if values["cpu.idle"] is None else 100.0 - values["cpu.idle"],
            "iowait": values["cpu.iowait"] or 0.0,
            "load": values["load.15"] or 0.0,
        },
        **({"meta": {**host.meta, "host_id": host.id}} if with_meta else {}),
    }


def _host_tags(store: Store, method: str, call: Call) -> Any:
    name, source = call.path["host"], call.query.get("source", "")
    host = next((host for host in store.hosts() if host.name == name), None)
    if host is None:
        raise Refused(404, "No host matches that host_id")
    if method == "GET":
        return {"host": name, "tags": _tags(host, source)}
    sent = [] if method == "DELETE" else (call.body or {}).get("tags", [])
    if not isinstance(sent, list):
        raise Refused(400, "tags: expected a list")
    store.change_tags(name, source or "users", decode.tags(sent), replace=method != "POST")
    if method == "DELETE":
        return None
    changed = next(host for host in store.hosts() if host.name == name)
    return 201, {"host": name, "tags": _tags(changed, source or "users")}
