"""Search and summarize spans: traces as trees, services and their resources as traffic."""

from collections.abc import Callable, Iterable, Iterator

from ..clock import LATEST
from ..errors import Refused
from ..store import Store
from ..store.spans import Place
from ..wire.bodies import Json
from ..wire.traces import Span
from . import lucene

_PERCENTILES = ("p50", "p75", "p90", "p95", "p99")
# Fields of a span for the reserved keys of a search.
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


def invalid(field: str, why: str, status: int = 400) -> Refused:
    """Return an error in the format of span searches."""
    return Refused(status, {"title": "Generic Error", "detail": f"invalid_argument(Field '{field}' is invalid: {why})"})


def search(
    store: Store, query: str, start: float, end: float, *, newest_first: bool = True, after: Place | None = None
) -> Iterator[tuple[int, Span]]:
    """Yield (number, span) that match `query`, with the range and order of Store.spans(). Raises Refused(400)."""
    host_tags = store.host_tags()

    def values(span: Span, key: str) -> list[str]:
        if key in _RESERVED:
            return _RESERVED[key](span)
        if key[0] == "@":
            return [str(held[key[1:]]) for held in (span.meta, span.metrics) if key[1:] in held]
        return [tag[len(key) + 1 :] for tag in host_tags.get(span.host, ()) if tag.startswith(f"{key}:")]

    test = lucene.parse(query, values, lambda why: invalid("filter.query", why))
    return ((number, span) for number, span in store.spans(start, end, newest_first, after) if test(span))


def waterfall(found: Iterable[Span]) -> list[tuple[int, Span]]:
    """Return (depth, span) from the first root down, parents before children; a span without its parent is a root."""
    ordered = sorted(found, key=lambda span: (span.start, -span.duration))
    ids = {span.span for span in ordered}
    below: dict[int, list[Span]] = {}
    for span in ordered:
        below.setdefault(span.parent if span.parent in ids and span.parent != span.span else 0, []).append(span)
    rows: list[tuple[int, Span]] = []
    # Spans in a cycle have no root and come last.
    waiting = [(0, span) for span in [*below.get(0, []), *ordered]][::-1]
    seen: set[int] = set()
    while waiting:
        depth, span = waiting.pop()
        if span.span not in seen:
            seen.add(span.span)
            rows.append((depth, span))
            waiting += [(depth + 1, child) for child in reversed(below.get(span.span, []))]
    return rows


def traces(store: Store, query: str, start: float, end: float, most: int = 20) -> list[Json]:
    """Return the newest traces with a span that matches `query`, by their first spans. Raises Refused(400)."""
    found: dict[str, Json] = {}
    for _, span in search(store, query, start, end):
        if span.trace not in found:
            rows = waterfall(store.trace(span.trace))
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


# ------------------------------------------------------------------------------------------------------------ traffic
def services(store: Store, start: int, end: int, env: str = "*", host: str = "") -> list[Json]:
    """Return each service, environment and operation with traffic, optionally on one host, the busiest first; latencies
    are in seconds.
    """
    return _traffic(store, ("service", "env"), {"env": env, "host": host}, start, end)


def resources(store: Store, service: str, start: int, end: int, env: str = "*", host: str = "") -> list[Json]:
    """Return the same for each resource of a service, named by the tag resource_name."""
    only = {"service": service, "env": env, "host": host}
    return _traffic(store, ("service", "env", "resource_name"), only, start, end)


def service_names(store: Store, env: str) -> list[str]:
    """Return every service that has sent stats from an environment, "*" for any."""
    return sorted({series.tags["service"] for series in store.traced(env=env) if "service" in series.tags})


def _traffic(store: Store, keys: tuple[str, ...], only: dict[str, str], start: int, end: int) -> list[Json]:
    groups: dict[tuple[str, ...], tuple[list[int], list[int]]] = {}
    for series in store.traced(**only):
        group = (series.operation, *(series.tags.get(key, "") for key in keys))
        groups.setdefault(group, ([], []))[series.errors].append(series.id)
    found = []
    for (operation, *values), (latencies, failed) in groups.items():
        # A single bucket for all time.
        over = (start, end, LATEST)
        exact = {how: store.distribution(latencies, *over, how).get(0) for how in ("count", "avg", "max")}
        if exact["count"]:
            named = {"operation": operation, **dict(zip(keys, values, strict=True)), "hits": exact.pop("count")}
            failures = sum(sum(one.values()) for one in store.buckets(failed, *over, "sum").values())
            said = store.percentiles(latencies, *over, _PERCENTILES).get(0, {})
            found.append({**named, "errors": failures, **exact, **said})
    return sorted(found, key=lambda one: -one["hits"])
