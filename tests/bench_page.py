"""Measures how long the stand-in Datadog takes for its pages, and a browser to draw them. Prints milliseconds.

python3 tests/bench_page.py [--hosts 50] [--hours 4] [--metrics 60] [--rounds 7] [--browser]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright
from standin_process import Standin, free_port

sys.path.insert(0, str(Path(__file__).parent / "browser"))
import fleet
import objects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--hours", type=float, default=4)
    parser.add_argument(
        "--metrics", type=int, default=60, help="metrics per host, with a point every 15 s (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--browser", action="store_true", help="also measure until the visible charts are drawn, in Chromium"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kennel-bench") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        begin = time.monotonic()
        fleet.fill(folder / "data", given.hosts, given.hours, int(time.time()), metrics=given.metrics)
        took = time.monotonic() - begin
        print(f"{given.hosts} hosts, {given.hours:g} h, {given.metrics} metrics: filled in {took:.0f} s")
        standin = Standin(folder, free_port())
        # The first request shows that the server has started.
        standin.start()
        try:
            pages = measure(standin, given.rounds)
            if given.browser:
                draw(standin, pages, given.rounds)
        finally:
            standin.stop()


def measure(standin: Standin, rounds: int) -> tuple[str, ...]:
    """Print how long each page takes: the first time, and the median and maximum of later times."""
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key, "content_type": "application/json"}
    made = [
        json.loads(standin.request("POST", path, json.dumps(body).encode(), **keys)[1])["id"]
        for path, body in (("/api/v1/dashboard", objects.TIMEBOARD), ("/api/v1/monitor", objects.MONITORS[0]))
    ]
    pages = ("/", "/?group=zone", "/hosts/web-01", "/metrics", "/metrics/my_metric", f"/dashboard/{made[0]}",
             "/explore?metric=my_metric&by=host", "/monitors", f"/monitors/{made[1]}", "/downtimes",
             "/mailbox")  # fmt: skip
    print(f"{'page':<34} {'first':>7} {'median':>7} {'longest':>8}  ms")
    for path in pages:
        times = []
        for _round in range(rounds + 1):
            begin = time.monotonic()
            status, _body = standin.get(path)
            times.append((time.monotonic() - begin) * 1000)
            assert status == 200, path
        first, *rest = times
        print(f"{path:<34} {first:>7.0f} {statistics.median(rest):>7.0f} {max(rest):>8.0f}")
    return pages


# A chart is visible from the frame after the one in which it was created.
_DRAWN = """new MutationObserver(() => {
    if (document.querySelector(".plot canvas") && !window.drawing) {
        window.drawing = requestAnimationFrame(() => requestAnimationFrame(() => { window.drawn = performance.now() }));
    }
}).observe(document, { subtree: true, childList: true })"""
_SIZE = """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, one) => sum + one.transferSize, 0)"""


def draw(standin: Standin, pages: tuple[str, ...], rounds: int) -> None:
    """Print how long it takes until a page shows its charts: with an empty cache, and on later visits."""
    print(f"\n{'drawn in a browser':<34} {'first':>7} {'median':>7} {'longest':>8}  ms {'first':>7} {'later':>7}  KiB")
    with sync_playwright() as playwright:
        # Its sandbox needs namespaces, which root in a container does not get.
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for page in pages:
            context = browser.new_context(base_url=standin.url, viewport={"width": 1280, "height": 900})
            context.add_init_script(_DRAWN)
            times, sizes = [], []
            for _round in range(rounds + 1):
                tab = context.new_page()
                tab.goto(page)
                if not tab.locator(".plot").count():
                    break
                tab.wait_for_function("window.drawn")
                times.append(tab.evaluate("window.drawn"))
                sizes.append(tab.evaluate(_SIZE) / 1024)
                tab.close()
            context.close()
            if times:
                first, *rest = times
                shown = f"{page:<34} {first:>7.0f} {statistics.median(rest):>7.0f} {max(rest):>8.0f}"
                print(f"{shown}     {sizes[0]:>7.0f} {statistics.median(sizes[1:]):>7.0f}")
        browser.close()


if __name__ == "__main__":
    main()
