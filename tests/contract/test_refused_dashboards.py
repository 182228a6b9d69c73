# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards that Datadog refuses: the module refuses them offline, and the stand-in with Datadog's message."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from account import ITEMS, Account
from ansible_collections.kennel.fleet.plugins.module_utils._api.errors import DatadogError

DASHBOARD = ITEMS["dashboard"]
NOTE = {"type": "note", "content": "Hello"}
PLACE = {"x": 0, "y": 0, "width": 4, "height": 2}
GRAPH = {"type": "timeseries", "requests": [{"q": "avg:x{*}", "display_type": "line"}]}


def board(definition: Any, layout: Any = None, **fields: Any) -> dict[str, Any]:
    widgets = [{"definition": NOTE, **({"layout": PLACE} if layout else {})}, {"definition": definition}]
    if layout:
        widgets[1]["layout"] = layout
    return {**copy.deepcopy(DASHBOARD), "widgets": widgets, **fields}


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (
            board({**GRAPH, "requests": None}),
            "Invalid widget definition at position 1 of type timeseries. Error: 'requests' is a required property.",
        ),
        (
            board({"type": "group", "layout_type": "ordered", "widgets": [{"definition": {"type": "note"}}]}),
            "Invalid widget definition at position 1 of type group. Error: Invalid inner widget definition at position"
            " 0 of type note. Error: 'content' is a required property.",
        ),
        (board({"content": "x"}), "Invalid widget definition at position 1. Error: 'type' is a required property."),
        (board({**GRAPH, "requests": {}}), "of type timeseries. Error: {} is not of type 'array'."),
        (
            board({**GRAPH, "requests": [{"q": "avg:x{*}", "display_type": "lines"}]}),
            "of type timeseries. Error: 'lines' is not one of ['area', 'bars', 'line', 'overlay'].",
        ),
        (board({**GRAPH, "time": {"live_span": "2h"}}), "of type timeseries. Error: '2h' is not one of ['1m', '5m',"),
        (
            board(GRAPH, layout_type="free"),
            "Invalid widget at position 0 of type note. Error: 'layout' is a required property.",
        ),
        (board(GRAPH, reflow_type="fixed"), "Error: 'layout' is a required property."),
        (board(GRAPH, {"width": 2, "height": 2}, reflow_type="fixed"), "MSL widget out of grid. 'x' is a required"),
        (board(GRAPH, {**PLACE, "x": 10}, reflow_type="fixed"), "Error: MSL widget out of grid."),
        (board(GRAPH, tags=[f"team:{number}" for number in range(6)]), "elements in parameter 'tags' should be 5"),
        (board(GRAPH, tags=["env:prod"]), "Invalid tag format. Valid tag keys are: team."),
        (board(GRAPH, reflow_type="flow"), "Value of parameter 'reflow_type' should be any of these"),
    ],
)
def test_dashboard_is_refused_offline_and_by_the_api(account: Account, item: dict[str, Any], words: str) -> None:
    result = account.run("dashboard", [item], check=True)
    assert result["failed"] and result["problems"] and not result["changed"]
    body = {name: value for name, value in item.items() if name != "key"}
    with pytest.raises(DatadogError) as refused:
        account.client().post("dashboard", body)
    assert words in str(refused.value)
    assert account.there("dashboard") == []
