"""The pages in a real browser: nothing breaks, everything is reached, and what changes in the account shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import traffic
from axe_playwright_python.sync_playwright import Axe
from objects import SPITE
from playwright.sync_api import Browser, Page, expect

VIEWS = (
    *("hosts", "host", "metrics", "metric", "explore", "dashboards", "dashboard", "monitors", "monitor", "downtimes"),
    *("services", "service", "trace", "events", "mailbox", "nowhere", "failed"),
)
STATUSES = {"nowhere": 404, "failed": 500}
WIDTHS = (360, 390, 768, 1280)
# Where pictures of all pages are left for a person to look at.
PICTURES = Path(__file__).parents[2] / ".kennel" / "pages"
DRAWN = ".uplot canvas"
# Which of some elements are scrolled sideways.
WIDE = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.ariaLabel)"


def address(view: str, account: Any) -> str:
    """Where a view is."""
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
    """Open a view and wait for its charts, all of which are scrolled into sight."""
    answer = page.goto(address(view, account))
    assert answer and answer.status == STATUSES.get(view, 200)
    for plot in page.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        expect(plot.locator(DRAWN).first).to_be_visible()


def painted(card: Any, colour: str) -> int:
    """How many pixels of a chart have a colour of the style sheet."""
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
    """The card with this heading."""
    return page.locator("article", has=page.get_by_role("heading", name=re.compile(f"^{re.escape(title)}")))


@pytest.mark.parametrize("view", VIEWS)
def test_view_opens_without_a_complaint_of_the_browser(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("navigation", name="Views").locator("[aria-current]")).to_have_count(
        0 if view == "nowhere" else 1
    )


@pytest.mark.parametrize("view", VIEWS)
def test_view_fits_every_width_and_is_pictured(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # Nor is anything in it.
        assert page.locator("main .scroll:visible").evaluate_all(WIDE) == [], width
        if width not in (390, 1280):
            continue
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            # Charts are drawn again in the frame after that in which the page has another width or scheme.
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.screenshot(path=PICTURES / f"{view}-{width}-{scheme}.png", full_page=True)


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


def test_telephones_sort_too(page: Page, account: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 900})
    page.goto("/metrics/my_metric")
    series = page.get_by_role("region", name="Series")
    button = series.get_by_role("button", name="Host")
    for _press in range(2):
        # It is there for a finger, not for a reader of the screen alone.
        assert (button.bounding_box() or {"height": 0})["height"] > 12
        button.click()
    expect(series.get_by_role("rowheader").first).to_have_text("web-12")


def test_charts_out_of_sight_are_printed(page: Page, account: Any) -> None:
    page.goto(address("dashboard", account))
    last = widget(page, "Used").locator(DRAWN)
    expect(last).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(last).to_have_count(1)


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    for summary in page.locator("main summary").all():
        summary.click()
    assert violations(page) == []
    # Only colours differ in the dark.
    page.emulate_media(color_scheme="dark")
    assert violations(page, runOnly=["color-contrast"]) == []


def violations(page: Page, **options: Any) -> list[tuple[str, str, str]]:
    """What axe finds: rule, element, and what to fix."""
    found = Axe().run(page, options={"resultTypes": ["violations"], **options}).response["violations"]
    return [(one["id"], one["nodes"][0]["html"], one["nodes"][0]["failureSummary"]) for one in found]


@pytest.mark.parametrize("view", VIEWS)
def test_keyboard_reaches_every_control_and_focus_shows(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    wanted = page.locator("a:visible, button:visible, input:visible, select:visible, summary:visible").count()
    # Some controls have more than one stop (a date has its parts); the bound is against a trap.
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


def test_host_map_groups_filters_and_colours(page: Page, account: Any) -> None:
    page.goto("/?filter=zone")
    expect(page.get_by_text(re.compile(r"^12 of \d+ hosts"))).to_be_visible()
    # What is chosen and typed shows at once.
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


def test_silent_host_is_seen_at_a_glance(page: Page, account: Any) -> None:
    page.goto("/")
    expect(page.locator(".facts .silent")).to_contain_text("1 silent")
    expect(page.locator(".tile.silent")).to_contain_text("web-12")


def test_colours_of_percentages_are_absolute_and_no_silent_host_is_no_alarm(page: Page, account: Any) -> None:
    page.goto("/?metric=system.cpu.user&filter=web-01")
    expect(page.get_by_label("Scale of the colours")).to_contain_text(re.compile(r"0%\s*100%"))
    expect(page.locator(".facts .state", has_text="0 silent")).not_to_have_class(re.compile("silent"))
    page.goto("/?metric=my_metric")
    expect(page.get_by_label("Scale of the colours")).not_to_contain_text("%")


def test_host_page_leads_to_all_of_its_host(page: Page, account: Any) -> None:
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
    expect(page.get_by_role("link", name="service shop", exact=True)).to_be_visible()
    page.get_by_role("region", name="Metrics").get_by_role("link", name="my_metric").click()
    expect(page.get_by_role("region", name="Series").locator("tbody tr")).to_have_count(1)
    expect(page.locator(".lines li")).to_have_count(1)
    page.go_back()
    page.get_by_role("link", name="dashboard my_metric and MySQL (lab)").click()
    expect(page.get_by_label("$host")).to_have_value("web-01")
    # What has stopped says so.
    page.goto("/hosts/web-12")
    expect(page.get_by_role("row", name=re.compile("datadog.agent.up"))).to_contain_text("stale")


def test_service_checks_have_a_timeline(page: Page, account: Any) -> None:
    page.goto("/hosts/web-05")
    strip = page.get_by_role("img", name=re.compile("^mysql.can_connect: "))
    expect(strip).to_have_attribute("aria-label", re.compile("OK from .*, Alert from [^,]*$"))
    red = [float(part.get_attribute("width") or 0) for part in strip.locator("rect.alert").all()]
    assert 225 < sum(red) < 400, "a quarter of an hour, and what the tests before this one took"
    page.goto(f"/monitors/{account.monitors[2]}")
    rows = page.get_by_role("region", name="Timeline").locator("tbody tr")
    expect(rows).to_have_count(12)
    expect(rows.filter(has_text="web-05").locator("rect.alert")).to_have_count(1)
    expect(rows.filter(has_text="stale").get_by_role("link")).to_have_text(["web-12"])


def test_widget_of_checks_counts_groups_and_marks_those_that_report_no_more(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    card = widget(page, "Databases by host")
    expect(card).to_contain_text("1 Alert, 11 OK.")
    expect(card.locator("tbody tr").filter(has_text="stale").get_by_role("rowheader")).to_have_text(["host:web-12"])
    expect(card.get_by_role("row", name="host:web-05").locator(".state.alert")).to_have_text("Alert")


def test_template_variable_changes_the_graph(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    lines = widget(page, "my_metric by host").locator(".lines li")
    assert lines.count() > 5
    page.get_by_label("$host").select_option("web-02")
    expect(page).to_have_url(re.compile("tpl_var_host=web-02"))
    expect(lines).to_have_count(1)
    page.get_by_text("Figures and queries of my_metric by host").click()
    expect(widget(page, "my_metric by host").get_by_role("rowheader")).to_have_text(["host:web-02"])


def test_dragging_over_a_chart_zooms_the_page_and_the_way_back_is_there(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    plot = widget(page, "my_metric by host").locator(".u-over")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"start=20\d\d-\d\d-\d\dT\d\d%3A\d\d%3A\d\d&end=20"))
    # All widgets have the chosen span now, without the page having been loaded again.
    for title in ("my_metric by host", "MySQL user time, with anomalies"):
        expect(widget(page, title).get_by_role("heading")).not_to_contain_text("1 h")
    page.go_back()
    expect(page).not_to_have_url(re.compile("start="))
    expect(widget(page, "MySQL user time, with anomalies").get_by_role("heading")).to_contain_text("1 h")
    page.go_forward()
    page.get_by_role("link", name="Reset").click()
    expect(page).not_to_have_url(re.compile("start="))


def test_one_crosshair_for_all_charts_and_a_table_of_values(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    first, second = (widget(page, title) for title in ("CPU against its limit", "Old form"))
    first.locator(".u-over").hover(position={"x": 200, "y": 60})
    expect(first.locator(".hover td").first).to_have_text(re.compile("zone:"))
    expect(first.locator(".hover")).to_contain_text("UTC")
    lines = [card.locator(".u-cursor-x").bounding_box()["x"] - card.locator(".u-over").bounding_box()["x"] for card in
             (first, second)]  # fmt: skip
    assert lines[0] == pytest.approx(200, abs=2) and lines[1] == pytest.approx(200, abs=8)
    expect(second.locator(".hover")).to_be_hidden()


def test_events_are_marked_on_charts_and_named_where_the_cursor_is(page: Page, account: Any) -> None:
    opened(page, "metric", account)
    plot = page.locator(".plot")
    place = plot.evaluate("""plot => {
        const event = plot.chart.model.events.find(one => one.title === "shop deployed");
        return plot.chart.u.valToPos(event.x, "x");
    }""")
    page.locator(".u-over").hover(position={"x": place, "y": 50})
    expect(page.locator(".hover")).to_contain_text("shop deployed")


def test_marks_of_events_are_switched_off_and_on_for_all_charts(page: Page, account: Any) -> None:
    marked = "plots => plots.map(plot => JSON.parse(plot.querySelector('script').textContent).events?.length ?? 0)"
    opened(page, "dashboard", account)
    assert max(page.locator(".plot").evaluate_all(marked)) > 0
    page.get_by_role("link", name="Hide events").click()
    expect(page).to_have_url(re.compile("events=off"))
    expect(page.get_by_role("link", name="Show events")).to_be_visible()
    # Other choices and loading the page again keep it.
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
    # What somebody says of a metric counts.
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


def test_explorer_draws_what_is_chosen_or_written_and_tells_errors(page: Page, account: Any) -> None:
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
    # Two of one unit share a chart, others have one each.
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


def test_legend_shows_one_line_alone_and_all_again(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    card = widget(page, "CPU against its limit")
    shown = "plot => plot.chart.u.series.slice(1).map(one => one.show)"
    card.get_by_role("button", name=re.compile("zone:b")).click()
    assert card.locator(".plot").evaluate(shown) == [False, True, False]
    expect(card.get_by_role("button", name=re.compile("zone:a"))).to_have_attribute("aria-pressed", "false")
    card.get_by_role("button", name=re.compile("zone:b")).click()
    assert card.locator(".plot").evaluate(shown) == [True, True, True]


def test_lines_of_a_large_legend_are_searched(page: Page, account: Any) -> None:
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
    # Those that are shown stay so where new data come.
    page.evaluate("refresh()")
    expect(buttons).to_have_count(10)


def test_page_is_live_without_being_loaded_again(page: Page, account: Any) -> None:
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
    # What was open stays so, and it is still the page that was loaded.
    expect(page.get_by_role("region", name=re.compile("^Figures of"))).to_be_visible()
    assert page.evaluate("window.before")
    page.get_by_role("button", name="Live").click()
    expect(page.get_by_role("button", name="Live")).to_have_attribute("aria-pressed", "false")
    page.evaluate("localStorage.clear()")


def test_columns_are_sorted_and_lists_searched(page: Page, account: Any) -> None:
    page.goto("/metrics/my_metric")
    series = page.get_by_role("region", name="Series")
    series.get_by_role("button", name="Host").click()
    series.get_by_role("button", name="Host").click()
    expect(series.get_by_role("rowheader").first).to_have_text("web-12")
    expect(series.get_by_role("columnheader", name="Host")).to_have_attribute("aria-sort", "descending")
    page.get_by_label("Search in Series").fill("web-0")
    expect(series.locator("tbody tr:visible")).to_have_count(9)
    # Where new data come, the page is loaded again, left for another span, or come back to, both stay.
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
    page.get_by_label("Search in Series").fill("")
    expect(page).not_to_have_url(re.compile("find"))
    page.goto("/monitors")
    page.get_by_label("Search names and tags").press_sequentially("cannot be")
    expect(page).to_have_url(re.compile("filter=cannot"))
    expect(page.get_by_role("region", name="Monitors").locator("tbody tr")).to_have_count(1)


def test_columns_are_sorted_by_keyboard_and_tables_of_a_page_apart(page: Page, account: Any) -> None:
    page.goto("/hosts/web-01?sort.Metrics=-1")
    regions = {name: page.get_by_role("region", name=name, exact=True) for name in ("Monitors", "Metrics")}
    names = regions["Metrics"].get_by_role("rowheader").all_text_contents()
    assert names == sorted(names, reverse=True)
    regions["Monitors"].get_by_role("button", name="Status").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?sort\.Metrics=-1&sort\.Monitors=1$"))
    # Numbers begin with the largest.
    regions["Metrics"].get_by_role("button", name="Series").focus()
    page.keyboard.press("Space")
    expect(regions["Metrics"].locator("[aria-sort]")).to_have_count(1)
    expect(regions["Metrics"].get_by_role("columnheader", name="Series")).to_have_attribute("aria-sort", "descending")
    expect(regions["Monitors"].get_by_role("columnheader", name="Status")).to_have_attribute("aria-sort", "ascending")
    # States go by what they mean.
    page.goto("/monitors?sort.Monitors=-1")
    shown = page.get_by_role("region", name="Monitors").locator("tbody tr td:first-child").all_text_contents()
    assert shown == sorted(shown, key=("OK", "Skipped", "No Data", "Warn", "Alert").index) and shown[0] != shown[-1]
    # What is not a column does nothing.
    page.goto("/hosts/web-01?sort.Metrics=99&sort.Monitors=x&sort.Nothing=1")
    expect(regions["Metrics"].get_by_role("rowheader").first).to_be_visible()
    expect(page.locator("[aria-sort]")).to_have_count(0)


def test_two_tables_of_one_name_are_sorted_apart(page: Page, account: Any) -> None:
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


def test_span_of_time_is_each_graphs_own_until_one_is_chosen(page: Page, account: Any) -> None:
    opened(page, "dashboard", account)
    expect(widget(page, "my_metric by host").get_by_role("heading")).to_contain_text("5 min")
    expect(widget(page, "MySQL user time, with anomalies").get_by_role("heading")).to_contain_text("1 h")
    page.get_by_role("link", name="15m").click()
    for title in ("my_metric by host", "MySQL user time, with anomalies"):
        expect(widget(page, title).get_by_role("heading")).to_contain_text("15 min")
    page.goto(f"{address('dashboard', account)}?start=2026-01-31T10:00&end=2026-01-31T19:00")
    expect(widget(page, "my_metric by host")).to_contain_text("No data")


def test_widgets_are_drawn_by_their_kind_and_others_say_so(page: Page, account: Any) -> None:
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


@pytest.mark.parametrize("view", ["dashboard", "monitors", "downtimes", "events"])
def test_markup_that_was_sent_is_shown_as_text(page: Page, account: Any, view: str) -> None:
    opened(page, view, account)
    expect(page.locator("main")).to_contain_text(SPITE)
    assert page.locator("main img[src=x]").count() == 0


def test_names_of_lines_are_text_in_a_chart(page: Page, account: Any) -> None:
    series = {"metric": "spite", "type": "gauge", "points": [[account.call("GET", "/lab/clock")["epoch"] - 60, 1]]}
    tags = ["env:lab"]
    sent = {"series": [{**series, "host": f"h{number}<b>x</b>", "tags": tags} for number in (1, 2)]}
    account.call("POST", "/api/v1/series", sent)
    page.goto("/metrics/spite")
    expect(page.locator(".lines span:not(.swatch)").first).to_have_text("host:h1<b>x</b>")


def test_downtimes_stand_in_the_week_by_the_clocks_of_their_zone(page: Page, account: Any) -> None:
    page.goto("/downtimes")
    page.get_by_role("link", name="Later").click()
    monday = page.get_by_role("region", name=re.compile("^Mon"))
    expect(monday.get_by_role("listitem")).to_contain_text(["19:00-24:00"])
    box = {name: monday.get_by_role(name).last.bounding_box() for name in ("list", "listitem")}
    part = (box["listitem"]["y"] - box["list"]["y"]) / box["list"]["height"]
    assert part == pytest.approx(19 / 24, abs=0.02)
    page.get_by_label("Time zone").select_option("UTC")
    expect(page.get_by_role("region", name=re.compile("^Tue")).get_by_role("listitem").first).to_contain_text("00:00")


def test_events_are_markdown_with_their_picture_and_are_searched(page: Page, account: Any) -> None:
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


def test_schedules_are_told_in_words(page: Page, account: Any) -> None:
    page.goto("/downtimes")
    row = page.get_by_role("row", name=re.compile("Nights"))
    expect(row).to_contain_text("Mon to Fri 19:00 to 09:00, America/New_York")
    expect(row).to_contain_text("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR for 14h")
    page.goto(address("monitor", account))
    expect(page.get_by_role("link", name=re.compile("^Nights"))).to_be_visible()


def test_alert_shows_with_its_history_and_message(page: Page, account: Any) -> None:
    try:
        page.goto(address("monitor", account))
        expect(page.get_by_role("region", name="History").get_by_text("No Data")).to_have_count(0)
        # An hour in which no host sends anything.
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


def test_services_lead_to_the_waterfall_of_a_trace(page: Page, account: Any) -> None:
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


def test_page_without_scripts_has_the_figures(browser: Browser, account: Any) -> None:
    context = browser.new_context(base_url=account.standin.url, java_script_enabled=False)
    tab = context.new_page()
    tab.goto(address("dashboard", account))
    tab.get_by_text("Figures and queries of Old form").click()
    expect(widget(tab, "Old form").get_by_role("cell").first).to_have_text(re.compile(r"\d"))
    context.close()


def test_unknown_things_are_pages_too(account: Any) -> None:
    for path in (
        *("/hosts/none", "/metrics/none", "/dashboard/none", "/monitors/1"),
        *("/downtimes?week=x", "/downtimes?zone=..", "/downtimes?week=9999-12-31"),
        f"/dashboard/{account.dashboard}?start=x",
    ):
        status, body = account.standin.get(path)
        assert 400 <= status < 500 and b"<h1>Nothing here</h1>" in body, path


def test_a_page_that_fails_says_so_and_the_log_why(account: Any) -> None:
    address = f"/dashboard/{account.damaged}"
    status, body = account.standin.request("GET", address, accept="text/html,*/*")
    assert status == 500 and b"<h1>This page failed</h1>" in body and b'href="/"' in body
    assert not re.search(b"Traceback|JSONDecodeError|\\.py|sqlite", body), "what happened inside is not told"
    # Clients, and whoever asks the API, get what they can read.
    status, body = account.standin.request("GET", address, accept="application/json")
    assert status == 500 and b'{"errors":["Internal error' in body
    assert "Traceback" in account.standin.output and "JSONDecodeError" in account.standin.output
    # The others are not harmed.
    assert account.standin.get("/dashboards")[0] == 200


def test_a_page_is_there_again_once_it_no_longer_fails(page: Page, account: Any) -> None:
    page.goto("/metrics/nowhere")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
    now = account.call("GET", "/lab/clock")["epoch"]
    sent = {"metric": "nowhere", "type": "gauge", "host": "web-01", "tags": [], "points": [[now - 30, 3], [now, 4]]}
    account.call("POST", "/api/v1/series", {"series": [sent]})
    page.evaluate("refresh()")
    # With its chart, for which the page of the error has loaded nothing.
    expect(page.locator(DRAWN)).to_be_visible()


def test_an_address_that_there_is_not_is_a_page_for_people_and_an_error_for_clients(account: Any) -> None:
    for accept, wanted in (("text/html,*/*", b"<h1>Nothing here</h1>"), ("application/json", b'{"errors"')):
        status, body = account.standin.request("GET", "/nowhere", accept=accept)
        assert status == 404 and wanted in body
