# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An account in the stand-in Datadog, with the modules for objects running in this process."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._objects.gateway import Gateway, apply_kind, gateway
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import Mark

if TYPE_CHECKING:
    from standin_process import Standin

Body = dict[str, Any]
ITEMS: dict[str, Body] = {
    "dashboard": {
        "key": "shop",
        "title": "The shop",
        "layout_type": "ordered",
        "description": "What is sold.",
        "template_variables": [{"name": "host", "prefix": "host", "defaults": ["*"]}],
        "notify_list": [],
        "widgets": [
            {"definition": {"type": "note", "content": "Hello"}},
            {
                "definition": {
                    "type": "timeseries",
                    "title": "Load",
                    "requests": [
                        {
                            "display_type": "line",
                            "response_format": "timeseries",
                            "formulas": [{"formula": "load"}],
                            "queries": [
                                {
                                    "name": "load",
                                    "data_source": "metrics",
                                    "query": "avg:system.load.1{$host} by {host}",
                                }
                            ],
                        }
                    ],
                }
            },
            {
                "definition": {
                    "type": "group",
                    "layout_type": "ordered",
                    "title": "More",
                    "widgets": [{"definition": {"type": "note", "content": "Inside"}}],
                }
            },
        ],
    },
    "monitor": {
        "key": "load",
        "name": "Load",
        "type": "metric alert",
        "query": "avg(last_5m):avg:system.load.1{*} by {host} > 8\n",
        "message": "The load is {{value}}. @ops@example.com\n",
        "tags": ["team:shop", "env:prod"],
        "priority": "5",
        "options": {
            "thresholds": {"critical": 8, "warning": 4},
            "notify_no_data": True,
            "no_data_timeframe": 10,
            "renotify_interval": 0,
            "silenced": {},
        },
    },
    "downtime": {
        "key": "nights",
        "monitor_key": "load",
        "scope": "env:prod",
        "message": "Nights are quiet. @ops@example.com",
        "schedule": {
            "timezone": "Europe/Paris",
            "recurrences": [
                {
                    "rrule": "FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR",
                    "duration": "14h",
                    "start": "2026-01-05T19:00:00",
                }
            ],
        },
    },
}
# A change to each kind of object that updates it in place.
CHANGES: dict[str, Body] = {
    "dashboard": {"title": "The new shop"},
    "monitor": {"name": "Load of {{host.name}}"},
    "downtime": {"message": "Nights are very quiet."},
}
KINDS = sorted(ITEMS)


@dataclass
class Account:
    """Runs the modules, and reads the account directly."""

    standin: Standin

    def client(self, *, patient: bool = False, **options: Any) -> Client:
        """Return a client of the account; it only waits between attempts if PATIENT."""
        keys = {"api_key": self.standin.api_key, "app_key": self.standin.app_key}
        sleep = time.sleep if patient else lambda seconds: None
        return Client(**{**keys, "api_url": self.standin.url, "sleep": sleep, **options})

    def gateway(self, kind: str) -> Gateway:
        """Return the gateway that modules use for a kind of object."""
        return gateway(self.client(), kind)

    def run(
        self,
        kind: str,
        items: list[Body],
        *,
        check: bool = False,
        fleet: str = "lab",
        client: Client | None = None,
        **params: bool,
    ) -> Body:
        """Run a module, and return its result, with the list of objects as ``items``."""
        params = {"fleet": fleet, f"{kind}s": copy.deepcopy(items), "adopt": False, "prune": False, **params}
        result = apply_kind(gateway(client or self.client(), kind), params, check)
        return {**result, "items": result[f"{kind}s"]}

    def actions(self, kind: str, items: list[Body], **options: Any) -> list[str]:
        """Return what a run did with each object; the run must succeed."""
        result = self.run(kind, items, **options)
        assert not result.get("failed"), result["msg"]
        actions = [item["action"] for item in result["items"]]
        assert result["changed"] == any(action != "unchanged" for action in actions)
        assert len(result["diff"]) == len([action for action in actions if action != "unchanged"])
        return actions

    def there(self, kind: str) -> list[Body]:
        """Return all objects, of any owner."""
        return sorted(self.gateway(kind).list_objects(), key=lambda found: str(found["id"]))

    def make(self, kind: str, item: Body, mark: Mark | None = None) -> Any:
        """Create an object as another program would, and return its ID."""
        objects = self.gateway(kind)
        body = objects.schema.body(item, mark or Mark("lab", "y"))
        if mark is None:
            carrier, nothing = {"dashboard": ("description", ""), "monitor": ("tags", [])}.get(kind, ("message", ""))
            body[carrier] = item.get(carrier) or nothing
        return objects.create(body, {})["id"]

    def lab(self, method: str, path: str, body: Any = None) -> None:
        """Call one of the lab's routes."""
        keys = {"dd_api_key": self.standin.api_key, "dd_application_key": self.standin.app_key}
        sent = None if body is None else json.dumps(body).encode()
        status, answer = self.standin.request(method, f"/lab/{path}", sent, content_type="application/json", **keys)
        assert status < 300, answer

    def fault(self, kind: str, **options: Any) -> None:
        """Let the next call fail."""
        self.lab("POST", "faults", {"kind": kind, **options})
