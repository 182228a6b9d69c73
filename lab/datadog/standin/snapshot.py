"""Pictures of graphs: the queried data drawn, for whoever has the address.

Source: https://docs.datadoghq.com/api/latest/snapshots/
"""

from __future__ import annotations

import io
import json
import os
import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import decode
from .calls import Call, Handler
from .decode import Refused
from .documents import Documents
from .evaluate import evaluate
from .events import matches
from .formulas import request_query
from .functions import METHODS, Line
from .store import Store

_DPI = 100
_SIZES = range(80, 4001)
# Pictures kept, newest first.
_MOST = 200
_NAME = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Lines that are named under a graph.
_MOST_LABELS = 12
_VISUALS = ("timeseries", "query_value")


@dataclass
class Graph:
    """What is drawn: `lines` with how each is drawn (line, bars, area) and what it is called, times in seconds."""

    start: int
    end: int
    title: str = ""
    width: int = 800
    height: int = 300
    lines: list[tuple[Line, str, str]] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    limits: list[tuple[float, str]] = field(default_factory=list)
    value: str | None = None


class Snapshots:
    """The pictures, as files beside the database."""

    def __init__(self, store: Store, documents: Documents) -> None:
        self._store = store
        self._documents = documents
        self._folder = store.folder / "snapshots"
        # matplotlib's fonts are not made for several threads.
        self._lock = threading.Lock()
        os.environ.setdefault("MPLCONFIGDIR", str(store.folder / "matplotlib"))

    def table(self) -> list[tuple[str, str, Handler]]:
        """The route that takes a picture."""
        return [("GET", "/api/v1/graph/snapshot", self._take)]

    def route(self) -> Route:
        """The route that shows one, without a key as Datadog does: the address is the secret."""

        def show(request: Request) -> Response:
            name = request.path_params["name"]
            path = self._folder / f"{name}.png"
            if not _NAME.fullmatch(name) or not path.is_file():
                raise Refused(404, "Not found")
            return Response(path.read_bytes(), media_type="image/png")

        return Route("/snapshot/{name}.png", show)

    def _take(self, call: Call) -> dict[str, Any]:
        graph, asked = self._graph(call)
        with self._lock:
            picture = draw(graph)
        name = secrets.token_hex(16)
        self._folder.mkdir(exist_ok=True)
        (self._folder / f"{name}.png").write_bytes(picture)
        for old in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-_MOST]:
            old.unlink()
        title = {"title": graph.title} if graph.title else {}
        return {"snapshot_url": f"{call.base}snapshot/{name}.png", **asked, **title}

    def _graph(self, call: Call) -> tuple[Graph, dict[str, str]]:
        query = call.query
        if not query.get("graph_def") and not query.get("metric_query"):
            raise Refused(400, "metric_query or graph_def param required")
        graph = Graph(call.integer("start"), call.integer("end"))
        if graph.start >= graph.end:
            raise Refused(400, "The parameter 'start' must be before 'end'")
        for name in ("width", "height"):
            setattr(graph, name, call.integer(name, getattr(graph, name), _SIZES))
        graph.title = query.get("title", "")
        if query.get("event_query"):
            found = [one for one in self._documents.all("event") if matches(one, query["event_query"])]
            graph.events = [at for at in (one["date_happened"] for one in found) if graph.start <= at < graph.end]
        asked = {name: query[name] for name in ("graph_def", "metric_query", "event_query") if query.get(name)}
        asked.setdefault("graph_def", json.dumps({"requests": [{"q": query.get("metric_query")}]}))
        self._define(graph, asked["graph_def"])
        return graph, asked

    def _define(self, graph: Graph, text: str) -> None:
        """Fill `graph` from a definition, in the old form (viz) or that of a dashboard's widget (type)."""
        try:
            definition = decode.load(text.encode())
            visual = definition.get("viz") or definition.get("type", "timeseries")
            if visual not in _VISUALS:
                raise Refused(400, f"graph_def: {visual} is not drawn by the stand-in Datadog")
            graph.title = graph.title or definition.get("title") or ""
            for request in definition["requests"]:
                style = request.get("display_type") or request.get("type") or "line"
                names = [formula.get("alias") for formula in request.get("formulas") or ()]
                answers = evaluate(request_query(request), self._store, graph.start, graph.end)
                for index, lines in enumerate(answers):
                    alias = names[index] if index < len(names) else None
                    graph.lines += [(line, style, alias or _label(line)) for line in lines]
                if visual == "query_value":
                    how = request.get("aggregator") or request.get("queries", [{}])[0].get("aggregator") or "avg"
                    graph.value = _value(answers[0], how, definition.get("precision", 2))
            for marker in definition.get("markers") or ():
                colour = {"error": "#d62728", "warning": "#e6a817"}.get(
                    marker.get("display_type", "").split(" ")[0], "grey"
                )
                graph.limits += [(float(number), colour) for number in _NUMBER.findall(marker["value"])]
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise Refused(400, f"graph_def: not the definition of a graph: {error!r}") from None


def _label(line: Line) -> str:
    return ",".join(line.group) or line.expression


def _value(lines: list[Line], how: str, precision: int) -> str:
    values = [line.points[bucket] for line in lines[:1] for bucket in sorted(line.points)]
    if how not in (*METHODS, "last"):
        raise Refused(400, f"graph_def: the aggregator {how} is not evaluated by the stand-in Datadog")
    if not values:
        return "(no data)"
    return f"{values[-1] if how == 'last' else METHODS[how](values):,.{precision}f}"


def draw(graph: Graph) -> bytes:
    """The graph as PNG."""
    # Not with the other imports: loading it takes a second, and most labs never draw.
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    figure = Figure(figsize=(graph.width / _DPI, graph.height / _DPI), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    if graph.title:
        axes.set_title(graph.title, fontsize=10, loc="left", parse_math=False)
    if graph.value is not None:
        axes.axis("off")
        axes.text(0.5, 0.5, graph.value, ha="center", va="center", fontsize=graph.height / 8, parse_math=False)
    else:
        _plot(axes, graph)
        locator = AutoDateLocator(tz=timezone.utc)
        dates = ConciseDateFormatter(locator, tz=timezone.utc)
        dates.offset_formats = ["UTC", *(f"{one} UTC" for one in dates.offset_formats[1:])]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates)
        axes.set_xlim(_time(graph.start), _time(graph.end))
        axes.tick_params(labelsize=8, colors="#555555")
        axes.xaxis.get_offset_text().set(fontsize=8, color="#555555")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e5e5e5")
        axes.set_axisbelow(True)
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()


def _plot(axes: Any, graph: Graph) -> None:
    for index, (line, style, label) in enumerate(graph.lines):
        colour, buckets = f"C{index % 10}", sorted(line.points)
        times, values = [_time(bucket) for bucket in buckets], [line.points[bucket] for bucket in buckets]
        # A label that begins with an underscore would be left out of the legend.
        named = {"color": colour, "label": f"\u200b{label}"}
        if line.bounds:
            lower, upper = line.bounds
            known = sorted(lower)
            low, high = [lower[bucket] for bucket in known], [upper[bucket] for bucket in known]
            axes.fill_between([_time(bucket) for bucket in known], low, high, color="#d9d9d9", zorder=1)
        if style == "bars":
            axes.bar(times, values, width=line.interval / 86400 * 0.9, align="edge", **named)
        else:
            axes.plot(times, values, linewidth=1.4, marker="." if len(times) == 1 else "", **named)
        if style == "area":
            axes.fill_between(times, values, color=colour, alpha=0.3)
        minded = sorted(line.anomalous)
        axes.plot([_time(b) for b in minded], [line.points[b] for b in minded], ".", color="#d62728", zorder=4)
    for value, colour in graph.limits:
        axes.axhline(value, color=colour, linestyle="--", linewidth=1)
    for happened in graph.events:
        axes.axvline(_time(happened), color="#c77cff", linewidth=2, alpha=0.6)
    if graph.lines:
        handles, labels = axes.get_legend_handles_labels()
        shown = slice(_MOST_LABELS)
        place = {"loc": "outside lower left", "ncols": max(1, graph.width // 250), "frameon": False}
        for text in axes.figure.legend(handles[shown], labels[shown], fontsize=7, **place).get_texts():
            text.set_parse_math(False)
    else:
        axes.text(0.5, 0.5, "(no data)", transform=axes.transAxes, ha="center", va="center", color="#777777")


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
