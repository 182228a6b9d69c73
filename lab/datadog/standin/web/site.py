"""What all pages have in common: how one is rendered, answered and kept from what it shows.

Names, messages and tags come from whoever sends them: templates escape everything, and the policy sent with a page lets
nothing run or load but the files of this server.
"""

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ..alert.observe import ALERT, NO_DATA, OK, SKIPPED, WARN
from ..api.account import Account
from ..api.calls import Entry, Room
from ..clock import epoch
from ..errors import Refused
from ..graph.model import live
from ..graph.units import PLAIN, SECONDS, of_metric, said
from ..wire.bodies import Json
from . import words
from .assets import COMPRESSED, address

_HERE = Path(__file__).parent
# What a person can choose; a widget's own span may be any.
_SPANS = ["5m", "15m", "1h", "4h", "1d"]
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Name, address, and what the addresses of its further pages begin with.
_VIEWS = (
    ("Hosts", "/", "/hosts/"),
    ("Metrics", "/metrics", ("/metrics/", "/explore/")),
    ("Dashboards", "/dashboards", "/dashboard/"),
    ("Monitors", "/monitors", "/monitors/"),
    ("Downtimes", "/downtimes", "/downtimes/"),
    ("Services", "/services", ("/services/", "/trace/")),
    ("Events", "/events", "/event/"),
    ("Mailbox", "/mailbox", "/mailbox/"),
)
# Seconds after which what comes every 15 is late, and after which a host counts as silent.
_LATE, _SILENT = 60, 600
# Events that a chart marks, at most.
_MOST_MARKS = 50
# The states of monitors, from the worst on.
WORST = (ALERT, WARN, NO_DATA, SKIPPED, OK)
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


def age(seconds: float | None) -> str:
    """A length of time in the largest unit that fits: 42 s, 3 min, 1 h, 4 d."""
    if seconds is None:
        return "never"
    size, unit = next((one for one in _UNITS if abs(seconds) >= 2 * one[0] or abs(seconds) == one[0]), (1, "s"))
    return f"{int(seconds / size)} {unit}"


def value(number: float | None, metric: str) -> str:
    """A value of a metric, with its unit."""
    return of_metric(metric).show(number)


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
    day, hour = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M:%S").split()
    return Markup("<time datetime='{0}T{1}Z'><span>{0}</span> <span>{1}</span></time>").format(day, hour)


def clock(moment: float) -> str:
    """The hour, minute and second of a time, as UTC."""
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%H:%M:%S")


def span(request: Request, now: float, usual: int = 3600) -> tuple[int, int]:
    """The span that is asked for, or the last `usual` seconds. Raises Refused(400)."""
    return asked_span(request, now) or (int(now) - usual, int(now))


def asked_span(request: Request, now: float) -> tuple[int, int] | None:
    """(start, end) by the parameters `span` (5m), or `start` and `end` (ISO 8601, UTC, or seconds). Raises Refused."""
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
    if asked.get("span") in _SPANS:
        return live(asked["span"], now)
    return None


_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)
_TEMPLATES.globals["asset"] = address
_TEMPLATES.filters |= {
    **{one.__name__: one for one in (age, clock, freshness, value, when)},
    # 1.23k, and a latency: 1.5 s, 12.3 ms, 80 µs.
    "number": PLAIN.show,
    "seconds": SECONDS.show,
    "markdown": words.markdown,
    "event": words.event,
    "recurrence": words.recurrence,
    "downtime": words.name,
    "folding": words.folding,
    # The class by which the style sheet colours a monitor's status: ok, warn, alert or no-data.
    "state": lambda status: status.lower().replace(" ", "-"),
}


class Pages(Room):
    """An account, with the pages of one subject: methods that take a request and name a template and what it shows, or
    return a response.
    """

    middleware = COMPRESSED

    def endpoint(
        self, _entry: Entry, view: Callable[[Request], tuple[str, Json] | Response]
    ) -> Callable[[Request], Response]:
        def handle(request: Request) -> Response:
            try:
                with said(self.documents.named("metric metadata")):
                    answer = view(request)
                    return answer if isinstance(answer, Response) else _render(self, request, *answer)
            # A refusal becomes a page too.
            except Refused as error:
                return _render(self, request, "error.html", {"problems": error.errors}, error.status)

        return handle


def told(account: Account, request: Request, status: int, problem: str) -> Response | None:
    """The page that says why there is no other, None where no person is asking for a page."""
    if "text/html" not in request.headers.get("accept", "") or request.url.path.startswith(("/api/", "/lab/")):
        return None
    return _render(account, request, "error.html", {"problems": [problem]}, status)


def _charts(value: Any) -> Iterator[Json]:
    """The models of all charts that a page shows, wherever they stand in what its template is given."""
    if isinstance(value, dict):
        if value.get("kind") == "chart":
            yield value["chart"]
        else:
            yield from _charts(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _charts(one)


def _mark_events(account: Account, values: Json) -> None:
    """Give each chart the newest events of its span, which are drawn as marks on its axis of time."""
    charts = list(_charts(values))
    every = account.documents.all("event") if charts else []
    marks = [
        {
            "x": event["date_happened"] * 1000,
            "title": f"{event['title']} ({event['host']})" if event.get("host") else event["title"],
            "kind": event.get("alert_type") or "info",
        }
        for event in sorted(every, key=lambda one: -one["date_happened"])
    ]
    for drawn in charts:
        drawn["events"] = [one for one in marks if drawn["start"] <= one["x"] <= drawn["end"]][:_MOST_MARKS]


def _render(account: Account, request: Request, template: str, values: Json, status: int = 200) -> Response:
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
        "spans_known": _SPANS,
        "nonce": nonce,
        "failed": status >= 500,
        "now": account.clock.now(),
        "offset": account.clock.offset,
    }
    headers = {
        "Content-Security-Policy": _POLICY.format(nonce=nonce),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if request.query_params.get("events") != "off":
        _mark_events(account, values)
    return HTMLResponse(_TEMPLATES.get_template(template).render({**shared, **values}), status, headers)
