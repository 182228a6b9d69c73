"""The API, in modules by resource."""

from collections.abc import Iterator

from starlette.routing import Route

from .account import Account
from .boards import Boards
from .comments import Comments
from .dashboard_lists import DashboardLists
from .dashboards import Dashboards
from .downtimes import Downtimes
from .downtimes_v1 import DowntimesV1
from .embeds import Embeds
from .events import Events
from .hosts import Hosts
from .intake import Intake
from .lab import Lab
from .metrics import Metrics
from .monitor_search import MonitorSearch
from .monitors import Monitors
from .queries import Queries
from .snapshots import Snapshots
from .spans import Spans

_ROOMS = (
    *(Intake, Hosts, Metrics, Queries, Spans, Events, Comments, Dashboards, Boards, DashboardLists),
    *(Monitors, MonitorSearch, Downtimes, DowntimesV1, Snapshots, Embeds, Lab),
)


def routes(account: Account) -> Iterator[Route]:
    """Return all routes of the API."""
    for room in _ROOMS:
        yield from room(**vars(account)).routes()
