"""Read traces: search and list spans, one trace, the services and their resources.

Source: https://docs.datadoghq.com/api/latest/spans/, .../apm/ and .../apm-trace/; what only Datadog's
pages show is under /lab/apm.
"""

import base64
import itertools
import struct
import time
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import mmh3

from ..clock import LATEST, iso, moment
from ..errors import Refused
from ..query.spans import invalid, resources, search, service_names, waterfall
from ..store.spans import Place, within
from ..wire.bodies import Json
from ..wire.traces import Span
from .calls import Call, Room, after, cursor, on

_SITE = "https://api.datadoghq.com"
_SEARCHED = 15 * 60
_MOST = 1000


class Spans(Room):
    @on("GET", "/api/v2/spans/events")
    def every(self, call: Call) -> Json:
        named = {name: call.query.get(f"filter[{name}]") for name in ("from", "to", "query")}
        page = {name: call.query.get(f"page[{name}]") for name in ("cursor", "limit")}
        return self._page({**named, **page, "sort": call.query.get("sort")})

    @on("POST", "/api/v2/spans/events/search")
    def find(self, call: Call) -> Json:
        sent = ((call.body or {}).get("data") or {}).get("attributes") or {}
        return self._page({**(sent.get("filter") or {}), **(sent.get("page") or {}), "sort": sent.get("sort")})

    @on("GET", "/api/v2/apm/services")
    def services(self, call: Call) -> Json:
        names = service_names(self.store, call.text("filter[env]"))
        metadata = [{"isTraced": True, "isUsm": False} for _ in names]
        id_, attributes = str(uuid.uuid5(uuid.NAMESPACE_URL, _SITE)), {"services": names, "metadata": metadata}
        return {"data": {"id": id_, "type": "services_list", "attributes": attributes}}

    @on("GET", "/api/v2/trace/{id}")
    def trace(self, call: Call) -> Json:
        rows = waterfall(self.store.trace(call.path["id"]))
        if not rows:
            raise Refused(404, {"title": "Not Found", "detail": f"trace {call.path['id']} not found"})
        attributes = {"is_truncated": False, "spans": [_raw(span) for _, span in rows]}
        return {"data": {"id": rows[0][1].trace, "type": "trace", "attributes": attributes}}

    @on("GET", "/lab/apm/resources")
    def lab_resources(self, call: Call) -> list[Json]:
        start, end = _span(call.query, time.time())
        over = max(0, int(start)), min(LATEST, int(end) + 1)
        return resources(self.store, call.text("service"), *over, call.query.get("env", "*"))

    def _page(self, wish: Json) -> Json:
        """Return a page of a search: filter, sort, limit and cursor are None or missing if not given."""
        begun = time.monotonic()
        start, end = _span(wish, time.time())
        if start >= end:
            raise invalid("filter.from,to", "'from' should be anterior to 'to'", 422)
        query, sort, limit = str(wish.get("query") or "*"), wish.get("sort") or "-timestamp", wish.get("limit") or 10
        if sort not in ("timestamp", "-timestamp"):
            raise invalid("sort", "expected timestamp or -timestamp")
        if not (str(limit).isdecimal() and 1 <= int(limit) <= _MOST):
            raise invalid("page.limit", f"expected 1 to {_MOST}")
        newest_first, beyond = sort[0] == "-", _after(wish.get("cursor"))
        found = search(self.store, query, start, end, newest_first=newest_first, after=beyond)
        page = list(itertools.islice(found, int(limit)))
        tags = self.store.host_tags()
        answer: Json = {"data": [_shown(number, span, tags.get(span.host, ())) for number, span in page]}
        if page:
            follows = cursor([page[-1][1].start, page[-1][0]])
            asked = {"filter[from]": round(start * 1000), "filter[query]": query, "filter[to]": round(end * 1000)}
            asked |= {"page[cursor]": follows, "page[limit]": limit, "sort": sort}
            elapsed, id_ = round((time.monotonic() - begun) * 1000), uuid.uuid4().hex
            answer["meta"] = {"elapsed": elapsed, "request_id": id_, "status": "done", "page": {"after": follows}}
            answer["links"] = {"next": f"{_SITE}/api/v2/spans/events?{urlencode(asked)}"}
        return answer


def _span(wish: Json, now: float) -> tuple[float, float]:
    """Return the time range of a search: `from` and `to`, by default the last 15 minutes."""
    return moment(wish.get("from"), now, now - _SEARCHED), moment(wish.get("to"), now, now)


def _after(text: Any) -> Place | None:
    if not text:
        return None
    try:
        start, number = after(text)
        return within(start), within(number)
    except (KeyError, OverflowError, TypeError, ValueError):
        raise invalid("page.cursor", "invalid cursor") from None


def _shown(number: int, span: Span, host_tags: Iterable[str]) -> Json:
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


def _raw(span: Span) -> Json:
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


def _hash(resource: str) -> str:
    """Return Datadog's resource_hash, according to recorded responses."""
    return f"{mmh3.hash64(resource, signed=False)[0]:016x}"


def _public(held: Json) -> Json:
    return {name: value for name, value in held.items() if not name.startswith("_")}


def _stamp(nanoseconds: int) -> str:
    return iso(nanoseconds / 10**9, "milliseconds").replace("+00:00", "Z")


def _nested(flat: Json) -> Json:
    """Convert http.status_code to {"http": {"status_code": ...}}, unless that would hide another value."""
    found: Json = {}
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
