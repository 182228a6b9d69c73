# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Blocks of Terraform's state become what the provider sends for them, according to its recordings of each widget."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._objects.dashboards import Dashboards
from ansible_collections.kennel.fleet.plugins.module_utils._objects.imports import dashboards
from ansible_collections.kennel.fleet.plugins.module_utils._objects.terraform import dashboard_of_blocks

Q = "avg:system.load.1{*} by {host}"
METRIC = {
    "metric_query": [{"data_source": "metrics", "name": "a", "query": Q, "aggregator": "", "cross_org_uuids": []}]
}
EVENTS = {
    "metric_query": [],
    "event_query": [
        {
            "data_source": "logs",
            "name": "b",
            "indexes": ["*"],
            "search": [{"query": "status:error"}],
            "compute": [{"aggregation": "count", "interval": 0, "metric": ""}],
            "group_by": [
                {"facet": "host", "limit": 10, "sort": [{"aggregation": "count", "order": "desc", "metric": ""}]}
            ],
        }
    ],
}
SENT_METRIC = {"data_source": "metrics", "name": "a", "query": Q}
SENT_EVENTS = {
    "data_source": "logs",
    "name": "b",
    "indexes": ["*"],
    "search": {"query": "status:error"},
    "compute": {"aggregation": "count"},
    "group_by": [{"facet": "host", "limit": 10, "sort": {"aggregation": "count", "order": "desc"}}],
}
# What a block of each widget becomes. Empty strings, zeros and empty lists were not set.
WIDGETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "timeseries": (
        {
            "title": "Load",
            "live_span": "4h",
            "show_legend": False,
            "legend_size": "",
            "event": [{"q": "tags:deploy", "tags_execution": ""}],
            "marker": [{"value": "y > 5", "display_type": "error dashed", "label": "", "time": ""}],
            "yaxis": [{"min": "0", "max": "", "include_zero": False, "label": "", "scale": ""}],
            "custom_link": [],
            "request": [
                {
                    "q": Q,
                    "display_type": "line",
                    "on_right_yaxis": False,
                    "style": [{"palette": "warm", "line_width": ""}],
                },
                {
                    "q": "",
                    "formula": [{"formula_expression": "a + b", "alias": "", "limit": [{"count": 5, "order": "desc"}]}],
                    "query": [METRIC, EVENTS],
                },
                {
                    "log_query": [
                        {
                            "index": "*",
                            "search_query": "status:error",
                            "compute_query": [{"aggregation": "count", "facet": "", "interval": 0}],
                            "group_by": [
                                {"facet": "host", "limit": 0, "sort_query": [{"aggregation": "count", "order": "desc"}]}
                            ],
                        }
                    ]
                },
            ],
        },
        {
            "type": "timeseries",
            "title": "Load",
            "time": {"live_span": "4h"},
            "show_legend": False,
            "events": [{"q": "tags:deploy"}],
            "markers": [{"value": "y > 5", "display_type": "error dashed"}],
            "yaxis": {"min": "0", "include_zero": False},
            "requests": [
                {"q": Q, "display_type": "line", "style": {"palette": "warm"}},
                {
                    "formulas": [{"formula": "a + b", "limit": {"count": 5, "order": "desc"}}],
                    "queries": [SENT_METRIC, SENT_EVENTS],
                    "response_format": "timeseries",
                },
                {
                    "log_query": {
                        "index": "*",
                        "search": {"query": "status:error"},
                        "compute": {"aggregation": "count"},
                        "group_by": [{"facet": "host", "sort": {"aggregation": "count", "order": "desc"}}],
                    }
                },
            ],
        },
    ),
    "query_value": (
        {
            "autoscale": False,
            "precision": 0,
            "request": [
                {
                    "formula": [{"formula_expression": "a"}],
                    "query": [METRIC],
                    "conditional_formats": [
                        {"comparator": ">", "palette": "white_on_red", "value": 0, "image_url": ""}
                    ],
                }
            ],
        },
        {
            "type": "query_value",
            "autoscale": False,
            "precision": 0,
            "requests": [
                {
                    "formulas": [{"formula": "a"}],
                    "queries": [SENT_METRIC],
                    "response_format": "scalar",
                    "conditional_formats": [{"comparator": ">", "palette": "white_on_red", "value": 0}],
                }
            ],
        },
    ),
    "hostmap": (
        {"request": [{"fill": [{"q": Q}], "size": []}], "group": ["env"], "no_group_hosts": False, "node_type": "host"},
        {"type": "hostmap", "requests": {"fill": {"q": Q}}, "group": ["env"], "node_type": "host"},
    ),
    "service_level_objective": (
        {
            "slo_id": "b4",
            "view_type": "detail",
            "view_mode": "overall",
            "time_windows": ["7d"],
            "show_error_budget": True,
        },
        {
            "type": "slo",
            "slo_id": "b4",
            "view_type": "detail",
            "view_mode": "overall",
            "time_windows": ["7d"],
            "show_error_budget": True,
        },
    ),
    "query_table": (
        {
            "request": [
                {
                    "formula": [{"formula_expression": "a"}],
                    "query": [METRIC],
                    "text_formats": [
                        {"text_format": [{"match": [{"type": "is", "value": "x"}], "palette": "custom_bg"}]}
                    ],
                }
            ]
        },
        {
            "type": "query_table",
            "requests": [
                {
                    "formulas": [{"formula": "a"}],
                    "queries": [SENT_METRIC],
                    "response_format": "scalar",
                    "text_formats": [[{"match": {"type": "is", "value": "x"}, "palette": "custom_bg"}]],
                }
            ],
        },
    ),
    "sunburst": (
        {
            "request": [{"formula": [{"formula_expression": "a"}], "query": [METRIC]}],
            "legend_inline": [{"type": "automatic", "hide_value": False, "hide_percent": True}],
            "legend_table": [],
        },
        {
            "type": "sunburst",
            "requests": [{"formulas": [{"formula": "a"}], "queries": [SENT_METRIC], "response_format": "scalar"}],
            "legend": {"type": "automatic", "hide_value": False, "hide_percent": True},
        },
    ),
    "list_stream": (
        {
            "request": [
                {
                    "columns": [{"field": "timestamp", "width": "auto"}],
                    "query": [{"data_source": "logs_stream", "query_string": "env:prod", "indexes": ["main"]}],
                    "response_format": "event_list",
                }
            ]
        },
        {
            "type": "list_stream",
            "requests": [
                {
                    "columns": [{"field": "timestamp", "width": "auto"}],
                    "query": {"data_source": "logs_stream", "query_string": "env:prod", "indexes": ["main"]},
                    "response_format": "event_list",
                }
            ],
        },
    ),
    "heatmap": (
        {"request": [{"histogram_request": [{"histogram_query": [{"metric_query": METRIC["metric_query"]}]}]}]},
        {"type": "heatmap", "requests": [{"query": SENT_METRIC, "request_type": "histogram"}]},
    ),
}


@pytest.mark.parametrize("kind", WIDGETS)
def test_blocks_of_a_widget(kind):
    block, wanted = WIDGETS[kind]
    others = {f"{name}_definition": [] for name in WIDGETS if name != kind}
    values = {"title": "T", "layout_type": "ordered", "widget": [{"id": 1, **others, f"{kind}_definition": [block]}]}
    made = dashboard_of_blocks(values)
    assert made == {"title": "T", "layout_type": "ordered", "widgets": [{"definition": wanted}]}
    assert Dashboards().problems(made) == []


def test_complete_dashboard_in_a_state():
    note = {"note_definition": [{"content": "Hi", "background_color": "", "has_padding": True}], "widget_layout": []}
    group = {"layout_type": "ordered", "title": "More", "widget": [note]}
    values = {
        "id": "abc-def-ghi",
        "title": "Mine",
        "description": "",
        "layout_type": "ordered",
        "reflow_type": "fixed",
        "is_read_only": False,
        "notify_list": [],
        "tags": ["team:shop"],
        "url": "/dashboard/abc-def-ghi/mine",
        "template_variable": [
            {"name": "host", "prefix": "host", "default": "", "defaults": ["*"], "available_values": []}
        ],
        "template_variable_preset": [
            {"name": "one", "template_variable": [{"name": "host", "value": "", "values": ["a"]}]}
        ],
        "widget": [
            {
                "group_definition": [group],
                "widget_layout": [{"x": 0, "y": 0, "width": 12, "height": 4, "is_column_break": False}],
            }
        ],
    }
    state = {
        "version": 4,
        "resources": [{"mode": "managed", "type": "datadog_dashboard", "instances": [{"attributes": values}]}],
    }
    inner = {"definition": {"type": "note", "content": "Hi", "has_padding": True}}
    assert dashboards(state) == [
        {
            "title": "Mine",
            "layout_type": "ordered",
            "reflow_type": "fixed",
            "tags": ["team:shop"],
            "template_variables": [{"name": "host", "prefix": "host", "defaults": ["*"]}],
            "template_variable_presets": [{"name": "one", "template_variables": [{"name": "host", "values": ["a"]}]}],
            "widgets": [
                {
                    "definition": {"type": "group", "layout_type": "ordered", "title": "More", "widgets": [inner]},
                    "layout": {"x": 0, "y": 0, "width": 12, "height": 4},
                }
            ],
        }
    ]
    assert Dashboards().problems(dashboards(state)[0]) == []


def test_unknown_fields_are_kept():
    values = {"title": "T", "layout_type": "ordered", "widget": [{"brand_new_definition": [{"shine": 5, "dull": ""}]}]}
    assert dashboard_of_blocks(values)["widgets"] == [{"definition": {"type": "brand_new", "shine": 5, "dull": ""}}]
