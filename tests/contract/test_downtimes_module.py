# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module datadog_downtimes with the stand-in Datadog."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from account import ITEMS, Account
from ansible_collections.kennel.fleet.plugins.module_utils._objects.schedule import downtime_schedule

DOWNTIME = ITEMS["downtime"]
NIGHTS = DOWNTIME["schedule"]["recurrences"][0]


def recurring(**change: str) -> dict[str, Any]:
    return {"schedule": {**DOWNTIME["schedule"], "recurrences": [{**NIGHTS, **change}]}}


def hours(number: int) -> str:
    """Return the time this number of hours from now."""
    return (datetime.now(timezone.utc) + timedelta(hours=number)).replace(microsecond=0).isoformat()


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"message": "Other words."}, "message: Other words.\n"),
        ({"scope": "env:dev"}, "scope: env:dev\n"),
        ({"display_timezone": "Europe/Paris"}, "display_timezone: Europe/Paris\n"),
        ({"display_timezone": "UTC"}, None),
        ({"mute_first_recovery_notification": True}, "mute_first_recovery_notification: true\n"),
        ({"notify_end_states": ["warn", "alert", "no data"]}, None),
        ({"notify_end_types": ["canceled"]}, "notify_end_types:\n- canceled\n"),
        ({"monitor_key": "other"}, None),
        (recurring(duration="13h"), None),
        (recurring(rrule="FREQ=WEEKLY;INTERVAL=1;BYDAY=SA"), None),
    ],
)
def test_each_kind_of_change(account: Account, change: dict[str, Any], shown: str | None) -> None:
    account.actions("downtime", [DOWNTIME])
    result = account.run("downtime", [{**DOWNTIME, **change}])
    assert not result.get("failed"), result["msg"]
    if shown:
        assert result["diff"][0]["after"] == shown
    assert account.actions("downtime", [{**DOWNTIME, **change}]) == ["unchanged"]
    assert len(account.there("downtime")) == 1


def test_described_schedule_is_the_same_for_weeks(account: Account) -> None:
    said = {"days": ["mon-fri"], "from": "19:00", "to": "09:00", "timezone": "America/Los_Angeles"}
    now = datetime.now(timezone.utc)
    items = [{**DOWNTIME, "schedule": downtime_schedule([said], now)}]
    assert account.actions("downtime", items) == ["created"]
    assert account.actions("downtime", items) == ["unchanged"]
    whole = {"days": ["sat", "sun"], "all_day": True, "timezone": "America/Los_Angeles"}
    both = [{**DOWNTIME, "schedule": downtime_schedule([said, whole], now)}]
    assert account.actions("downtime", both) == ["updated"]
    assert account.actions("downtime", both) == ["unchanged"]


def test_active_downtime(account: Account) -> None:
    item = {**DOWNTIME, "schedule": {"end": hours(5)}}
    made = account.run("downtime", [item])["items"][0]
    assert account.actions("downtime", [item]) == ["unchanged"]
    begun = {**item, "schedule": {"start": hours(-3), "end": hours(6)}}
    result = account.run("downtime", [begun])
    assert result["items"][0]["id"] == made["id"] and result["items"][0]["action"] == "updated"
    assert account.actions("downtime", [begun]) == ["unchanged"]
    later = {**item, "schedule": {"start": hours(2), "end": hours(6)}}
    result = account.run("downtime", [later])
    assert result["items"][0]["id"] != made["id"] and "while it is active" in result["items"][0]["note"]
    assert account.actions("downtime", [later]) == ["unchanged"]
    assert account.actions("downtime", [begun]) == ["updated"]
    assert account.actions("downtime", [begun]) == ["unchanged"]
    assert len(account.there("downtime")) == 1


def test_expired_downtime_is_neither_created_nor_kept(account: Account) -> None:
    over = {**DOWNTIME, "schedule": {"start": hours(-3), "end": hours(-2)}}
    result = account.run("downtime", [over])
    assert not result["changed"] and result["items"][0]["id"] is None
    assert result["items"][0]["note"] == "it has expired" and account.there("downtime") == []


def test_cancelled_downtime_is_recreated(account: Account) -> None:
    account.actions("downtime", [DOWNTIME])
    client = account.client()
    client.delete(f"downtime/{account.there('downtime')[0]['id']}", version="v2")
    assert account.actions("downtime", [DOWNTIME], check=True) == ["created"]
    assert account.actions("downtime", [DOWNTIME]) == ["created"]


def test_monitors_can_be_selected_in_three_ways(account: Account) -> None:
    [monitor] = account.run("monitor", [ITEMS["monitor"]])["items"]
    by_key = {**DOWNTIME, "monitor_key": "load"}
    tags = ["managed_by:kennel", "kennel_fleet:lab", "kennel_key:load"]
    plain = {name: value for name, value in DOWNTIME.items() if name != "monitor_key"}
    assert account.actions("downtime", [by_key]) == ["created"]
    assert account.actions("downtime", [{**plain, "monitor_identifier": {"monitor_tags": tags}}]) == ["unchanged"]
    by_id = {**plain, "monitor_identifier": {"monitor_id": monitor["id"]}}
    result = account.run("downtime", [by_id])
    assert "monitor_identifier cannot change from monitor_tags to monitor_id" in result["items"][0]["note"]
    assert account.actions("downtime", [by_id]) == ["unchanged"]
    assert len(account.there("downtime")) == 1


def test_more_downtimes_than_fit_on_a_page(account: Account) -> None:
    items = [{**DOWNTIME, "key": f"k{number}"} for number in range(103)]
    assert account.actions("downtime", items) == ["created"] * 103
    assert account.actions("downtime", items) == ["unchanged"] * 103
    assert account.actions("downtime", [], prune=True) == ["deleted"] * 103
