"""What all pages have in common: how one is rendered, answered and kept from what it shows.

Names, messages and tags come from whoever sends them: templates escape everything, and the policy sent with a page lets
nothing run or load but the files of this server.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ..clock import Clock, epoch
from ..decode import Refused
from ..documents import Documents
from ..downtimes import Downtimes
from ..monitors import Monitors
from ..store import Store

_HERE = Path(__file__).parent
# What a person can choose; a widget's own span may be any.
SPANS = ["5m", "15m", "1h", "4h", "1d"]
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Name, address, and what the addresses of its further pages begin with.
_VIEWS = (
    ("Hosts", "/", "/hosts/"),
    ("Metrics", "/metrics", "/metrics/"),
    ("Dashboards", "/dashboards", "/dashboard/"),
    ("Monitors", "/monitors", "/monitors/"),
    ("Downtimes", "/downtimes", "/downtimes/"),
    ("Services", "/services", ("/services/", "/trace/")),
    ("Events", "/events", "/event/"),
    ("Mailbox", "/mailbox", "/mailbox/"),
)
# Seconds after which what comes every 15 is late, and after which a host counts as silent.
_LATE, _SILENT = 60, 600
_SCALES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def number(value: float | None, precision: int = 2, scaled: bool = True) -> str:
    """A value for reading: 1234.5 is 1.23k, where it is `scaled`."""
    if value is None:
        return "-"
    size, unit = next((scale for scale in _SCALES if scaled and abs(value) >= scale[0]), (1, ""))
    text = f"{value / size:,.{precision}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + unit


def age(seconds: float | None) -> str:
    """A length of time in the largest unit that fits: 42 s, 3 min, 1 h, 4 d."""
    if seconds is None:
        return "never"
    size, unit = next((one for one in _UNITS if abs(seconds) >= 2 * one[0] or abs(seconds) == one[0]), (1, "s"))
    return f"{int(seconds / size)} {unit}"


def seconds(length: float | None) -> str:
    """A latency: 1.5 s, 12.3 ms, 80 µs."""
    if length is None:
        return "-"
    size, unit = (1, "s") if length >= 1 else (1e-3, "ms") if length >= 1e-3 else (1e-6, "µs")
    return f"{number(length / size)} {unit}"


def freshness(seconds: float | None, interval: int = 0) -> str:
    """fresh, late or silent, for what comes every `interval` seconds, 15 where that is not known."""
    if seconds is None or seconds > _SILENT:
        return "silent"
    return "late" if seconds > max(_LATE, 3 * interval) else "fresh"


def when(moment: float | str | None) -> str:
    """A time, in seconds since the epoch or ISO 8601, as UTC: markup that screen readers know for a time."""
    if not moment:
        return "-"
    seconds = epoch(moment) if isinstance(moment, str) else moment
    text = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    return Markup("<time datetime='{}Z'>{}</time>").format(text.replace(" ", "T"), text)


@dataclass(frozen=True)
class Site:
    """The account as the pages see it, and their templates."""

    store: Store
    documents: Documents
    clock: Clock
    monitors: Monitors
    downtimes: Downtimes
    templates: jinja2.Environment = field(
        default_factory=lambda: jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
    )

    def __post_init__(self) -> None:
        self.templates.filters |= {
            **{one.__name__: one for one in (number, age, seconds, freshness, when)},
            # The class by which the style sheet colours a monitor's status: ok, warn, alert or no-data.
            "state": lambda status: status.lower().replace(" ", "-"),
        }

    def page(self, path: str, view: Callable[[Request], tuple[str, dict[str, Any]]]) -> Route:
        """The route of a page: `view` names a template and what it shows. Refused(404) becomes a page too."""

        def handle(request: Request) -> Response:
            try:
                return self._render(request, *view(request))
            except Refused as error:
                return self._render(request, "error.html", {"problems": error.errors}, error.status)

        return Route(path, handle)

    def _render(self, request: Request, template: str, values: dict[str, Any], status: int = 200) -> Response:
        def link(**changes: Any) -> str:
            """The address of this page with other parameters; an empty one is left out."""
            kept = [item for item in request.query_params.multi_items() if item[0] not in changes]
            wanted = kept + [item for item in changes.items() if item[1] != ""]
            return f"{request.url.path}?{urlencode(wanted)}" if wanted else request.url.path

        nonce = secrets.token_urlsafe(16)
        shared = {
            "path": request.url.path,
            "asked": request.query_params,
            "link": link,
            "views": _VIEWS,
            "spans_known": SPANS,
            "nonce": nonce,
            "now": self.clock.now(),
            "offset": self.clock.offset,
        }
        text = self.templates.get_template(template).render({**shared, **values})
        return HTMLResponse(
            text,
            status,
            {
                "Content-Security-Policy": _POLICY.format(nonce=nonce),
                "X-Content-Type-Options": "nosniff",
                "Referrer-Policy": "same-origin",
                "Cache-Control": "no-store",
            },
        )


def static() -> list[BaseRoute]:
    """The routes of style sheet and scripts; the charts' library is served from its package as it is."""

    def plotly(_request: Request) -> Response:
        # Found without being imported: nothing of it but this file is used.
        found = find_spec("plotly")
        path = Path(found.origin).parent / "package_data" / "plotly.min.js" if found and found.origin else None
        if path is None or not path.is_file():
            raise Refused(404, "The package plotly is not installed")
        return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "max-age=86400"})

    return [Route("/static/plotly.min.js", plotly), Mount("/static", StaticFiles(directory=_HERE / "static"))]
