# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards are found in every common export format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kennel.fleet.plugins.filter.dashboard_import import dashboard_import
from ansible_collections.kennel.fleet.plugins.module_utils._objects.imports import dashboards

NOTE = {"definition": {"type": "note", "content": "Hi {{you}}"}}
BOARD = {"title": "Mine", "layout_type": "ordered", "widgets": [NOTE]}
GRAPH = {"title": "Load", "definition": {"viz": "timeseries", "requests": [{"q": "avg:system.load.1{*}"}]}}
TIMEBOARD = {"title": "Old", "description": "d", "graphs": [GRAPH]}
WIDGET = {"definition": {"title": "Load", "type": "timeseries", "requests": [{"q": "avg:system.load.1{*}"}]}}
NEW = {"title": "Old", "description": "d", "layout_type": "ordered", "widgets": [WIDGET]}
STATE = {"type": "datadog_dashboard_json", "mode": "managed"}
VALUES = {"dashboard": json.dumps(BOARD), "id": "abc-def-ghi", "url": "/dashboard/abc-def-ghi/mine"}

FORMS: dict[str, tuple[Any, list[Any]]] = {
    "a dashboard as one writes it": (BOARD, [BOARD]),
    "as the API answers it": (BOARD | {"id": "abc-def-ghi", "author_handle": "a@example.com"}, [...]),
    "as its page exports it": (BOARD | {"notify_list": [], "reflow_type": "fixed"}, [...]),
    "a timeboard as a script sends it": (TIMEBOARD, [NEW]),
    "a timeboard as the API answers it": ({"dash": TIMEBOARD | {"id": 7}, "url": "/dash/7"}, [NEW]),
    "a screenboard": (
        {"board_title": "Screen", "widgets": [{"type": "note", "html": "Hi", "x": 1, "y": 2, "width": 3, "height": 4}]},
        [
            {
                "title": "Screen",
                "layout_type": "free",
                "widgets": [
                    {
                        "definition": {"type": "note", "content": "Hi"},
                        "layout": {"x": 1, "y": 2, "width": 3, "height": 4},
                    }
                ],
            }
        ],
    ),
    "a list of several": ([BOARD, TIMEBOARD], [BOARD, NEW]),
    "Terraform's state": (
        {
            "version": 4,
            "resources": [
                {"type": "aws_instance", "mode": "managed", "instances": [{"attributes": {"id": "i-1"}}]},
                {**STATE, "instances": [{"attributes": VALUES}]},
                {**STATE, "mode": "data", "instances": [{"attributes": VALUES}]},
            ],
        },
        [BOARD],
    ),
    "terraform show -json": (
        {
            "format_version": "1.0",
            "values": {
                "root_module": {"resources": [], "child_modules": [{"resources": [{**STATE, "values": VALUES}]}]}
            },
        },
        [BOARD],
    ),
}


@pytest.mark.parametrize(("found", "wanted"), FORMS.values(), ids=FORMS)
def test_dashboards_are_found(found, wanted):
    wanted = [found] if wanted == [...] else wanted
    assert dashboards(found) == wanted
    assert dashboards(json.dumps(found)) == wanted
    assert dashboard_import({"a.json": json.dumps(found)}) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "this is not JSON: "),
        ("5", "this is 5. Provide the JSON"),
        ('["text"]', "this is 'text'. Provide the JSON"),
        ('{"b": 1, "a": 2}', "this has a, b. Provide the JSON"),
        ('{"dashboards": [{"id": "abc-def-ghi"}]}', "a list of dashboards without their contents"),
        ('{"dashes": []}', "a list of dashes without"),
        ('{"title": "T", "graphs": [{"title": "x"}]}', "a graph has no definition"),
        ('{"title": "T", "graphs": [{"definition": {"requests": [{"conditional_formats": ["x"]}], "viz": "toplist"}}]}',
         "a part of it is of another form"),
        ('{"version": 4, "resources": []}', "it contains no dashboard"),
    ],
)  # fmt: skip
def test_other_content_is_refused_with_the_name_of_its_file(text, reason):
    with pytest.raises(AnsibleFilterError) as refused:
        dashboard_import({"good.json": json.dumps(BOARD), "bad.json": text, "other.json": "["})
    message = refused.value.message
    assert "\nbad.json: " in f"\n{message.partition(': ')[2]}" and reason in message
    assert "other.json: this is not JSON" in message and "good.json" not in message


def test_input_must_be_a_dictionary_of_files():
    with pytest.raises(AnsibleFilterError, match="Pass file names and their contents"):
        dashboard_import(json.dumps(BOARD))
