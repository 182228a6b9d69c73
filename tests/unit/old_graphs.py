# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Graphs of timeboards, each with the definition of a widget that it becomes."""

from __future__ import annotations

Q = {"q": "avg:my_metric{$host} by {host}"}
# Fields that old clients send with every request and widget, for example terraform-provider-datadog 2.18.
EMPTY = {"aggregator": "", "change_type": "", "order_by": "", "compare_to": "", "increase_good": False, "style": {}}
UNUSED = {"autoscale": False, "text_align": "", "custom_unit": "", "noMetricHosts": False, "nodeType": "", "yaxis": {}}
GRAPHS = {
    "a line": (
        {"viz": "timeseries", "requests": [Q | EMPTY | {"type": "line", "stacked": False}], **UNUSED},
        {"type": "timeseries", "requests": [Q | {"display_type": "line"}]},
    ),
    "no viz": ({"requests": [Q], "events": []}, {"type": "timeseries", "requests": [Q]}),
    "an area": (
        {"viz": "timeseries", "requests": [Q | {"type": "line", "stacked": True}, Q | {"type": "bars"}]},
        {"type": "timeseries", "requests": [Q | {"display_type": "area"}, Q | {"display_type": "bars"}]},
    ),
    "style and names": (
        {
            "viz": "timeseries",
            "requests": [
                Q
                | {
                    "style": {"palette": "warm", "width": "thin", "type": "dashed"},
                    "metadata": {Q["q"]: {"alias": "Mine"}},
                }
            ],
        },
        {
            "type": "timeseries",
            "requests": [
                Q
                | {
                    "style": {"palette": "warm", "line_width": "thin", "line_type": "dashed"},
                    "metadata": [{"expression": Q["q"], "alias_name": "Mine"}],
                }
            ],
        },
    ),
    "markers and an axis": (
        {
            "viz": "timeseries",
            "requests": [Q],
            "events": [{"q": "tags:deploy"}],
            "markers": [{"type": "error dashed", "value": "y = 15", "val": 15, "label": "high"}],
            "yaxis": {"min": 0, "max": 50.5, "scale": "sqrt", "includeZero": True, "units": True},
        },
        {
            "type": "timeseries",
            "requests": [Q],
            "events": [{"q": "tags:deploy"}],
            "markers": [{"display_type": "error dashed", "value": "y = 15", "label": "high"}],
            "yaxis": {"min": "0", "max": "50.5", "scale": "sqrt", "include_zero": True},
        },
    ),
    "a value": (
        {
            "viz": "query_value",
            "precision": "2",
            "autoscale": True,
            "requests": [
                Q
                | {
                    "type": None,
                    "aggregator": "sum",
                    "conditional_formats": [
                        {"palette": "white_on_red", "comparator": ">", "value": "8", "custom_bg_color": ""},
                        {"palette": "white_on_green", "comparator": "<", "value": None},
                    ],
                }
            ],
        },
        {
            "type": "query_value",
            "precision": 2,
            "autoscale": True,
            "requests": [
                Q
                | {
                    "aggregator": "sum",
                    "conditional_formats": [{"palette": "white_on_red", "comparator": ">", "value": 8.0}],
                }
            ],
        },
    ),
    "all digits": ({"viz": "query_value", "requests": [Q], "precision": "*"}, {"type": "query_value", "requests": [Q]}),
    "a change": (
        {"viz": "change", "requests": [Q | {"change_type": "absolute", "order_dir": "asc", "extra_col": "present"}]},
        {"type": "change", "requests": [Q | {"change_type": "absolute", "order_dir": "asc", "show_present": True}]},
    ),
    "a host map": (
        {
            "viz": "hostmap",
            "requests": [Q | {"type": "fill"}, Q | {"type": "size"}],
            "noMetricHosts": True,
            "style": {"palette": "hostmap_blues", "paletteFlip": "true", "fillMin": 20},
        },
        {
            "type": "hostmap",
            "requests": {"fill": Q, "size": Q},
            "no_metric_hosts": True,
            "style": {"palette": "hostmap_blues", "palette_flip": True, "fill_min": "20"},
        },
    ),
    "logs": (
        {"viz": "timeseries", "requests": [{"log_query": {"index": "*", "groupBy": [{"facet": "host"}]}}]},
        {"type": "timeseries", "requests": [{"log_query": {"index": "*", "group_by": [{"facet": "host"}]}}]},
    ),
    "the present form within": (
        {"viz": "timeseries", "requests": [{"queries": [], "formulas": []} | Q], "legend_layout": "auto"},
        {"type": "timeseries", "requests": [Q], "legend_layout": "auto"},
    ),
}
