# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module datadog_dashboards with the stand-in Datadog."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from account import ITEMS, Account
from ansible_collections.kennel.fleet.plugins.filter.dashboard_export import dashboard_export
from ansible_collections.kennel.fleet.plugins.modules import datadog_dashboards

DASHBOARD = ITEMS["dashboard"]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"title": "Renamed"}, "title: Renamed\n"),
        ({"description": "Other words."}, "description: Other words.\n"),
        ({"template_variables": []}, ""),
        ({"notify_list": ["b@example.com", "a@example.com"]}, "notify_list:\n- a@example.com\n- b@example.com\n"),
        ({"tags": ["team:shop"]}, "tags:\n- team:shop\n"),
        ({"reflow_type": "auto"}, None),
        (
            {"widgets": [*DASHBOARD["widgets"], {"definition": {"type": "note", "content": "Bye"}}]},
            "widgets:\n  note (2):\n    definition:\n      type: note\n      content: Bye\n",
        ),
        ({"widgets": DASHBOARD["widgets"][1:]}, "widgets: {}\n"),
        ({"widgets": DASHBOARD["widgets"][::-1]}, "order of widgets:\n- More\n- Load\n- note\n"),
    ],
)
def test_each_kind_of_change(account: Account, change: dict[str, Any], shown: str | None) -> None:
    account.actions("dashboard", [DASHBOARD])
    result = account.run("dashboard", [{**DASHBOARD, **change}])
    assert [diff["after"] for diff in result["diff"]] == ([] if shown is None else [shown])
    assert account.actions("dashboard", [{**DASHBOARD, **change}]) == ["unchanged"]


def test_manual_change_is_detected_and_reverted(account: Account) -> None:
    account.actions("dashboard", [DASHBOARD])
    client = account.client()
    found = client.get(f"dashboard/{account.there('dashboard')[0]['id']}")
    edited = copy.deepcopy(found)
    edited["widgets"][1]["definition"]["requests"][0]["display_type"] = "bars"
    client.put(f"dashboard/{found['id']}", edited)
    checked = account.run("dashboard", [DASHBOARD], check=True)
    [diff] = checked["diff"]
    assert "display_type: bars" in diff["before"] and "display_type: line" in diff["after"]
    assert "Load:" in diff["before"] and "note" not in diff["before"] and "title: The shop" not in diff["before"]
    assert account.actions("dashboard", [DASHBOARD]) == ["updated"]
    assert account.actions("dashboard", [DASHBOARD]) == ["unchanged"]


def test_dashboard_deleted_while_reading_is_created(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    [gone] = account.run("dashboard", [DASHBOARD])["items"]
    client = account.client()
    pages = client.pages

    def then_deleted(path: str, **params: Any) -> list[Any]:
        found = list(pages(path, **params))
        if gone["id"] in [each["id"] for each in found]:
            account.client().delete(f"dashboard/{gone['id']}")
        return found

    monkeypatch.setattr(client, "pages", then_deleted)
    assert account.actions("dashboard", [DASHBOARD], client=client) == ["created"]
    assert len(account.there("dashboard")) == 1


def test_existing_dashboard_is_exported_and_adopted(account: Account) -> None:
    item = {**DASHBOARD, "notify_list": ["b@example.com", "a@example.com"]}
    account.make("dashboard", item)
    client = account.client()
    found = client.get(f"dashboard/{account.there('dashboard')[0]['id']}")
    exported = dashboard_export(found)
    assert exported["key"] == "the_shop" and "id" not in str(list(exported["widgets"][0]))
    adopted = account.run("dashboard", [exported], adopt=True)
    assert [entry["action"] for entry in adopted["items"]] == ["adopted"]
    assert adopted["diff"][0]["before"] == ""
    assert account.actions("dashboard", [exported]) == ["unchanged"]
    again = client.get(f"dashboard/{found['id']}")
    assert dashboard_export(again) == exported and dashboard_export([again]) == [exported]


def test_more_dashboards_than_fit_on_a_page(account: Account) -> None:
    items = [{**DASHBOARD, "widgets": [], "key": f"k{number}", "title": f"T{number}"} for number in range(103)]
    assert account.actions("dashboard", items) == ["created"] * 103
    assert account.actions("dashboard", items) == ["unchanged"] * 103
    assert account.actions("dashboard", items[:1], prune=True) == ["unchanged"] + ["deleted"] * 102


def test_unknown_parts_are_sent_with_one_warning(account: Account) -> None:
    widgets = [{"definition": {"type": "note", "content": "New", "glow": True}}, {"definition": {"type": "hologram"}}]
    item = {**DASHBOARD, "widgets": widgets}
    result = account.run("dashboard", [item])
    [warning] = result["warnings"]
    assert warning.startswith(
        "dashboard shop: widgets[0].definition.glow, widgets[1].definition.type 'hologram': unknown, "
    )
    assert account.client().get(f"dashboard/{result['items'][0]['id']}")["widgets"][0]["definition"]["glow"] is True
    assert account.actions("dashboard", [item]) == ["unchanged"]


def test_the_module_itself(account: Account, run_module: Callable[..., dict[str, Any]]) -> None:
    keys = {"api_key": account.standin.api_key, "app_key": account.standin.app_key, "api_url": account.standin.url}
    arguments = {**keys, "fleet": "lab", "dashboards": [DASHBOARD]}
    made = run_module(datadog_dashboards, **arguments)
    assert made["changed"] and not made["failed"] and made["dashboards"][0]["title"] == "The shop"
    assert account.standin.app_key not in str(made) and account.standin.api_key not in str(made)
    assert not run_module(datadog_dashboards, check=True, **arguments)["changed"]
    refused = run_module(datadog_dashboards, **{**arguments, "dashboards": [{"key": "x"}]})
    assert refused["failed"] and "title is missing" in refused["msg"]
