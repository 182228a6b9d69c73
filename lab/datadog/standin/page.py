"""The pages: which hosts report, with which tags, and how fresh they are; and what a dashboard asks for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from .dashboards import widgets
from .documents import Documents
from .store import Store

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="refresh" content="15">
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2rem; max-width: 70rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ccc }}
code {{ background: #f2f2f2; padding: 0 .3rem; margin-right: .3rem; white-space: nowrap }}
</style></head><body>
<h1>{title}</h1>
<p>{about}</p>
<table><thead><tr>{head}</tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""
_HOSTS = """Test equipment of the Kennel lab, not Datadog. The API is under <a href="/api/v1/validate">/api</a>
and wants the lab's keys: <code>eval "$(./kennel env)"</code>."""
_DASHBOARD = "A dashboard of the stand-in Datadog: what each widget asks for. The graphs come with the page."
# Nothing but the page itself: what it shows comes from others.
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def page(store: Store) -> Callable[[Request], HTMLResponse]:
    """The handler of "/". It needs no key and shows none."""

    def handle(request: Request) -> HTMLResponse:
        now = int(time.time())
        rows = [
            (host.name, f"{now - host.last_reported} s ago", sorted({t for tags in host.tags.values() for t in tags}))
            for host in store.hosts()
        ]
        head = ("Host", "Newest data", "Tags")
        return _shown("Stand-in Datadog", _HOSTS, head, rows or [("No host has reported yet.", "", ())])

    return handle


def dashboard(documents: Documents) -> Callable[[Request], HTMLResponse]:
    """The handler of "/dashboard/ID". It needs no key either."""

    def handle(request: Request) -> HTMLResponse:
        found = documents.need("dashboard", request.path_params["id"], "There is no such dashboard")
        definitions = [widget["definition"] for widget in widgets(found["widgets"])]
        rows = [(one.get("title") or "", one["type"], _queries(one.get("requests"))) for one in definitions]
        return _shown(found["title"], _DASHBOARD, ("Widget", "Type", "Queries"), rows)

    return handle


def _shown(title: str, about: str, head: Iterable[str], rows: Iterable[tuple[Any, Any, Iterable[str]]]) -> HTMLResponse:
    """A page with a table, the last column of which holds codes."""
    lines = []
    for *cells, codes in rows:
        last = "".join(f"<code>{escape(code)}</code>" for code in codes)
        lines.append("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + f"<td>{last}</td></tr>")
    heads = "".join(f"<th>{name}</th>" for name in head)
    html = _PAGE.format(title=escape(title), about=about, head=heads, rows="\n".join(lines))
    return HTMLResponse(html, headers=_HEADERS)


def _queries(part: Any) -> Iterator[str]:
    """Every text under "q" or "query", however deep, and each formula."""
    for name, item in part.items() if isinstance(part, dict) else enumerate(part if isinstance(part, list) else ()):
        if name in ("q", "query", "formula") and isinstance(item, str):
            yield item
        else:
            yield from _queries(item)
