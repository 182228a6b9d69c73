# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Monitors that Datadog refuses: the module refuses them offline, and the stand-in with Datadog's message."""

from __future__ import annotations

from typing import Any

import pytest
from account import Account
from ansible_collections.kennel.fleet.plugins.module_utils._api.errors import DatadogError


def monitor(query: str, kind: str = "query alert", **thresholds: float) -> dict[str, Any]:
    return {"key": "x", "name": "X", "type": kind, "query": query, "options": {"thresholds": thresholds}}


METRIC = "avg(last_5m):avg:x{*} by {host}"
CHECK = '"a.up".over("*").by("host").last(2).count_by_status()'
EVENTS = 'events("status:error").rollup("count").last("5m") >= 1'


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (monitor(f"{METRIC} > 8", critical=9), "Alert threshold (9.0) does not match that used in the query (8.0)."),
        (
            monitor(f"{METRIC} > 8", critical=8, warning=9),
            "Warning threshold (9.0) must be less than the alert",
        ),
        (monitor(f"{METRIC} < 8", critical=8, warning=7), "Warning threshold (7.0) must be greater than the alert"),
        (monitor(f"{METRIC} > 8", critical=8, critical_recovery=9), "Alert recovery threshold (9.0) must be less than"),
        (monitor(CHECK, "service check", critical=3), "Last field should be larger than or equal to max threshold"),
        (
            monitor(EVENTS, "event-v2 alert", critical=1, critical_recovery=0),
            "Invalid threshold statuses found: critical_recovery.",
        ),
    ],
)
def test_monitor_is_refused_offline_and_by_the_api(account: Account, item: dict[str, Any], words: str) -> None:
    client = account.client()
    result = account.run("monitor", [item], check=True, client=client)
    assert result["failed"] and result["problems"] and "Datadog rejects" not in result["msg"]
    body = {name: value for name, value in item.items() if name != "key"}
    for path in ("monitor/validate", "monitor"):
        with pytest.raises(DatadogError) as refused:
            client.post(path, body)
        assert words in str(refused.value)
    assert account.there("monitor") == []
