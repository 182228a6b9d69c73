"""Fixtures: a browser, and a stand-in Datadog with a fleet and a user's objects."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import fleet
import objects
import pytest
import traffic
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from standin_process import Standin, free_port


@dataclass
class Account:
    """IDs of the user's objects."""

    standin: Standin
    dashboard: str = ""
    damaged: str = ""
    monitors: list[int] = field(default_factory=list)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a call with both keys, and return the decoded response. Fails on any error."""
        keys = {"dd_api_key": self.standin.api_key, "dd_application_key": self.standin.app_key}
        sent = None if body is None else json.dumps(body).encode()
        status, answer = self.standin.request(method, path, sent, content_type="application/json", **keys)
        assert status < 300, (path, answer)
        return json.loads(answer) if answer else None


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account with twelve hosts that have reported for an hour and a half."""
    folder = tmp_path_factory.mktemp("standin")
    (folder / "data").mkdir()
    fleet.fill(folder / "data", 12, 1.5, int(time.time()))
    standin = Standin(folder, free_port())
    standin.start()
    made = Account(standin)
    try:
        made.dashboard = made.call("POST", "/api/v1/dashboard", objects.TIMEBOARD)["id"]
        # Remove the database's other files, which do not belong to this one.
        made.damaged = made.call("POST", "/api/v1/dashboard", {**objects.TIMEBOARD, "title": "Damaged"})["id"]
        with sqlite3.connect(folder / "data" / "datadog.sqlite") as stored:
            stored.execute("INSERT INTO document (kind, id, body) VALUES ('old board', ?, '{')", (made.damaged,))
        stored.close()
        made.monitors = [made.call("POST", "/api/v1/monitor", body)["id"] for body in objects.MONITORS]
        start = (datetime.now(ZoneInfo("America/New_York")) + timedelta(days=1)).date().isoformat()
        for attributes in objects.downtimes(start):
            sent = {"data": {"type": "downtime", "attributes": attributes}}
            made.call("POST", "/api/v2/downtime", sent)
        made.call("POST", "/api/v1/events", {"title": "Look", "text": f"{objects.SPITE} @ops", "alert_type": "warning"})
        now = int(time.time())
        drawn = {"metric_query": "avg:system.load.1{*}", "start": now - 3600, "end": now}
        picture = made.call("GET", f"/api/v1/graph/snapshot?{urlencode(drawn)}")["snapshot_url"]
        told = {"title": "shop deployed", "text": objects.MARKDOWN.format(picture=picture), "alert_type": "success"}
        made.call("POST", "/api/v1/events", {**told, "date_happened": now - 900, "tags": ["service:shop"]})
        for path, body in traffic.bodies(int(time.time())):
            assert standin.request("POST", path, body, dd_api_key=standin.api_key)[0] == 202
        made.call("POST", "/lab/evaluate")
        yield made
    finally:
        standin.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "Chromium is not installed. Run ./kennel test browser."
    with sync_playwright() as playwright:
        # Its sandbox needs namespaces, which root in a container does not get.
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def context(browser: Browser, account: Account) -> Iterator[BrowserContext]:
    """A user's browser session, with its cache."""
    size = {"width": 1280, "height": 900}
    made = browser.new_context(base_url=account.standin.url, viewport=size, reduced_motion="reduce")
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, account: Account) -> Iterator[Page]:
    """A tab that fails the test on console errors, failed requests, and requests to other hosts."""
    tab = context.new_page()
    problems: list[str] = []

    def heed(message: ConsoleMessage) -> None:
        # These addresses are meant to be missing or to fail.
        wanted = ("/nowhere", f"/dashboard/{account.damaged}")
        if message.type in ("error", "warning") and not message.location["url"].endswith(wanted):
            problems.append(message.text)

    tab.on("console", heed)
    tab.on("pageerror", lambda error: problems.append(str(error)))
    # A page that is closed cancels its request for new data.
    left = "net::ERR_ABORTED"
    tab.on("requestfailed", lambda one: one.failure == left or problems.append(f"{one.url}: {one.failure}"))
    tab.on("request", lambda request: request.url.startswith(account.standin.url) or problems.append(request.url))
    tab.on("dialog", lambda dialog: problems.append("something that was sent was run") or dialog.dismiss())
    yield tab
    tab.close()
    assert problems == []
