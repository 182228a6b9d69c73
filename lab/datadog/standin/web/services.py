"""Services by their traces: how busy, how faulty and how slow each is, its resources, and one trace as a waterfall."""

import json
from typing import Any

from module_utils._query.metric import Modifier, Query, Series
from module_utils._query.scope import And, Tag
from starlette.requests import Request

from ..api.calls import on
from ..errors import Refused
from ..graph.model import chart
from ..graph.units import SECONDS
from ..query import spans
from ..query.evaluate import evaluate
from ..wire.bodies import Json
from .site import Pages, span

_MOST_TRACES = 25
_SERVICES_COLOURED = 10


class Services(Pages):
    @on("GET", "/services")
    def every(self, request: Request) -> tuple[str, Json]:
        start, end = span(request, self.clock.now())
        rows = spans.services(self.store, start, end)
        return "services.html", {"rows": rows, "seconds": end - start}

    @on("GET", "/services/{service:path}")
    def one(self, request: Request) -> tuple[str, Json]:
        name, host = request.path_params["service"], request.query_params.get("host", "")
        start, end = span(request, self.clock.now())
        operations = [row for row in spans.services(self.store, start, end, host=host) if row["service"] == name]
        searched = " ".join(f"{key}:{json.dumps(value)}" for key, value in (("service", name), ("host", host)) if value)
        if not operations and not any(row["service"] == name for row in spans.services(self.store, 0, end)):
            raise Refused(404, "There is no such service")
        return "service.html", {
            "name": name,
            "operations": operations,
            "charts": self._charts(operations[0], host, start, end) if operations else [],
            "resources": spans.resources(self.store, name, start, end, host=host),
            "traces": spans.traces(self.store, searched, start, end, _MOST_TRACES),
            "seconds": end - start,
        }

    @on("GET", "/trace/{id}")
    def trace(self, request: Request) -> tuple[str, Json]:
        rows = spans.waterfall(self.store.trace(request.path_params["id"]))
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

    def _charts(self, operation: Json, host: str, start: int, end: int) -> list[tuple[str, Json]]:
        metric = f"trace.{operation['operation']}"
        # The name of a host may be one that no query can be written with.
        tags = [*(f"{key}:{operation[key]}" for key in ("service", "env")), *([f"host:{host}"] if host else [])]
        scope, counted = And(tuple(map(Tag, tags))), (Modifier("as_count"),)
        counts = {what: Series(f"{metric}.{what}", scope, "sum", (), counted) for what in ("hits", "errors")}
        latencies = {how: Series(metric, scope, how) for how in ("p50", "p95", "p99")}

        def drawn(asked: dict[str, Series], style: str, **axis: Any) -> Json:
            answers = evaluate(Query(tuple(asked.values())), self.store, start, end)
            named = zip(answers, asked, strict=True)
            return chart([(line, style, name) for lines, name in named for line in lines], start, end, **axis)

        return [("Requests and errors", drawn(counts, "bars")), ("Latency", drawn(latencies, "line", unit=SECONDS))]
