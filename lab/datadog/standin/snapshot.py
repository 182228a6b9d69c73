"""Pictures of graphs: the queried data drawn, for whoever has the address.

Source: https://docs.datadoghq.com/api/latest/snapshots/
"""

import io
import json
import math
import os
import re
import secrets
import threading
from datetime import datetime, timezone
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import decode
from .calls import Call, Handler
from .decode import Refused
from .documents import Documents
from .events import finder
from .store import Store
from .web.graphs import View, widget

_DPI = 100
_SIZES = range(80, 4001)
# Pictures kept, newest first.
_MOST = 200
_NAME = re.compile(r"[0-9a-f]{32}")
# Lines that are named under a graph.
_MOST_LABELS = 12
_VISUALS = ("timeseries", "query_value")
_LIMITS = {"error": "#d62728", "warning": "#e6a817"}


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
        query = call.query
        if not query.get("graph_def") and not query.get("metric_query"):
            raise Refused(400, "metric_query or graph_def param required")
        span = call.integer("start"), call.integer("end")
        if span[0] >= span[1]:
            raise Refused(400, "The parameter 'start' must be before 'end'")
        size = call.integer("width", 800, _SIZES), call.integer("height", 300, _SIZES)
        asked = {name: query[name] for name in ("graph_def", "metric_query", "event_query") if query.get(name)}
        asked.setdefault("graph_def", json.dumps({"requests": [{"q": query.get("metric_query")}]}))
        model = self._model(decode.load(asked["graph_def"].encode()), span)
        title = query.get("title") or model["title"]
        events = self._documents.all("event") if query.get("event_query") else []
        moments = [one["date_happened"] for one in filter(finder(query.get("event_query", "")), events)]
        with self._lock:
            picture = draw(model, title, span, size, moments)
        name = secrets.token_hex(16)
        self._folder.mkdir(exist_ok=True)
        (self._folder / f"{name}.png").write_bytes(picture)
        for old in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-_MOST]:
            old.unlink()
        return {"snapshot_url": f"{call.base}snapshot/{name}.png", **asked, **({"title": title} if title else {})}

    def _model(self, definition: Any, span: tuple[int, int]) -> dict[str, Any]:
        """What a definition draws, in the old form (viz) or that of a dashboard's widget (type)."""
        if not isinstance(definition, dict):
            raise Refused(400, "graph_def: not the definition of a graph")
        visual = definition.get("viz") or definition.get("type", "timeseries")
        if visual not in _VISUALS:
            raise Refused(400, f"graph_def: {visual} is not drawn by the stand-in Datadog")
        model = widget({**definition, "type": visual}, View(self._store, span[1], {}, span))
        if "problem" in model:
            raise Refused(400, f"graph_def: {model['problem']}")
        return model


def draw(
    model: dict[str, Any], title: str, span: tuple[int, int], size: tuple[int, int], events: list[float] = ()
) -> bytes:
    """The model of a widget (see web/graphs.py) as PNG; `size` in pixels, times in seconds."""
    # Not with the other imports: loading it takes a second, and most labs never draw.
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    width, height = size
    figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    if title:
        axes.set_title(title, fontsize=10, loc="left", parse_math=False)
    if model["kind"] == "value":
        axes.axis("off")
        text = f"{model['value']} {model['unit']}".strip()
        axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=height / 8, parse_math=False)
    else:
        _plot(axes, model["chart"], max(1, width // 250))
        for happened in events:
            axes.axvline(_time(1000 * happened), color="#c77cff", linewidth=2, alpha=0.6)
        locator = AutoDateLocator(tz=timezone.utc)
        dates = ConciseDateFormatter(locator, tz=timezone.utc)
        dates.offset_formats = ["UTC", *(f"{one} UTC" for one in dates.offset_formats[1:])]
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(dates)
        axes.set_xlim(*(_time(1000 * moment) for moment in span))
        axes.tick_params(labelsize=8, colors="#555555")
        axes.xaxis.get_offset_text().set(fontsize=8, color="#555555")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e5e5e5")
        axes.set_axisbelow(True)
    target = io.BytesIO()
    figure.savefig(target, format="png")
    return target.getvalue()


def _plot(axes: Any, drawn: dict[str, Any], columns: int) -> None:
    for index, line in enumerate(drawn["lines"]):
        colour, times = f"C{index % 10}", [_time(moment) for moment in line["x"]]
        values = [math.nan if value is None else value for value in line["y"]]
        # A label that begins with an underscore would be left out of the legend.
        named = {"color": colour, "label": f"\u200b{line['name']}"}
        if "band" in line:
            band = line["band"]
            axes.fill_between([_time(moment) for moment in band["x"]], band["lower"], band["upper"], color="#d9d9d9")
        if line["style"] == "bars":
            axes.bar(times, values, width=line["interval"] / 86_400_000 * 0.9, align="edge", **named)
        else:
            axes.plot(times, values, linewidth=1.4, marker="." if len(times) == 1 else "", **named)
        if line["style"] == "area":
            axes.fill_between(times, values, color=colour, alpha=0.3)
        if "odd" in line:
            axes.plot([_time(moment) for moment in line["odd"]["x"]], line["odd"]["y"], ".", color="#d62728", zorder=4)
    for value, kind in drawn["limits"]:
        axes.axhline(value, color=_LIMITS.get(kind, "grey"), linestyle="--", linewidth=1)
    if drawn["lines"]:
        handles, labels = (found[:_MOST_LABELS] for found in axes.get_legend_handles_labels())
        place = {"loc": "outside lower left", "ncols": columns, "frameon": False}
        for text in axes.figure.legend(handles, labels, fontsize=7, **place).get_texts():
            text.set_parse_math(False)
    else:
        axes.text(0.5, 0.5, "(no data)", transform=axes.transAxes, ha="center", va="center", color="#777777")


def _time(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
