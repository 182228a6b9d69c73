"""Pages of hosts, monitors, downtimes, services and events in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
import traffic
from playwright.sync_api import Page, expect
from views import DRAWN, address, opened, widget


def test_host_map_groups_filters_and_colours_hosts(page: Page, account: Any) -> None:
    page.goto("/?filter=zone")
    expect(page.get_by_text(re.compile(r"^12 of \d+ hosts"))).to_be_visible()
    # Selections and input take effect immediately.
    page.get_by_label("Filter by tags").fill("zone:a")
    expect(page).to_have_url(re.compile(r"filter=zone%3Aa"))
    page.get_by_label("Group by").select_option("role")
    expect(page).to_have_url(re.compile(r"group=role"))
    page.get_by_label("Coloured by").select_option("my_metric")
    expect(page).to_have_url(re.compile(r"filter=zone%3Aa&group=role&metric=my_metric"))
    db = page.get_by_role("region", name="role:db")
    expect(db.locator(".tile")).to_have_count(4)
    expect(page.get_by_role("region", name="role:web")).to_have_count(0)
    shades = db.locator(".tile").evaluate_all("tiles => tiles.map(tile => getComputedStyle(tile).backgroundColor)")
    assert len(set(shades)) > 1


def test_silent_host_is_highlighted(page: Page, account: Any) -> None:
    page.goto("/")
    expect(page.locator(".facts .silent")).to_contain_text("1 silent")
    expect(page.locator(".tile.silent")).to_contain_text("web-12")


def test_percentages_have_an_absolute_colour_scale_and_zero_silent_hosts_are_grey(page: Page, account: Any) -> None:
    page.goto("/?metric=system.cpu.user&filter=web-01")
    expect(page.get_by_label("Scale of the colours")).to_contain_text(re.compile(r"0%\s*100%"))
    expect(page.locator(".facts .state", has_text="0 silent")).not_to_have_class(re.compile("silent"))
    page.goto("/?metric=my_metric")
    expect(page.get_by_label("Scale of the colours")).not_to_contain_text("%")


def test_host_page_links_to_everything_of_its_host(page: Page, account: Any) -> None:
    page.goto("/hosts/web-01")
    for title in ("CPU", "Memory", "Load", "my_metric"):
        figure = page.locator("figure", has=page.get_by_role("heading", name=title, exact=True))
        figure.scroll_into_view_if_needed()
        expect(figure.locator(DRAWN)).to_be_visible()
    monitors = page.get_by_role("region", name="Monitors")
    # Links keep the host.
    monitors.get_by_role("link", name=re.compile("my_metric is high")).click()
    expect(page.locator(".lines li")).to_have_count(1)
    expect(page.get_by_role("region", name="State by group").get_by_role("rowheader")).to_have_text(["host:web-01"])
    page.get_by_role("link", name="of all groups").click()
    expect(page.locator(".lines li button")).to_have_count(12)
    page.goto("/hosts/web-01")
    expect(page.get_by_role("region", name="Newest traces").get_by_role("link").first).to_have_text("GET /api/trace")
    page.get_by_role("link", name="service shop", exact=True).click()
    expect(page).to_have_url(re.compile(r"/services/shop\?host=web-01"))
    expect(page.get_by_text("On web-01 alone")).to_be_visible()
    expect(page.get_by_role("region", name="Resources").locator("tbody tr")).to_have_count(2)
    page.goto("/services/shop?host=web-02")
    expect(page.get_by_text("Nothing in this span.")).to_be_visible()
    expect(page.get_by_role("region", name="Newest traces")).to_contain_text("None")
    page.get_by_role("link", name="on all hosts").click()
    expect(page.get_by_role("region", name="Resources").locator("tbody tr")).to_have_count(2)
    page.goto("/hosts/web-01")
    page.get_by_role("region", name="Metrics").get_by_role("link", name="my_metric").click()
    expect(page.get_by_role("region", name="Series").locator("tbody tr")).to_have_count(1)
    expect(page.locator(".lines li")).to_have_count(1)
    page.go_back()
    page.get_by_role("link", name="dashboard my_metric and MySQL (lab)").click()
    expect(page.get_by_label("$host")).to_have_value("web-01")
    # Stopped checks are marked.
    page.goto("/hosts/web-12")
    expect(page.get_by_role("row", name=re.compile("datadog.agent.up"))).to_contain_text("stale")


def test_service_checks_have_a_timeline(page: Page, account: Any) -> None:
    page.goto("/hosts/web-05")
    strip = page.get_by_role("img", name=re.compile("^mysql.can_connect: "))
    expect(strip).to_have_attribute("aria-label", re.compile("OK from .*, Alert from [^,]*$"))
    red = [float(part.get_attribute("width") or 0) for part in strip.locator("rect.alert").all()]
    assert 225 < sum(red) < 400, "15 minutes, plus the duration of earlier tests"
    page.goto(f"/monitors/{account.monitors[2]}")
    rows = page.get_by_role("region", name="Timeline").locator("tbody tr")
    expect(rows).to_have_count(12)
    expect(rows.filter(has_text="web-05").locator("rect.alert")).to_have_count(1)
    expect(rows.filter(has_text="stale").get_by_role("link")).to_have_text(["web-12"])


def test_check_widget_counts_groups_and_marks_stale_ones(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    card = widget(page, "Databases by host")
    expect(card).to_contain_text("1 Alert, 11 OK.")
    expect(card.locator("tbody tr").filter(has_text="stale").get_by_role("rowheader")).to_have_text(["host:web-12"])
    expect(card.get_by_role("row", name="host:web-05").locator(".state.alert")).to_have_text("Alert")


def test_week_shows_downtimes_in_their_time_zone(page: Page, account: Any) -> None:
    page.goto("/downtimes")
    page.get_by_role("link", name="Later").click()
    monday = page.get_by_role("region", name=re.compile("^Mon"))
    expect(monday.get_by_role("listitem")).to_contain_text(["19:00-24:00"])
    box = {name: monday.get_by_role(name).last.bounding_box() for name in ("list", "listitem")}
    part = (box["listitem"]["y"] - box["list"]["y"]) / box["list"]["height"]
    assert part == pytest.approx(19 / 24, abs=0.02)
    page.get_by_label("Time zone").select_option("UTC")
    expect(page.get_by_role("region", name=re.compile("^Tue")).get_by_role("listitem").first).to_contain_text("00:00")


def test_events_are_rendered_with_pictures_and_can_be_searched(page: Page, account: Any) -> None:
    page.goto("/events")
    page.get_by_label("Search").press_sequentially("deployed")
    expect(page).to_have_url(re.compile("filter=deployed"))
    event = page.get_by_role("article")
    expect(event).to_have_count(1)
    expect(event.locator("strong")).to_have_text("Version 2")
    expect(event.get_by_role("link", name="what is new")).to_have_attribute("href", "http://shop.example/news")
    picture = event.get_by_role("img", name="Load")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("one => one.naturalWidth") > 100


def test_schedules_are_described_in_words(page: Page, account: Any) -> None:
    page.goto("/downtimes")
    row = page.get_by_role("row", name=re.compile("Nights"))
    expect(row).to_contain_text("Mon to Fri 19:00 to 09:00, America/New_York")
    expect(row).to_contain_text("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR for 14h")
    page.goto(address("monitor", account))
    expect(page.get_by_role("link", name=re.compile("^Nights"))).to_be_visible()


def test_alert_is_shown_with_history_and_message(page: Page, account: Any) -> None:
    try:
        page.goto(address("monitor", account))
        expect(page.get_by_role("region", name="History").get_by_text("No Data")).to_have_count(0)
        # An hour without any data.
        account.call("PUT", "/lab/clock", {"advance": 3600})
        account.call("POST", "/lab/evaluate")
        page.goto("/monitors")
        expect(page.get_by_role("note")).to_contain_text("1 h ahead")
        row = page.get_by_role("row", name=re.compile("my_metric is high"))
        expect(row.locator(".state").first).to_have_text("No Data")
        row.get_by_role("link").click()
        expect(page.get_by_role("region", name="History")).to_contain_text("to No Data")
        subject = "[No Data on {host:web-01}] my_metric is high on web-01"
        expect(page.get_by_role("heading", name=subject)).to_be_visible()
        page.goto("/mailbox")
        expect(page.get_by_text("web-01 has sent nothing.")).to_be_visible()
    finally:
        account.call("PUT", "/lab/clock", {"offset": 0})
        account.call("POST", "/lab/evaluate")


def test_services_link_to_the_waterfall_of_a_trace(page: Page, account: Any) -> None:
    page.goto("/services")
    shop = page.get_by_role("row", name=re.compile("^shop flask.request"))
    expect(shop).to_contain_text(re.compile(r"[1-9]\d* \(\d+(\.\d)?%\).* ms"))
    shop.get_by_role("link", name="shop").click()
    expect(page.locator(DRAWN).first).to_be_visible()
    rows = page.get_by_role("region", name="Resources").get_by_role("row")
    expect(rows.get_by_role("rowheader")).to_have_text(["get_/", "get_/api/trace"])
    page.get_by_role("row", name=re.compile("in error")).get_by_role("link").click()
    expect(page).to_have_url(re.compile(f"/trace/{traffic.FAILED}"))
    spans = page.get_by_role("region", name="Waterfall").locator("tbody tr")
    expect(spans.get_by_role("rowheader")).to_contain_text(
        ["depth 0: shop", "depth 1: shop", "depth 2: shop-db", "depth 2: shop-db"]
    )
    lanes = [spans.nth(place).locator(".lane").bounding_box() for place in range(4)]
    bars = [spans.nth(place).locator(".bar").bounding_box() for place in range(4)]
    parts = [
        ((bar["x"] - lane["x"]) / lane["width"], bar["width"] / lane["width"])
        for bar, lane in zip(bars, lanes, strict=True)
    ]
    for part, wanted in zip(parts, [(0, 1), (0.05, 0.9), (0.15, 0.3), (0.5, 0.4)], strict=True):
        assert part == pytest.approx(wanted, abs=0.02)
    spans.nth(3).locator("summary").click()
    expect(spans.nth(3).get_by_text("<i>gone away</i>")).to_be_visible()
