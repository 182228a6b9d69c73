# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The summary of changes to objects."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._objects.summary import summary

URL = "https://app.datadoghq.com/monitors/7"


def entry(action: str, **more: Any) -> dict[str, Any]:
    return {"key": "load", "id": 7, "name": "Load", "url": URL, "action": action, **more}


@pytest.mark.parametrize(
    ("action", "outcome", "more"),
    [
        ("created", "created", {}),
        ("updated", "changed", {}),
        ("adopted", "changed", {"adopted": True}),
        ("deleted", "deleted", {}),
        ("unchanged", "unchanged", {}),
    ],
)
def test_objects_are_grouped_by_outcome(action: str, outcome: str, more: dict[str, Any]) -> None:
    told = summary({"monitors": [entry(action)]})
    assert told["objects"]["monitors"].pop(outcome) == [{"key": "load", "id": 7, "title": "Load", "url": URL, **more}]
    assert list(told["objects"]["monitors"].values()) == [[], [], []]
    assert told["differs"] is (outcome != "unchanged")
    assert told["counts"] == {name: int(name == outcome) for name in ("created", "changed", "deleted", "unchanged")}


def test_kinds_keep_their_own_titles_and_notes() -> None:
    dashboard = {"key": "a", "id": "x", "title": "A", "url": None, "action": "created", "note": "why"}
    told = summary({"dashboards": [dashboard], "monitors": [entry("unchanged")], "downtimes": []})
    assert told["objects"]["dashboards"]["created"] == [
        {"key": "a", "id": "x", "title": "A", "url": None, "note": "why"}
    ]
    assert told["objects"]["downtimes"] == {"created": [], "changed": [], "deleted": [], "unchanged": []}
    assert told["counts"] == {"created": 1, "changed": 0, "deleted": 0, "unchanged": 1}
