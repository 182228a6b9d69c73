"""The pages: which hosts report, with which tags, and how fresh they are; and what a dashboard asks for."""

from __future__ import annotations

import time
from collections.abc import Iterator
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse

from .decode import Refused
from .documents import Documents
from .store import Host, Store

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="refresh" content="15">
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2rem; max-width: 70rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ccc }}
code {{ background: #f2f2f2; padding: 0 .3rem; margin-right: .3rem; white-space: nowrap }}
</style></head><body>
<h1>{title}</h1>
"""

_PAGE = (
    _HEAD
    + """<p>Test equipment of the Kennel lab, not Datadog. The API is under <a href="/api/v1/validate">/api</a>
and wants the lab's keys: <code>eval "$(./kennel env)"</code>.</p>
<table><thead><tr><th>Host</th><th>Newest data</th><th>Tags</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""
)

_DASHBOARD = (
    _HEAD
    + """<p>A dashboard of the stand-in Datadog: what each widget asks for. The graphs come with the page.</p>
<table><thead><tr><th>Widget</th><th>Type</th><th>Queries</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""
)
# Nothing but the page itself: what it shows comes from others.
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


def page(store: Store):
    """The handler of "/". It needs no key and shows none."""

    def handle(request: Request) -> HTMLResponse:
        now = int(time.time())
        rows = "\n".join(_row(host, now) for host in store.hosts())
        rows = rows or '<tr><td colspan="3">No host has reported yet.</td></tr>'
        return HTMLResponse(_PAGE.format(title="Stand-in Datadog", rows=rows), headers=_HEADERS)

    return handle


def dashboard(documents: Documents):
    """The handler of "/dashboard/ID". It needs no key either."""

    def handle(request: Request) -> HTMLResponse:
        found = documents.get("dashboard", request.path_params["id"])
        if found is None:
            raise Refused(404, "There is no such dashboard")
        rows = "\n".join(_widgets(found["widgets"]))
        return HTMLResponse(_DASHBOARD.format(title=escape(found["title"]), rows=rows), headers=_HEADERS)

    return handle


def _widgets(widgets: list[dict[str, Any]]) -> Iterator[str]:
    for definition in (widget["definition"] for widget in widgets):
        cells = (definition.get("title") or "", definition["type"])
        queries = "".join(f"<code>{escape(query)}</code>" for query in _queries(definition.get("requests")))
        yield "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells) + f"<td>{queries}</td></tr>"
        yield from _widgets(definition.get("widgets", []))


def _queries(part: Any) -> Iterator[str]:
    """Every text under "q" or "query", however deep, and each formula."""
    if isinstance(part, list):
        for item in part:
            yield from _queries(item)
    elif isinstance(part, dict):
        for name, item in part.items():
            if name in ("q", "query", "formula") and isinstance(item, str):
                yield item
            else:
                yield from _queries(item)


def _row(host: Host, now: int) -> str:
    tags = " ".join(f"<code>{escape(tag)}</code>" for tag in sorted({t for tags in host.tags.values() for t in tags}))
    return f"<tr><td>{escape(host.name)}</td><td>{now - host.last_reported} s ago</td><td>{tags}</td></tr>"
