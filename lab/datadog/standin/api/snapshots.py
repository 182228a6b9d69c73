"""Snapshots of graphs: the queried data as an image, for anybody who has the URL.

Source: https://docs.datadoghq.com/api/latest/snapshots/
"""

import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from module_utils import _boards
from starlette.responses import Response

from ..clock import iso
from ..errors import Refused
from ..graph.model import View
from ..graph.picture import PICTURED, draw
from ..graph.widgets import widget
from ..query.events import finder
from ..wire import bodies, user
from ..wire.bodies import Json
from .calls import Call, Room, on

_SIZES = range(80, 4001)
# Number of newest images to keep.
_MOST = 200
_NAME = re.compile(r"[0-9a-f]{40}")
# Parts of Datadog's URL: a store, and the organization.
_PLACE = f"dd-snapshots-lab/org_{user.ORG}"


class Snapshots(Room):
    @on("GET", "/snapshot/view/{bucket}/{org}/{day}/{name}.png", needs="nothing")
    def show(self, call: Call) -> Response:
        """Return an image without a key, as Datadog does: the URL is the secret."""
        path = self._path(call)
        if path is None:
            raise Refused(404, "Not found")
        return Response(path.read_bytes(), media_type="image/png")

    @on("GET", "/api/v1/graph/snapshot_status/{bucket}/{org}/{day}/{name}")
    def status(self, call: Call) -> Json:
        """Return the response at the URL of an image."""
        return {"status_code": 404 if self._path(call) is None else 200}

    def _path(self, call: Call) -> Path | None:
        path = self.store.folder / "snapshots" / f"{call.path['name']}.png"
        return path if _NAME.fullmatch(path.stem) and path.is_file() else None

    @on("GET", "/api/v1/graph/snapshot")
    def take(self, call: Call) -> Json:
        query = call.query
        if not query.get("graph_def") and not query.get("metric_query"):
            raise Refused(400, "metric_query or graph_def param required")
        span = call.span("start", "end")
        size = call.integer("width", 800, _SIZES), call.integer("height", 300, _SIZES)
        asked = {name: query[name] for name in ("graph_def", "metric_query", "event_query") if query.get(name)}
        asked.setdefault("graph_def", json.dumps({"requests": [{"q": query.get("metric_query")}]}))
        model = _model(bodies.load(asked["graph_def"].encode()), View(self.store, span[1], {}, span))
        title = query.get("title") or model["title"]
        events = self.documents.all("event") if query.get("event_query") else []
        moments = [one["date_happened"] for one in filter(finder(query.get("event_query", "")), events)]
        # The default folder for matplotlib's font cache.
        os.environ.setdefault("MPLCONFIGDIR", str(self.store.folder / "matplotlib"))
        name = _keep(self.store.folder / "snapshots", draw(model, title, span, size, moments))
        address = f"{call.base}snapshot/view/{_PLACE}/{iso(self.clock.now())[:10]}/{name}.png"
        return {"snapshot_url": address, **asked, **({"title": title} if title else {})}


def _keep(folder: Path, picture: bytes) -> str:
    """Write an image next to the database and return its name. Deletes the oldest images."""
    name = secrets.token_hex(20)
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.png").write_bytes(picture)
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-_MOST]:
        old.unlink()
    return name


def _model(definition: Any, view: View) -> Json:
    """Return the model of a definition, in the old format (viz) or that of a dashboard's widget (type)."""
    if not isinstance(definition, dict):
        raise Refused(400, "graph_def: not the definition of a graph")
    try:
        known = definition if "type" in definition else _of_graph(definition)
    except ValueError as error:
        raise Refused(400, f"graph_def: not the definition of a graph: {error}") from None
    model = widget(known, view)
    if model["kind"] not in PICTURED:
        raise Refused(400, f"graph_def: {model.get('problem') or 'there is no picture of a ' + str(known['type'])}")
    return model


def _of_graph(definition: Json) -> Json:
    """Return the definition of a widget for that of a graph on a timeboard. Raises ValueError."""
    [made] = _boards.dashboard({"graphs": [{"definition": definition}]})["widgets"]
    return dict(made["definition"])
