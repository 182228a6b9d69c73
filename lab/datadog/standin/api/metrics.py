"""Metrics and check runs, read back.

Source: https://docs.datadoghq.com/api/latest/metrics/
"""

from dataclasses import asdict, replace

from ..errors import Refused
from ..query.evaluate import evaluate
from ..query.formulas import read
from ..query.functions import Line
from ..wire.bodies import Json
from .calls import Call, Room, on


class Metrics(Room):
    @on("GET", "/api/v1/query")
    def query(self, call: Call) -> Json:
        (start, end), text = call.span("from", "to"), call.text("query")
        asked = read(text)
        answers = evaluate(asked, self.store, start, end)
        series = [shown for index, lines in enumerate(answers) for line in lines for shown in _lines(line, index)]
        by = sorted({key for expression in asked.expressions for key in getattr(expression, "by", ())})
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

    @on("GET", "/api/v1/metrics")
    def active(self, call: Call) -> Json:
        since = call.integer("from")
        return {"from": str(since), "metrics": self.store.metrics(since, call.query.get("host", ""))}

    @on("GET", "/api/v1/metrics/{name}")
    def metric(self, call: Call) -> Json:
        found = self.store.metric_type(call.path["name"])
        if found is None:
            raise Refused(404, f"Metric not found: {call.path['name']}")
        return {"type": found[0], **({"statsd_interval": found[1]} if found[1] else {})}

    @on("GET", "/api/v1/check_run")
    def check_runs(self, call: Call) -> list[Json]:
        """The stand-in's own: Datadog shows the state of a check only through monitors."""
        runs = map(asdict, self.store.check_runs(call.text("host_name"), call.query.get("check", "")))
        return [{"host_name": run.pop("host"), **run} for run in runs]


def _lines(line: Line, index: int) -> list[Json]:
    """A line and, after it, the lower and the upper bound that anomalies() gave it."""
    bounds = zip(("lower", "upper"), line.bounds or (), strict=False)
    return [
        _line(line, index),
        *(_line(replace(line, points=points), index, {"bound": name}) for name, points in bounds),
    ]


def _line(line: Line, index: int, attributes: dict[str, str] | None = None) -> Json:
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
