"""Charts in a real browser: drawing, zoom, markers, names and selection."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from views import DRAWN, address, opened, painted, widget


def test_dragging_over_a_chart_zooms_the_page_and_can_be_undone(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    plot = widget(page, "my_metric by host").locator(".u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"start=20\d\d-\d\d-\d\dT\d\d%3A\d\d%3A\d\d&end=20"))
    # Now all widgets have the selected span, without reloading the page.
    for title in ("my_metric by host", "MySQL user time, with anomalies"):
        expect(widget(page, title).get_by_role("heading")).not_to_contain_text("1 h")
    page.go_back()
    expect(page).not_to_have_url(re.compile("start="))
    expect(widget(page, "MySQL user time, with anomalies").get_by_role("heading")).to_contain_text("1 h")
    page.go_forward()
    page.get_by_role("link", name="Reset").click()
    expect(page).not_to_have_url(re.compile("start="))


def test_charts_share_a_crosshair_and_a_table_of_values(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    first, second = (widget(page, title) for title in ("CPU against its limit", "Old form"))
    first.locator(".u-over").hover(position={"x": 200, "y": 60})
    expect(first.locator(".hover td").first).to_have_text(re.compile("zone:"))
    expect(first.locator(".hover")).to_contain_text("UTC")
    lines = [card.locator(".u-cursor-x").bounding_box()["x"] - card.locator(".u-over").bounding_box()["x"] for card in
             (first, second)]  # fmt: skip
    assert lines[0] == pytest.approx(200, abs=2) and lines[1] == pytest.approx(200, abs=8)
    expect(second.locator(".hover")).to_be_hidden()


def test_events_are_marked_on_charts_and_named_at_the_cursor(page: Page, account: Any) -> None:
    opened(page, "metric", account)
    plot = page.locator(".plot")
    place = plot.evaluate("""plot => {
        const event = plot.chart.model.events.find(one => one.title === "shop deployed");
        return plot.chart.u.valToPos(event.x, "x");
    }""")
    page.locator(".u-over").hover(position={"x": place, "y": 50})
    expect(page.locator(".hover")).to_contain_text("shop deployed")


def test_event_markers_can_be_disabled_for_all_charts(page: Page, account: Any) -> None:
    marked = "plots => plots.map(plot => JSON.parse(plot.querySelector('script').textContent).events?.length ?? 0)"
    opened(page, "dashboard", account)
    assert max(page.locator(".plot").evaluate_all(marked)) > 0
    page.get_by_role("link", name="Hide events").click()
    expect(page).to_have_url(re.compile("events=off"))
    expect(page.get_by_role("link", name="Show events")).to_be_visible()
    # Other selections and reloading the page keep the setting.
    page.get_by_label("$host").select_option("web-02")
    expect(page).to_have_url(re.compile("tpl_var_host=web-02&events=off"))
    page.get_by_role("link", name="4h").click()
    page.reload()
    page.locator(DRAWN).first.wait_for()
    assert max(page.locator(".plot").evaluate_all(marked)) == 0
    page.get_by_role("link", name="Show events").click()
    expect(page.get_by_role("link", name="Hide events")).to_be_visible()
    assert max(page.locator(".plot").evaluate_all(marked)) > 0


def test_axes_legends_and_numbers_have_units(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    ticks = "plot => plot.chart.u.axes[1]._values"
    card = widget(page, "MySQL user time, with anomalies")
    assert card.locator(".plot").evaluate(ticks)[1:] == ["10%", "20%", "30%"]
    expect(card.locator(".lines b")).to_have_text(re.compile(r"^\d+(\.\d+)?%$"))
    expect(widget(page, "Used").locator(".lines b")).to_have_text(re.compile(r"^\d+(\.\d+)? MiB$"))
    opened(page, "service", account)
    latency = page.locator("figure", has=page.get_by_role("heading", name="Latency")).locator(".plot")
    assert all(text.endswith(" ms") for text in latency.evaluate(ticks)[1:])
    # A metric's custom metadata applies.
    account.call("PUT", "/api/v1/metrics/app.barks", {"unit": "bark", "per_unit": "second"})
    now = account.call("GET", "/lab/clock")["epoch"]
    sent = {
        "metric": "app.barks",
        "type": "gauge",
        "host": "web-01",
        "tags": [],
        "points": [[now - 60, 3], [now - 30, 4]],
    }
    account.call("POST", "/api/v1/series", {"series": [sent]})
    opened(page, "/metrics/app.barks", account)
    expect(page.locator(".lines b")).to_have_text("4 barks/s")


def test_explorer_draws_selections_and_queries_and_shows_errors(page: Page, account: Any) -> None:
    page.goto("/explore")
    query = page.get_by_role("group", name="Query")
    query.get_by_label("Metric").fill("my_metric")
    query.get_by_label("Metric").press("Tab")
    expect(page.locator(".lines li")).to_have_count(1)
    query.get_by_label("Aggregated by").select_option("max")
    query.get_by_label("Grouped by").fill("host")
    query.get_by_label("Grouped by").press("Tab")
    expect(page.locator(".lines li")).to_have_count(12)
    query.get_by_label("From").fill("role:db")
    query.get_by_label("From").press("Tab")
    expect(page.locator(".lines li")).to_have_count(4)
    expect(page.get_by_role("heading", name="max:my_metric{role:db} by {host}")).to_be_visible()
    # Two queries with the same unit share a chart, others have separate ones.
    other = page.get_by_role("group", name="Compare with")
    other.get_by_label("or a query").fill("avg:my_metric{*}")
    other.get_by_label("or a query").press("Enter")
    expect(page.locator(".lines li")).to_have_count(5)
    expect(page.locator(".plot")).to_have_count(1)
    other.get_by_label("or a query").fill("avg:system.mem.used{*}")
    other.get_by_label("or a query").press("Enter")
    expect(page.locator(".plot")).to_have_count(2)
    other.get_by_label("or a query").fill("avg:system.mem.used{*")
    other.get_by_label("or a query").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("at column 22")
    expect(page.get_by_role("heading", name="As a widget")).to_have_count(0)


def test_legend_isolates_a_line_and_shows_all_again(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    card = widget(page, "CPU against its limit")
    shown = "plot => plot.chart.u.series.slice(1).map(one => one.show)"
    card.get_by_role("button", name=re.compile("zone:b")).click()
    assert card.locator(".plot").evaluate(shown) == [False, True, False]
    expect(card.get_by_role("button", name=re.compile("zone:a"))).to_have_attribute("aria-pressed", "false")
    card.get_by_role("button", name=re.compile("zone:b")).click()
    assert card.locator(".plot").evaluate(shown) == [True, True, True]


def test_large_legend_can_be_searched(page: Page, account: Any) -> None:
    now = account.call("GET", "/lab/clock")["epoch"]
    series = [{"metric": "many", "type": "gauge", "points": [[now - 60, n], [now - 20, n]], "host": f"many-{n:02}",
               "tags": []} for n in range(50)]  # fmt: skip
    account.call("POST", "/api/v1/series", {"series": series})
    page.goto("/metrics/many")
    buttons = page.locator(".lines button:visible")
    expect(buttons).to_have_count(50)
    assert page.locator(".lines").bounding_box()["height"] < 120, "the legend is larger than its chart"
    page.get_by_label("Search lines").fill("many-4")
    expect(buttons).to_have_count(10)
    assert page.locator(".plot").evaluate("plot => plot.chart.u.series.filter(one => one.show).length") == 11
    page.locator(".u-over").hover(position={"x": 900, "y": 40})
    expect(page.locator(".hover tr")).to_have_count(10)
    # The selection of lines survives new data.
    page.evaluate("refresh()")
    expect(buttons).to_have_count(10)


def test_template_variable_changes_the_graph(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    lines = widget(page, "my_metric by host").locator(".lines li")
    assert lines.count() > 5
    page.get_by_label("$host").select_option("web-02")
    expect(page).to_have_url(re.compile("tpl_var_host=web-02"))
    expect(lines).to_have_count(1)
    page.get_by_text("Figures and queries of my_metric by host").click()
    expect(widget(page, "my_metric by host").get_by_role("rowheader")).to_have_text(["host:web-02"])


def test_graphs_have_their_own_span_until_one_is_selected(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    expect(widget(page, "my_metric by host").get_by_role("heading")).to_contain_text("5 min")
    expect(widget(page, "MySQL user time, with anomalies").get_by_role("heading")).to_contain_text("1 h")
    page.get_by_role("link", name="15m").click()
    for title in ("my_metric by host", "MySQL user time, with anomalies"):
        expect(widget(page, title).get_by_role("heading")).to_contain_text("15 min")
    page.goto(f"{address('dashboard', account)}?start=2026-01-31T10:00&end=2026-01-31T19:00")
    expect(widget(page, "my_metric by host")).to_contain_text("No data")


def test_widgets_are_drawn_by_type_and_unsupported_ones_say_so(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    anomalies = widget(page, "MySQL user time, with anomalies")
    assert painted(anomalies, "line-0") > 50
    assert painted(anomalies, "alert") > 50, "no anomalous point"
    assert painted(widget(page, "my_metric, sums of an hour"), "line-0") > 2000, "no bars"
    limited = widget(page, "CPU against its limit")
    assert painted(limited, "alert") > 50, "no critical threshold"
    assert painted(limited, "warn") > 50, "no warning threshold"
    expect(widget(page, "my_metric, average").locator(".big")).to_have_text(re.compile(r"\d"))
    expect(widget(page, "Spread").locator("svg rect").first).to_be_visible()
    expect(widget(page, "Used").locator(DRAWN).first).to_be_visible()


def test_names_of_lines_are_escaped_in_a_chart(page: Page, account: Any) -> None:
    series = {"metric": "spite", "type": "gauge", "points": [[account.call("GET", "/lab/clock")["epoch"] - 60, 1]]}
    tags = ["env:lab"]
    sent = {"series": [{**series, "host": f"h{number}<b>x</b>", "tags": tags} for number in (1, 2)]}
    account.call("POST", "/api/v1/series", sent)
    page.goto("/metrics/spite")
    expect(page.locator(".lines span:not(.swatch)").first).to_have_text("host:h1<b>x</b>")


def test_charts_outside_the_viewport_are_printed(page: Page, account: Any) -> None:
    page.goto(address("dashboard", account))
    last = widget(page, "Used").locator(DRAWN)
    expect(last).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(last).to_have_count(1)
