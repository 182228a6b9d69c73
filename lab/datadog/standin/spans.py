"""What is read of traces: spans found and listed, one trace, the services and their resources.

Source: https://docs.datadoghq.com/api/latest/spans/, .../apm/ and .../apm-trace/; what Datadog shows on its
pages only is under /lab/apm.
"""

import base64
import json
import struct
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

import mmh3

from . import apm, lucene, sketches
from .apm import Span
from .calls import Call, Handler, after, cursor
from .clock import iso
from .decode import LATEST, Refused, tag
from .events import moment
from .lucene import Test

_SITE = "https://api.datadoghq.com"
_SEARCHED = 15 * 60
_MOST = 1000
_AT_A_TIME = 500
_PERCENTILES = ("p50", "p75", "p90", "p95", "p99")
# What of a span the reserved keys of a search name.
_RESERVED: dict[str, Callable[[Span], list[str]]] = {
    "service": lambda span: [span.service],
    "env": lambda span: [span.env],
    "version": lambda span: [span.version],
    "host": lambda span: [span.host],
    "operation_name": lambda span: [span.name],
    "resource_name": lambda span: [span.resource],
    "type": lambda span: [span.type],
    "status": lambda span: ["error" if span.error else "ok"],
    "span_id": lambda span: [str(span.span)],
    "parent_id": lambda span: [str(span.parent)],
    "trace_id": lambda span: [span.trace, str(int(span.trace[16:], 16))],
    "@duration": lambda span: [str(span.duration)],
    "": lambda span: [span.service, span.name, span.resource],
}


def search(
    store: Any, test: Test, start: float, end: float, *, newest_first: bool = True, after: tuple[int, int] | None = None
) -> Iterator[tuple[int, Span]]:
    """(number, span) of those that `test` takes of start <= their start <= end, beyond `after` (start, number).

    Times are in seconds since the epoch; `after`, as `Span.start`, is in nanoseconds.
    """
    low, high = _within(start * 10**9), _within(end * 10**9)
    way, beyond = ("DESC", "<") if newest_first else ("ASC", ">")
    at, id_ = after or ((high, 2**63 - 1) if newest_first else (low, -1))
    while True:
        low, high = (low, min(high, at)) if newest_first else (max(low, at), high)
        rows = store.read(
            f"SELECT start, id, body FROM span WHERE start BETWEEN ? AND ? AND (start <> ? OR id {beyond} ?) "
            f"ORDER BY start {way}, id {way} LIMIT {_AT_A_TIME}",
            *(low, high, at, id_),
        )
        for _, number, body in rows:
            span = apm.loaded(body)
            if test(span):
                yield number, span
        if len(rows) < _AT_A_TIME:
            return
        at, id_ = rows[-1][:2]


def traces(store: Any, query: str, start: float, end: float, most: int = 20) -> list[dict[str, Any]]:
    """The newest traces with a span that `query` finds, by their first spans. Raises Refused(400)."""
    found: dict[str, dict[str, Any]] = {}
    for _, span in search(store, _parse(query, _tags_of(store)), start, end):
        if span.trace not in found:
            rows = apm.waterfall(apm.trace(store, span.trace))
            spans, root = [one for _, one in rows], rows[0][1]
            begun = min(one.start for one in spans)
            found[span.trace] = {
                **{name: getattr(root, name) for name in ("trace", "service", "name", "resource", "env", "host")},
                "start": begun,
                "duration": max(one.end for one in spans) - begun,
                "spans": len(spans),
                "errors": sum(one.error for one in spans),
                "services": sorted({one.service for one in spans}),
            }
        if len(found) == most:
            break
    return list(found.values())


def services(store: Any, start: int, end: int, env: str = "*") -> list[dict[str, Any]]:
    """Each service, environment and operation that had traffic, busiest first; latencies in seconds."""
    return _traffic(store, ("service", "env"), {"env": env}, start, end)


def resources(store: Any, service: str, start: int, end: int, env: str = "*") -> list[dict[str, Any]]:
    """The same for each resource of one service, named as the tag resource_name is."""
    return _traffic(store, ("service", "env", "resource_name"), {"service": service, "env": env}, start, end)


def _traffic(store: Any, keys: tuple[str, ...], only: dict[str, str], start: int, end: int) -> list[dict[str, Any]]:
    groups: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    for id_, operation, errors, own in _series(store, only):
        groups.setdefault((operation, *(own.get(key, "") for key in keys)), ([], []))[errors].append(id_)
    found = []
    for (operation, *values), (latencies, failed) in groups.items():
        # One bucket is as long as all of time.
        over = (start, end, LATEST)
        exact = {how: sketches.points(store, latencies, *over, how).get(0) for how in ("count", "avg", "max")}
        if exact["count"]:
            named = {"operation": operation, **dict(zip(keys, values, strict=True)), "hits": exact.pop("count")}
            failures = sum(sum(one.values()) for one in store.buckets(failed, *over, "sum").values())
            said = sketches.percentiles(store, latencies, *over, _PERCENTILES).get(0, {})
            found.append({**named, "errors": failures, **exact, **said})
    return sorted(found, key=lambda one: -one["hits"])


def _series(store: Any, only: dict[str, str]) -> Iterator[tuple[int, str, bool, dict[str, str]]]:
    """(id, operation, whether it counts errors rather than latencies, tags) of what stats have made."""
    for id_, metric, kind, tags in store.read(
        "SELECT id, metric, type, tags FROM series WHERE metric GLOB 'trace.*' AND "
        "(type = ? AND metric NOT GLOB '*.apdex' OR metric GLOB '*.errors')",
        sketches.TYPE,
    ):
        errors = kind != sketches.TYPE
        own = {key: value for key, _, value in (one.partition(":") for one in json.loads(tags))}
        if all(value == "*" or tag(value) == own.get(key) for key, value in only.items()):
            yield id_, metric.removeprefix("trace.").removesuffix(".errors" if errors else ""), errors, own


# --------------------------------------------------------------------------------------------------------------- API
def table(store: Any) -> list[tuple[str, str, Handler]]:
    def list_spans(call: Call) -> dict[str, Any]:
        named = {name: call.query.get(f"filter[{name}]") for name in ("from", "to", "query")}
        page = {name: call.query.get(f"page[{name}]") for name in ("cursor", "limit")}
        return _page(store, {**named, **page, "sort": call.query.get("sort")})

    def search_spans(call: Call) -> dict[str, Any]:
        sent = ((call.body or {}).get("data") or {}).get("attributes") or {}
        wish = {**(sent.get("filter") or {}), **(sent.get("page") or {}), "sort": sent.get("sort")}
        return _page(store, wish)

    def list_services(call: Call) -> dict[str, Any]:
        names = sorted(
            {own["service"] for *_, own in _series(store, {"env": call.text("filter[env]")}) if "service" in own}
        )
        metadata = [{"isTraced": True, "isUsm": False} for _ in names]
        id_, attributes = str(uuid.uuid5(uuid.NAMESPACE_URL, _SITE)), {"services": names, "metadata": metadata}
        return {"data": {"id": id_, "type": "services_list", "attributes": attributes}}

    def one_trace(call: Call) -> dict[str, Any]:
        rows = apm.waterfall(apm.trace(store, call.path["id"]))
        if not rows:
            raise Refused(404, {"title": "Not Found", "detail": f"trace {call.path['id']} not found"})
        attributes = {"is_truncated": False, "spans": [_raw(span) for _, span in rows]}
        return {"data": {"id": rows[0][1].trace, "type": "trace", "attributes": attributes}}

    def lab_resources(call: Call) -> list[dict[str, Any]]:
        now = time.time()
        start, end = moment(call.query.get("from"), now, now - _SEARCHED), moment(call.query.get("to"), now, now)
        span = max(0, int(start)), min(LATEST, int(end) + 1)
        return resources(store, call.text("service"), *span, call.query.get("env", "*"))

    return [
        ("GET", "/api/v2/spans/events", list_spans),
        ("POST", "/api/v2/spans/events/search", search_spans),
        ("GET", "/api/v2/apm/services", list_services),
        ("GET", "/api/v2/trace/{id}", one_trace),
        ("GET", "/lab/apm/resources", lab_resources),
    ]


def _tags_of(store: Any) -> Any:
    """A function that gives the tags of a host."""
    known: dict[str, set[str]] = {}
    for host, own in store.read("SELECT host, tag FROM host_tag"):
        known.setdefault(host, set()).add(own)
    return lambda host: known.get(host, set())


def _invalid(field: str, why: str, status: int = 400) -> Refused:
    return Refused(status, {"title": "Generic Error", "detail": f"invalid_argument(Field '{field}' is invalid: {why})"})


def _parse(query: str, tags: Callable[[str], Iterable[str]]) -> Test:
    """The test of spans that `query` writes; `tags` gives those of a host. Raises Refused(400)."""

    def values(span: Span, key: str) -> list[str]:
        if key in _RESERVED:
            return _RESERVED[key](span)
        if key[0] == "@":
            return [str(held[key[1:]]) for held in (span.meta, span.metrics) if key[1:] in held]
        return [tag[len(key) + 1 :] for tag in tags(span.host) if tag.startswith(f"{key}:")]

    try:
        return lucene.parse(query, values)
    except ValueError as error:
        raise _invalid("filter.query", str(error)) from None


def _page(store: Any, wish: dict[str, Any]) -> dict[str, Any]:
    """One page of a search: filter, sort, limit and cursor, each None or missing where it was not given."""
    begun, now = time.monotonic(), time.time()
    start, end = moment(wish.get("from"), now, now - _SEARCHED), moment(wish.get("to"), now, now)
    if start >= end:
        raise _invalid("filter.from,to", "'from' should be anterior to 'to'", 422)
    query, sort, limit = str(wish.get("query") or "*"), wish.get("sort") or "-timestamp", wish.get("limit") or 10
    if sort not in ("timestamp", "-timestamp"):
        raise _invalid("sort", "expected timestamp or -timestamp")
    if not (str(limit).isdecimal() and 1 <= int(limit) <= _MOST):
        raise _invalid("page.limit", f"expected 1 to {_MOST}")
    tags_of = _tags_of(store)
    way = {"newest_first": sort[0] == "-", "after": _after(wish.get("cursor"))}
    found = search(store, _parse(query, tags_of), start, end, **way)
    page = [(number, span) for (number, span), _ in zip(found, range(int(limit)), strict=False)]
    answer: dict[str, Any] = {"data": [_shown(number, span, tags_of(span.host)) for number, span in page]}
    if page:
        follows = cursor([page[-1][1].start, page[-1][0]])
        asked = {"filter[from]": round(start * 1000), "filter[query]": query, "filter[to]": round(end * 1000)}
        asked |= {"page[cursor]": follows, "page[limit]": limit, "sort": sort}
        elapsed, id_ = round((time.monotonic() - begun) * 1000), uuid.uuid4().hex
        answer["meta"] = {"elapsed": elapsed, "request_id": id_, "status": "done", "page": {"after": follows}}
        answer["links"] = {"next": f"{_SITE}/api/v2/spans/events?{urlencode(asked)}"}
    return answer


def _after(text: Any) -> tuple[int, int] | None:
    if not text:
        return None
    try:
        start, number = after(text)
        return _within(start), _within(number)
    except (KeyError, OverflowError, TypeError, ValueError):
        raise _invalid("page.cursor", "invalid cursor") from None


def _shown(number: int, span: Span, host_tags: Iterable[str]) -> dict[str, Any]:
    named = {"env": span.env, "service": span.service, "version": span.version}
    own = {f"{name}:{value}" for name, value in {**named, "host": span.host}.items() if value}
    return {
        "id": base64.urlsafe_b64encode(struct.pack(">QQ", number, span.span)).decode().rstrip("="),
        "type": "spans",
        "attributes": {
            "custom": _nested({**_public(span.meta), **_public(span.metrics), "duration": span.duration}),
            "end_timestamp": _stamp(span.end),
            "env": span.env,
            "host": span.host,
            "ingestion_reason": "auto",
            "parent_id": str(span.parent),
            "resource_hash": _hash(span.resource),
            "resource_name": span.resource,
            "retained_by": "retention_filter",
            "service": span.service,
            "single_span": False,
            "span_id": str(span.span),
            "start_timestamp": _stamp(span.start),
            "tags": sorted({*host_tags, *own, "source:apm"}),
            "trace_id": str(int(span.trace[16:], 16)),
            "type": span.type,
        },
    }


def _raw(span: Span) -> dict[str, Any]:
    return {
        **{name: getattr(span, name) for name in ("service", "name", "resource", "type", "duration")},
        "resourceHash": _hash(span.resource),
        "traceID": int(span.trace[16:], 16),
        "traceIDFull": span.trace,
        "spanID": span.span,
        "parentID": span.parent,
        "startTime": span.start,
        "endTime": span.end,
        "error": int(span.error),
        "meta": {**_public(span.meta), "env": span.env},
        "metrics": _public(span.metrics),
    }


def _within(number: float) -> int:
    """The nearest whole number that the database can hold and that is not negative."""
    return max(0, min(round(number), 2**63 - 1))


def _hash(resource: str) -> str:
    """What Datadog gives as resource_hash, by its recorded answers."""
    return f"{mmh3.hash64(resource, signed=False)[0]:016x}"


def _public(held: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in held.items() if not name.startswith("_")}


def _stamp(nanoseconds: int) -> str:
    return iso(nanoseconds / 10**9, "milliseconds").replace("+00:00", "Z")


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    """http.status_code becomes {"http": {"status_code": ...}}; what would hide another value stays as it is."""
    found: dict[str, Any] = {}
    for name, value in sorted(flat.items()):
        *path, last = name.split(".")
        inner: Any = found
        for part in path:
            inner = inner.setdefault(part, {}) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and last not in inner:
            inner[last] = value
        else:
            found[name] = value
    return found
