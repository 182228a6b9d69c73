"""Services by their traces: how busy, how faulty and how slow each is, its resources, and one trace as a waterfall."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from .. import apm, spans
from ..decode import Refused
from ..evaluate import evaluate
from ..formulas import read
from .boards import asked_span
from .graphs import chart
from .site import Site

_MOST_TRACES = 25
_SERVICES_COLOURED = 10


def routes(site: Site) -> list[Route]:
    def every(request: Request) -> tuple[str, dict[str, Any]]:
        start, end = asked_span(request, site.clock.now(), 3600)
        rows = spans.services(site.store, start, end)
        return "services.html", {"rows": rows, "seconds": end - start}

    def one(request: Request) -> tuple[str, dict[str, Any]]:
        name = request.path_params["service"]
        start, end = asked_span(request, site.clock.now(), 3600)
        operations = [row for row in spans.services(site.store, start, end) if row["service"] == name]
        if not operations and not any(row["service"] == name for row in spans.services(site.store, 0, end)):
            raise Refused(404, "There is no such service")
        return "service.html", {
            "name": name,
            "operations": operations,
            "charts": _charts(site, operations[0], start, end) if operations else [],
            "resources": spans.resources(site.store, name, start, end),
            "traces": spans.traces(site.store, f'service:"{name}"', start, end, _MOST_TRACES),
            "seconds": end - start,
        }

    def trace(request: Request) -> tuple[str, dict[str, Any]]:
        rows = apm.waterfall(apm.trace(site.store, request.path_params["id"]))
        if not rows:
            raise Refused(404, "There is no such trace; traces are kept for an hour")
        begin, end = min(span.start for _, span in rows), max(span.end for _, span in rows)
        length = max(1, end - begin)
        services = sorted({span.service for _, span in rows})
        shown = [
            {
                "span": span,
                "depth": depth,
                "left": round(100 * (span.start - begin) / length, 3),
                "width": round(100 * span.duration / length, 3),
                "after": (span.start - begin) / 1e9,
                "colour": services.index(span.service) % _SERVICES_COLOURED,
                "tags": [one for one in sorted({**span.meta, **span.metrics}.items()) if one[0][:1] != "_"],
            }
            for depth, span in rows
        ]
        return "trace.html", {"rows": shown, "begin": begin / 1e9, "length": length / 1e9, "services": services}

    return [
        site.page("/services", every),
        site.page("/services/{service:path}", one),
        site.page("/trace/{id}", trace),
    ]


def _charts(site: Site, operation: dict[str, Any], start: int, end: int) -> list[tuple[str, dict[str, Any]]]:
    metric, scope = f"trace.{operation['operation']}", f"service:{operation['service']},env:{operation['env']}"
    counts = {f"sum:{metric}.{what}{{{scope}}}.as_count()": what for what in ("hits", "errors")}
    latencies = {f"{how}:{metric}{{{scope}}}": how for how in ("p50", "p95", "p99")}

    def drawn(queries: dict[str, str], style: str, **axis: Any) -> dict[str, Any]:
        answers = evaluate(read(", ".join(queries)), site.store, start, end)
        named = zip(answers, queries.values(), strict=True)
        return chart([(line, style, name) for lines, name in named for line in lines], start, end, **axis)

    return [("Requests and errors", drawn(counts, "bars")), ("Latency", drawn(latencies, "line", unit="s"))]
