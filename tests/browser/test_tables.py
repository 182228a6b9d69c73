"""Tables in a real browser: sorting and searching, kept in the address, at every width."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, expect
from views import WIDE, WIDTHS


def test_columns_can_be_sorted_and_lists_searched(page: Page, account: Any) -> None:
    page.goto("/metrics/my_metric")
    series = page.get_by_role("region", name="Series")
    series.get_by_role("button", name="Host").click()
    series.get_by_role("button", name="Host").click()
    expect(series.get_by_role("rowheader").first).to_have_text("web-12")
    expect(series.get_by_role("columnheader", name="Host")).to_have_attribute("aria-sort", "descending")
    page.get_by_label("Search in Series").fill("web-0")
    expect(series.locator("tbody tr:visible")).to_have_count(9)
    # Both survive new data, reloading, another time span, and going back.
    page.evaluate("document.activeElement.blur()")
    span = page.get_by_role("list", name="Span of time")
    for again in (
        lambda: page.evaluate("refresh()"),
        page.reload,
        lambda: span.get_by_role("link", name="15m").click(),
        lambda: span.get_by_role("link", name="4h").click(),
        page.go_back,
        lambda: (page.goto("/metrics"), page.go_back()),
        lambda: page.goto(page.url),
    ):
        with page.expect_response(re.compile("/metrics/my_metric")):
            again()
        expect(page.get_by_label("Search in Series")).to_have_value("web-0")
        expect(series.locator("tbody tr:visible")).to_have_count(9)
        expect(series.locator("tbody tr:visible").get_by_role("rowheader").first).to_have_text("web-09")
        expect(series.get_by_role("columnheader", name="Host")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile(r"\?span=15m&sort\.Series=-1&find\.Series=web-0$"))
    page.get_by_label("Search in Series").fill("no such host")
    told = "one => getComputedStyle(one, '::after').content"
    assert series.evaluate(told) == '"No row fits this search."'
    page.get_by_label("Search in Series").fill("")
    assert series.evaluate(told) == "none"
    expect(page).not_to_have_url(re.compile("find"))
    page.goto("/monitors")
    page.get_by_label("Search names and tags").press_sequentially("cannot be")
    expect(page).to_have_url(re.compile("filter=cannot"))
    expect(page.get_by_role("region", name="Monitors").locator("tbody tr")).to_have_count(1)


def test_columns_can_be_sorted_by_keyboard_and_tables_separately(page: Page, account: Any) -> None:
    page.goto("/hosts/web-01?sort.Metrics=-1")
    regions = {name: page.get_by_role("region", name=name, exact=True) for name in ("Monitors", "Metrics")}
    names = regions["Metrics"].get_by_role("rowheader").all_text_contents()
    assert names == sorted(names, reverse=True)
    regions["Monitors"].get_by_role("button", name="Status").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?sort\.Metrics=-1&sort\.Monitors=1$"))
    # Numbers are sorted in descending order first.
    regions["Metrics"].get_by_role("button", name="Series").focus()
    page.keyboard.press("Space")
    expect(regions["Metrics"].locator("[aria-sort]")).to_have_count(1)
    expect(regions["Metrics"].get_by_role("columnheader", name="Series")).to_have_attribute("aria-sort", "descending")
    expect(regions["Monitors"].get_by_role("columnheader", name="Status")).to_have_attribute("aria-sort", "ascending")
    # States are sorted by severity.
    page.goto("/monitors?sort.Monitors=-1")
    shown = page.get_by_role("region", name="Monitors").locator("tbody tr td:first-child").all_text_contents()
    assert shown == sorted(shown, key=("OK", "Skipped", "No Data", "Warn", "Alert").index) and shown[0] != shown[-1]
    # Unknown columns are ignored.
    page.goto("/hosts/web-01?sort.Metrics=99&sort.Monitors=x&sort.Nothing=1")
    expect(regions["Metrics"].get_by_role("rowheader").first).to_be_visible()
    expect(page.locator("[aria-sort]")).to_have_count(0)


def test_tables_with_the_same_name_are_sorted_separately(page: Page, account: Any) -> None:
    asked = {"type": "toplist", "title": "Top", "requests": [{"q": "avg:my_metric{*} by {host}"}]}
    board = {"title": "Twice", "layout_type": "ordered", "widgets": [{"definition": asked}] * 2}
    made = account.call("POST", "/api/v1/dashboard", board)
    try:
        page.goto(made["url"])
        tables = page.get_by_role("region", name="Top", exact=True)
        tables.last.get_by_role("button", name="Group").click()
        expect(page).to_have_url(re.compile(r"\?sort\.Top\+2=1$"))
        names = [tables.nth(place).get_by_role("rowheader").all_text_contents() for place in (0, 1)]
        assert names[1] == sorted(names[0]) != names[0]
    finally:
        account.call("DELETE", f"/api/v1/dashboard/{made['id']}")


def test_phones_can_sort(page: Page, account: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 900})
    page.goto("/metrics/my_metric")
    series = page.get_by_role("region", name="Series")
    button = series.get_by_role("button", name="Host")
    for _press in range(2):
        # The control is visible, not only available to screen readers.
        assert (button.bounding_box() or {"height": 0})["height"] > 12
        button.click()
    expect(series.get_by_role("rowheader").first).to_have_text("web-12")


def test_long_names_fit_every_width(page: Page, account: Any) -> None:
    host, metric = "ip-10-200-30-40.eu-central-1.compute.internal.shop.example", "shop.checkout.basket.items_waiting"
    tags = ["kubernetes_cluster:the-second-cluster-in-frankfurt", f"digest:{'0123456789abcdef' * 4}"]
    now = int(account.call("GET", "/lab/clock")["epoch"])
    sent = {"metric": f"{metric}.by_warehouse_and_country", "host": host, "tags": tags, "type": "gauge"}
    account.call("POST", "/api/v1/series", {"series": [{**sent, "points": [[now - 60, 1], [now - 30, 2]]}]})
    said = {"host_name": host, "status": 2, "timestamp": now, "tags": tags, "message": f"refused: {'x' * 120}"}
    account.call("POST", "/api/v1/check_run", [{"check": f"{metric}.can_be_reached", **said}])
    for path in (f"/hosts/{host}", f"/metrics/{sent['metric']}", "/", "/metrics"):
        page.goto(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert page.locator("main .scroll:visible").evaluate_all(WIDE) == [], (path, width)
        expect(page.get_by_text(host if path == "/" or "hosts" in path else sent["metric"]).first).to_be_visible()
