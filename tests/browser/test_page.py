"""The pages in a real browser: no errors, everything is reachable, and changes in the account appear."""

from __future__ import annotations

import re
from typing import Any

import pytest
from objects import SPITE
from playwright.sync_api import Browser, Page, expect
from views import DRAWN, PICTURES, VIEWS, WIDE, WIDTHS, address, opened, violations, widget


@pytest.mark.parametrize("view", VIEWS)
def test_view_opens_without_browser_errors(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("navigation", name="Views").locator("[aria-current]")).to_have_count(
        0 if view == "nowhere" else 1
    )


@pytest.mark.parametrize("view", VIEWS)
def test_view_fits_every_width(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # Nothing inside scrolls sideways either.
        assert page.locator("main .scroll:visible").evaluate_all(WIDE) == [], width
        if width not in (390, 1280):
            continue
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # Charts are redrawn in the frame after the width or colour scheme changes.
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.screenshot(path=PICTURES / f"{view}-{width}-{scheme}.png", full_page=True)


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_no_violations(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    for summary in page.locator("main summary").all():
        summary.click()
    assert violations(page) == []
    # In dark mode, only colours differ.
    page.emulate_media(color_scheme="dark")
    assert violations(page, runOnly=["color-contrast"]) == []


@pytest.mark.parametrize("view", VIEWS)
def test_keyboard_reaches_every_control_with_visible_focus(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    wanted = page.locator("a:visible, button:visible, input:visible, select:visible, summary:visible").count()
    # Some controls have several tab stops, such as dates; the limit is for keyboard traps.
    reached = page.locator("[data-reached]")
    mark = """() => { const on = document.activeElement; if (on === document.body) return true;
        on.dataset.reached = ''; return getComputedStyle(on).outlineStyle !== 'none' }"""
    for _stop in range(12 * wanted + 50):
        page.keyboard.press("Tab")
        assert page.evaluate(mark), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("document.activeElement === document.body"):
            break
    seen = "a[data-reached], button[data-reached], input[data-reached], select[data-reached], summary[data-reached]"
    assert reached.count() and page.locator(seen).count() >= wanted


def test_page_updates_without_reloading(page: Page, account: Any) -> None:
    page.clock.install()
    opened(page, "metric", account)
    page.evaluate("window.before = true")
    summary = page.get_by_text("Figures of my_metric")
    summary.click()
    points = "plot => plot.chart.x[plot.chart.x.length - 1]"
    newest = page.locator(".plot").evaluate(points)
    sent = {"metric": "my_metric", "host": "web-01", "type": "gauge", "tags": ["env:lab"]}
    now = account.call("GET", "/lab/clock")["epoch"]
    account.call("POST", "/api/v1/series", {"series": [{**sent, "points": [[now - 1, 4711]]}]})
    with page.expect_response(re.compile("/metrics/my_metric")):
        page.clock.run_for(30_000)
    expect(page.get_by_role("region", name="Series")).to_contain_text("4.71k")
    assert page.locator(".plot").evaluate(points) >= newest
    # Open parts stay open, and the page was not reloaded.
    expect(page.get_by_role("region", name=re.compile("^Figures of"))).to_be_visible()
    assert page.evaluate("window.before")
    page.get_by_role("button", name="Live").click()
    expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "false")
    page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("view", ["dashboard", "monitors", "downtimes", "events"])
def test_sent_markup_is_escaped(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    expect(page.locator("main")).to_contain_text(SPITE)
    assert page.locator("main img[src=x]").count() == 0


def test_page_without_javascript_has_the_values(browser: Browser, account: Any) -> None:
    context = browser.new_context(base_url=account.standin.url, java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address("dashboard", account))
    tab.get_by_text("Figures and queries of Old form").click()
    expect(widget(tab, "Old form").get_by_role("cell").first).to_have_text(re.compile(r"\d"))
    context.close()


def test_unknown_objects_have_an_error_page(account: Any) -> None:
    for path in (
        *("/hosts/none", "/metrics/none", "/dashboard/none", "/monitors/1"),
        *("/downtimes?week=x", "/downtimes?zone=..", "/downtimes?week=9999-12-31"),
        f"/dashboard/{account.dashboard}?start=x",
    ):
        status, body = account.standin.get(path)
        assert 400 <= status < 500 and b"<h1>Nothing here</h1>" in body, path


def test_failed_page_says_so_and_the_log_says_why(account: Any) -> None:
    address = f"/dashboard/{account.damaged}"
    status, body = account.standin.request("GET", address, accept="text/html,*/*")
    assert status == 500 and b"<h1>This page failed</h1>" in body and b'href="/"' in body
    assert not re.search(b"Traceback|JSONDecodeError|\\.py|sqlite", body), "the page shows internal details"
    # API clients get a JSON error.
    status, body = account.standin.request("GET", address, accept="application/json")
    assert status == 500 and b'{"errors":["Internal error' in body
    assert "Traceback" in account.standin.output and "JSONDecodeError" in account.standin.output
    # Other pages still work.
    assert account.standin.get("/dashboards")[0] == 200


def test_page_recovers_after_an_error(page: Page, account: Any) -> None:
    page.goto("/metrics/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
    now = account.call("GET", "/lab/clock")["epoch"]
    sent = {"metric": "nowhere", "type": "gauge", "host": "web-01", "tags": [], "points": [[now - 30, 3], [now, 4]]}
    account.call("POST", "/api/v1/series", {"series": [sent]})
    page.evaluate("refresh()")
    # Including its chart, for which the error page loads no script.
    expect(page.locator(DRAWN)).to_be_visible()


def test_unknown_address_is_a_page_for_browsers_and_an_error_for_clients(account: Any) -> None:
    for accept, wanted in (("text/html,*/*", b"<h1>Nothing here</h1>"), ("application/json", b'{"errors"')):
        status, body = account.standin.request("GET", "/nowhere", accept=accept)
        assert status == 404 and wanted in body
