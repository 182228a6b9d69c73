"""Addresses of Datadog's own pages that have another name here."""

from collections.abc import Iterator
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..api.account import Account
from ..api.boards import dashboard_id


def moved(account: Account) -> Iterator[BaseRoute]:
    """The routes that lead on."""

    def infrastructure(request: Request) -> Response:
        """The list of hosts, or the one host that is asked for."""
        asked = request.query_params.get("filter", "")
        if account.store.host(asked):
            return RedirectResponse(f"/hosts/{quote(asked)}")
        return RedirectResponse(f"/?{urlencode({'filter': asked})}")

    def board(request: Request) -> Response:
        return RedirectResponse(f"/dashboard/{dashboard_id(request.path_params['id'])}")

    yield Route("/infrastructure", infrastructure)
    for kind in ("dash", "screen"):
        yield Route(f"/{kind}/{{id:id}}", board)
        yield Route(f"/{kind}/{{id:id}}/{{title}}", board)
