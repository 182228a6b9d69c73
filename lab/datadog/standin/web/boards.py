"""Dashboards: their list, and each drawn for a span of time and values of its template variables."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..api.boards import dashboard_id
from ..api.calls import on
from ..graph.model import View, nested
from ..graph.widgets import widget
from ..wire.bodies import Json
from .site import Pages, asked_span


class Boards(Pages):
    @on("GET", "/dashboards")
    def every(self, request: Request) -> tuple[str, Json]:
        found = sorted(self.documents.all("dashboard"), key=lambda board: str(board["title"]).lower())
        shown = [{**board, "count": len(list(nested(board["widgets"])))} for board in found]
        return "dashboards.html", {"boards": shown}

    @on("GET", "/dashboard/{id}")
    @on("GET", "/dashboard/{id}/{title}")
    def one(self, request: Request) -> tuple[str, Json]:
        board = self.documents.need("dashboard", request.path_params["id"], "There is no such dashboard")
        tags = sorted({tag for host in self.store.hosts() for tag in host.every_tag})
        variables = [_variable(variable, request, tags) for variable in board.get("template_variables") or ()]
        now = self.clock.now()
        view = View(self.store, now, {one["name"]: one["bound"] for one in variables}, asked_span(request, now))
        drawn = [widget(item["definition"], view) for item in board["widgets"]]
        old = bool(self.documents.get("old board", board["id"]))
        return "dashboard.html", {"board": board, "widgets": drawn, "variables": variables, "old": old}

    # Where Datadog had timeboards and screenboards.
    @on("GET", "/dash/{id:id}")
    @on("GET", "/dash/{id:id}/{title}")
    @on("GET", "/screen/{id:id}")
    @on("GET", "/screen/{id:id}/{title}")
    def moved(self, request: Request) -> Response:
        return RedirectResponse(f"/dashboard/{dashboard_id(request.path_params['id'])}")


def _variable(variable: Json, request: Request, tags: list[str]) -> Json:
    """A template variable: its choices, what is chosen, and the scope that this puts in the place of its name."""
    name, prefix = str(variable.get("name") or ""), str(variable.get("prefix") or "")
    known = [tag.partition(":")[2] for tag in tags if tag.startswith(f"{prefix}:")] if prefix else tags
    choices = _texts(variable.get("available_values")) or known
    usual = _texts(variable.get("defaults")) or [str(variable.get("default") or "*")]
    chosen = request.query_params.getlist(f"tpl_var_{name}") or usual
    bound = [value if value == "*" or not prefix else f"{prefix}:{value}" for value in chosen]
    scope = "*" if "*" in bound else bound[0] if len(bound) == 1 else f"({' OR '.join(bound)})"
    return {"name": name, "choices": sorted({"*", *choices, *chosen}), "chosen": chosen, "bound": scope}


def _texts(values: Any) -> list[str]:
    return [str(value) for value in values] if isinstance(values, list) else []
