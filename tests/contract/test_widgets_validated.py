# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Datadog validates a dashboard's widgets before anything is sent, even in check mode."""

from __future__ import annotations

from typing import Any

import pytest
from account import ITEMS, Account


def test_widgets_that_only_datadog_refuses_are_reported_in_check_mode(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each widget is sent separately, and groups without their widgets, as terraform-provider-datadog does."""
    note = {"definition": {"type": "note", "content": "a"}}
    group = {"definition": {"type": "group", "layout_type": "ordered", "widgets": [note]}}
    item = {**ITEMS["dashboard"], "widgets": [note, group]}
    client, sent = account.client(), []
    fine = {"is_valid": True}

    def post(path: str, body: dict[str, Any], **_options: object) -> dict[str, Any]:
        sent.append((path, body))
        refused = {"is_valid": False, "error_message": "No such thing.", "error_path": "content"}
        return {"results": [fine, fine, refused]}

    monkeypatch.setattr(client, "post", post)
    result = account.run("dashboard", [item], check=True, client=client)
    assert result["failed"] and "widgets[1].definition.widgets[0].content: Datadog rejects it: No such thing." in str(
        result
    )
    [(path, body)] = sent
    assert path == "dashboard/widgets/validate" and body["layout_type"] == ITEMS["dashboard"]["layout_type"]
    assert [widget["definition"].get("widgets") for widget in body["widgets"]] == [None, [], None]


def test_account_refuses_invalid_widgets_before_any_change(account: Account) -> None:
    widget = {"definition": {"type": "timeseries", "requests": [{"q": "avg:my_metric{*}", "display_type": "bars"}]}}
    client = account.client()
    answer = client.post(
        "dashboard/widgets/validate", {"widgets": [widget, {"definition": {"type": "note"}}], "layout_type": "ordered"}
    )
    assert [result["is_valid"] for result in answer["results"]] == [True, False]
    assert "'content' is a required property" in answer["results"][1]["error_message"]
