"""The API, in rooms by resource."""

from collections.abc import Iterator

from starlette.routing import Route

from .account import Account
from .dashboard_lists import DashboardLists
from .dashboards import Dashboards
from .downtimes import Downtimes
from .downtimes_v1 import DowntimesV1
from .events import Events
from .hosts import Hosts
from .intake import Intake
from .lab import Lab
from .metrics import Metrics
from .monitor_search import MonitorSearch
from .monitors import Monitors
from .snapshots import Snapshots
from .spans import Spans

_ROOMS = (
    *(Intake, Hosts, Metrics, Spans, Events, Dashboards, DashboardLists, Monitors, MonitorSearch),
    *(Downtimes, DowntimesV1, Snapshots, Lab),
)


def routes(account: Account) -> Iterator[Route]:
    """All routes of the API."""
    for room in _ROOMS:
        yield from room(**vars(account)).routes()
