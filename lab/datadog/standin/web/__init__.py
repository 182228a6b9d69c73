"""The pages that a person looks at: server-rendered, read-only, without a key."""

from collections.abc import Iterator

from starlette.routing import BaseRoute

from ..api.account import Account
from . import assets
from .alerts import Alerts
from .boards import Boards
from .explorer import Explorer
from .hosts import Hosts
from .services import Services


def routes(account: Account) -> Iterator[BaseRoute]:
    """All pages, and the files that they load."""
    for pages in (Hosts, Explorer, Boards, Alerts, Services):
        yield from pages(**vars(account)).routes()
    yield from assets.routes()
