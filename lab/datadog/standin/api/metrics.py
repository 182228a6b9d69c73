"""Read metrics and check runs.

Source: https://docs.datadoghq.com/api/latest/metrics/
"""

from dataclasses import asdict, replace

from ..errors import Refused
from ..query.evaluate import evaluate
from ..query.formulas import read
from ..query.lines import Line
from ..wire.bodies import Json
from .calls import Call, Room, on

# Metadata of a metric. Source: https://docs.datadoghq.com/api/latest/metrics/#edit-metric-metadata
_METADATA = ("description", "per_unit", "short_name", "statsd_interval", "type", "unit")
_TYPES = ("gauge", "count", "rate", "distribution", "histogram", "set")
_SEARCHED = 24 * 3600


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
        name = call.path["name"]
        found, said = self.store.metric_type(name), self.documents.get("metric metadata", name)
        if found is None and said is None:
            raise Refused(404, f"Metric not found: {name}")
        type_, interval = found or ("gauge", 0)
        known = {"type": type_, "statsd_interval": interval or None}
        return {**dict.fromkeys((*_METADATA, "integration")), **known, **(said or {})}

    @on("PUT", "/api/v1/metrics/{name}")
    def describe(self, call: Call) -> Json:
        """Store the metadata of a metric, which need not exist yet. Its points do not change."""
        sent, name = call.object(), call.path["name"]
        if sent.get("type") not in (None, *_TYPES):
            raise Refused(400, "The value provided for parameter 'type' is invalid")
        said = self.documents.get("metric metadata", name) or {}
        self.documents.put("metric metadata", name, {**said, **{key: sent[key] for key in _METADATA if key in sent}})
        return self.metric(call)

    @on("GET", "/api/v1/search")
    def search(self, call: Call) -> Json:
        """Search hosts and metrics by a part of their name; `hosts:` or `metrics:` limits it to one kind."""
        kind, colon, word = call.query.get("q", "").rpartition(":")
        if colon and kind not in ("hosts", "metrics"):
            kind, word = "", call.query["q"]
        found = {
            "metrics": self.store.metrics(int(self.clock.now()) - _SEARCHED),
            "hosts": [host.name for host in self.store.hosts()],
        }
        chosen = {name: [one for one in names if word in one] for name, names in found.items() if kind in ("", name)}
        return {"results": chosen}

    @on("GET", "/api/v1/check_run")
    def check_runs(self, call: Call) -> list[Json]:
        """Only in the stand-in: Datadog shows the state of a check only through monitors."""
        runs = map(asdict, self.store.check_runs(call.text("host_name"), call.query.get("check", "")))
        return [{"host_name": run.pop("host"), **run} for run in runs]


def _lines(line: Line, index: int) -> list[Json]:
    """Yield a line, followed by the lower and upper bound from anomalies()."""
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
