"""The page: which hosts report, with which tags, and how fresh they are."""

from __future__ import annotations

import time
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse

from .store import Host, Store

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Stand-in Datadog</title>
<meta http-equiv="refresh" content="15">
<style>
body {{ font: 16px/1.5 sans-serif; margin: 2rem; max-width: 70rem }}
table {{ border-collapse: collapse; width: 100% }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ccc }}
code {{ background: #f2f2f2; padding: 0 .3rem; margin-right: .3rem; white-space: nowrap }}
</style></head><body>
<h1>Stand-in Datadog</h1>
<p>Test equipment of the Kennel lab, not Datadog. The API is under <a href="/api/v1/validate">/api</a>
and wants the lab's keys: <code>eval "$(./kennel env)"</code>.</p>
<table><thead><tr><th>Host</th><th>Newest data</th><th>Tags</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


def page(store: Store):
    """The handler of "/". It needs no key and shows none."""

    def handle(request: Request) -> HTMLResponse:
        now = int(time.time())
        rows = "\n".join(_row(host, now) for host in store.hosts())
        return HTMLResponse(
            _PAGE.format(rows=rows or '<tr><td colspan="3">No host has reported yet.</td></tr>'),
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )

    return handle


def _row(host: Host, now: int) -> str:
    tags = " ".join(f"<code>{escape(tag)}</code>" for tag in sorted({t for tags in host.tags.values() for t in tags}))
    return f"<tr><td>{escape(host.name)}</td><td>{now - host.last_reported} s ago</td><td>{tags}</td></tr>"
