"""The stand-in Datadog without a server: a client of its application, and an account whose clock the test moves."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
app, keys, clock, bodies, documents, errors, protobuf, store, watch = (
    importlib.import_module(f"standin.{name}")
    for name in (
        *("app", "api.keys", "clock", "wire.bodies", "store.documents", "errors", "wire.protobuf", "store"),
        "alert.watch",
    )
)

KEYS = [(b"dd-api-key", b"k"), (b"dd-application-key", b"a"), (b"host", b"lab.example:8080")]

ZONE = ZoneInfo("America/Los_Angeles")
# A Tuesday at noon.
NOON = datetime(2026, 11, 24, 12, tzinfo=ZONE).timestamp()


class Client:
    """Calls the application as a server would; `store` is its store."""

    def __init__(self, folder: Path, limits: dict[str, int] | None = None, **options: Any) -> None:
        self.store = store.Store(folder, 86400, **(limits or {}))
        self.app = app.make(self.store, keys.Keys("k", "a"), **options)

    def call(
        self, method: str, path: str, query: dict[str, Any] | None = None, body: Any = None, headers: list | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return (status, headers, body) of a response. A body that is not bytes is sent as JSON."""
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        parts = [{"type": "http.request", "body": sent}]
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": urlencode(query or {}).encode(),
            "headers": KEYS if headers is None else headers,
            "scheme": "http",
            "server": ("127.0.0.1", 8080),
        }
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            # A client that has sent everything waits for the response.
            return parts.pop() if parts else await asyncio.Event().wait()

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        asyncio.run(self.app(scope, receive, send))
        head = {name.decode(): value.decode() for name, value in said[0]["headers"]}
        return said[0]["status"], head, b"".join(part.get("body", b"") for part in said[1:])

    def json(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return the body of a response, which must be a success."""
        status, _, answer = self.call(method, path, query, body)
        assert status < 300, answer
        return json.loads(answer) if answer else None


class Lab:
    """An account whose clock stands still until a test moves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.time = NOON
        self.clock = clock.Clock()
        self.clock.now = lambda: self.time
        self.restart()

    def restart(self) -> None:
        """Restart with the data on disk."""
        self.store = store.Store(self.folder, retention=86400)
        self.documents = documents.Documents(self.store)
        self.watch = watch.Watch(self.store, self.documents, self.clock)

    def monitor(self, query: str, message: str = "@ops@example.com", kind: str = "query alert", **fields: Any) -> int:
        """Create a monitor, and return its id."""
        id_ = self.documents.new_id("monitor")
        fields = {"name": "m", "tags": [], "options": {}, "created": clock.iso(self.time), "priority": None, **fields}
        self.documents.put("monitor", id_, {"id": id_, "type": kind, "query": query, "message": message, **fields})
        return id_

    def downtime(self, monitor_id: int, schedule: dict[str, Any], **fields: Any) -> str:
        """Create a downtime for a monitor, and return its id."""
        id_ = self.documents.new_id("downtime")
        usual = {"scope": "*", "canceled": None, "notify_end_states": ["alert"], "notify_end_types": ["expired"]}
        body = {"id": id_, "monitor_identifier": {"monitor_id": monitor_id}, "schedule": schedule, **usual, **fields}
        self.documents.put("downtime", id_, body)
        return id_

    def send(self, value: float, host: str = "web-1", metric: str = "my_metric", seconds: float = 0) -> None:
        """Send points every 15 seconds over the last `seconds`."""
        key = bodies.Key(metric, host, ())
        points = {int(self.time) - 1 - ago: float(value) for ago in range(0, int(seconds) + 1, 15)}
        self.store.add_samples([bodies.Sample(key, "gauge", 0, points)], int(self.time))

    def check(
        self, *statuses: int, host: str = "db-1", tags: Iterable[str] = (), name: str = "mysql.can_connect"
    ) -> None:
        """Send check runs ten seconds apart, the last one now."""
        for age, status in enumerate(reversed(statuses)):
            run = bodies.CheckRun(name, host, tuple(tags), status, int(self.time) - 10 * age, f"status {status}")
            self.store.add_check_runs([run], int(self.time))

    def later(self, seconds: float = 0, value: float | None = None, host: str = "web-1") -> list[str]:
        """Move the clock, sending data if a value is given, and evaluate; return the subjects of new mails."""
        before = len(self.mail())
        self.time += seconds
        if value is not None:
            self.send(value, host, seconds=min(seconds, 600))
        self.watch.evaluate()
        return [message["subject"] for message in self.mail()[before:]]

    def mail(self) -> list[dict[str, Any]]:
        """Return all mails so far."""
        return self.documents.all("mail")

    def status(self, id_: int) -> dict[str, str]:
        """Return the status of each group of a monitor."""
        return {name: group["status"] for name, group in self.watch.state(id_)["groups"].items()}


MESSAGE = """{{#is_alert}}{{value}} on {{host.name}} ({{host.ip}}), above {{threshold}}{{/is_alert}}
{{#is_warning}}{{value}} on {{host.name}}, above {{warn_threshold}}{{/is_warning}}
{{#is_no_data}}nothing from {{host.name}}{{/is_no_data}}{{#is_recovery}}back to {{value}}{{/is_recovery}}
@ops@example.com"""


def watched(lab: Lab) -> Lab:
    """An account with the role's monitor on my_metric, `id`, and one host that is OK."""
    gohai = {"gohai": json.dumps({"network": {"ipaddress": "10.0.0.7"}})}
    lab.store.add_host(bodies.HostReport("web-1", {"system": ["env:dev"]}, [], gohai), int(NOON))
    options = {"thresholds": {"warning": 500, "critical": 800}, "notify_no_data": True, "no_data_timeframe": 10}
    lab.id = lab.monitor(
        "avg(last_5m):avg:my_metric{*} by {host} > 800", MESSAGE, name="my_metric on {{host.name}}", options=options
    )
    lab.later(value=100)
    return lab
