"""Dashboards: their list, and each drawn for a span of time and values of its template variables."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from ..clock import epoch
from ..dashboards import widgets
from ..decode import Refused
from .graphs import View, live, widget
from .site import SPANS, Site


def routes(site: Site) -> list[Route]:
    def every(request: Request) -> tuple[str, dict[str, Any]]:
        found = sorted(site.documents.all("dashboard"), key=lambda board: str(board["title"]).lower())
        shown = [{**board, "count": len(list(widgets(board["widgets"])))} for board in found]
        return "dashboards.html", {"boards": shown}

    def one(request: Request) -> tuple[str, dict[str, Any]]:
        board = site.documents.need("dashboard", request.path_params["id"], "There is no such dashboard")
        tags = sorted({tag for host in site.store.hosts() for tag in host.every_tag})
        variables = [_variable(variable, request, tags) for variable in board.get("template_variables") or ()]
        now = site.clock.now()
        view = View(site.store, now, {one["name"]: one["bound"] for one in variables}, asked_span(request, now))
        drawn = [widget(item["definition"], view) for item in board["widgets"]]
        return "dashboard.html", {"board": board, "widgets": drawn, "variables": variables}

    return [
        site.page("/dashboards", every),
        site.page("/dashboard/{id}", one),
        site.page("/dashboard/{id}/{title}", one),
    ]


def asked_span(request: Request, now: float, usual: int = 0) -> tuple[int, int] | None:
    """(start, end) by the parameters `span` (5m), or `start` and `end` (ISO 8601, UTC, or seconds).

    Without them the last `usual` seconds; None where nothing is usual.
    """
    asked = request.query_params
    if asked.get("start"):
        try:
            times = [asked[name] if asked.get(name) else str(now) for name in ("start", "end")]
            start, end = (int(float(text) if text.replace(".", "").isdecimal() else epoch(text)) for text in times)
        except (ValueError, OverflowError):
            raise Refused(400, "start and end are times such as 2026-01-31T19:00") from None
        if not 0 <= start < end:
            raise Refused(400, "start has to be before end")
        return start, end
    if asked.get("span") in SPANS:
        return live(asked["span"], now)
    return (int(now) - usual, int(now)) if usual else None


def _variable(variable: dict[str, Any], request: Request, tags: list[str]) -> dict[str, Any]:
    """A template variable: its choices, what is chosen, and the scope that this puts in the place of its name."""
    name, prefix = str(variable["name"]), variable.get("prefix")
    known = [tag.partition(":")[2] for tag in tags if tag.startswith(f"{prefix}:")] if prefix else tags
    choices = variable.get("available_values") or known
    usual = variable.get("defaults") or [variable.get("default") or "*"]
    chosen = request.query_params.getlist(f"tpl_var_{name}") or usual
    bound = [value if value == "*" or not prefix else f"{prefix}:{value}" for value in map(str, chosen)]
    scope = "*" if "*" in bound else bound[0] if len(bound) == 1 else f"({' OR '.join(bound)})"
    offered = sorted({"*", *map(str, choices), *map(str, chosen)})
    return {"name": name, "choices": offered, "chosen": chosen, "bound": scope}
