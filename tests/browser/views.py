"""The views of the page, and helpers for tests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import traffic
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

VIEWS = (
    *("hosts", "host", "metrics", "metric", "explore", "dashboards", "dashboard", "monitors", "monitor", "downtimes"),
    *("services", "service", "trace", "events", "mailbox", "nowhere", "failed"),
)
STATUSES = {"nowhere": 404, "failed": 500}
WIDTHS = (360, 390, 768, 1280)
# Screenshots of all pages, for visual inspection.
PICTURES = Path(__file__).parents[2] / ".kennel" / "pages"
DRAWN = ".uplot canvas"
# Returns those elements that scroll sideways.
WIDE = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.ariaLabel)"


def address(view: str, account: Any) -> str:
    """Return a view's address."""
    places = {
        "hosts": "/?group=role",
        "host": "/hosts/web-01",
        "metric": "/metrics/my_metric",
        "explore": "/explore?metric=my_metric&by=host&query2=avg:system.mem.used{*}",
        "dashboard": f"/dashboard/{account.dashboard}/my-metric-and-mysql-lab",
        "monitor": f"/monitors/{account.monitors[0]}",
        "failed": f"/dashboard/{account.damaged}",
        "service": "/services/shop",
        "trace": f"/trace/{traffic.FAILED}",
    }
    return places.get(view, f"/{view.lstrip('/')}")


def opened(page: Page, view: str, account: Any) -> None:
    """Open a view, scroll through it, and wait for all charts."""
    answer = page.goto(address(view, account))
    assert answer and answer.status == STATUSES.get(view, 200)
    for plot in page.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        expect(plot.locator(DRAWN).first).to_be_visible()


def painted(card: Any, colour: str) -> int:
    """Return the number of pixels in a chart with a colour from the style sheet."""
    count = """(canvas, name) => {
        const wanted = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
        const parts = [1, 3, 5].map((at) => parseInt(wanted.slice(at, at + 2), 16));
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        let found = 0;
        for (let at = 0; at < data.length; at += 4) {
            if (parts.every((part, place) => Math.abs(part - data[at + place]) < 12)) found += 1;
        }
        return found;
    }"""
    return int(card.locator(DRAWN).first.evaluate(count, colour))


def widget(page: Page, title: str) -> Any:
    """Return the card with this heading."""
    return page.locator("article", has=page.get_by_role("heading", name=re.compile(f"^{re.escape(title)}")))


def violations(page: Page, **options: Any) -> list[tuple[str, str, str]]:
    """Return axe's findings: rule, element and fix."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in found]
