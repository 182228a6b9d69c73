"""The pages that a person looks at: server-rendered, read-only, without a key."""

from starlette.routing import BaseRoute

from . import alerts, boards, hosts, services
from .site import Site, static


def pages(site: Site) -> list[BaseRoute]:
    """The routes of all pages and of what they load."""
    return [*hosts.routes(site), *boards.routes(site), *alerts.routes(site), *services.routes(site), *static()]
