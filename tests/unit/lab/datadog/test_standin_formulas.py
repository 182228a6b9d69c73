"""How the stand-in Datadog reads widget formulas."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
errors, formulas = (importlib.import_module(f"standin.{name}") for name in ("errors", "query.formulas"))
parse = importlib.import_module("module_utils._query.metric").parse


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"q": "avg:m{$host} by {host}"}, "avg:m{host:a} by {host}"),
        ({"q": "avg:m{name:$host.value,$env}"}, "avg:m{name:a,*}"),
        ({"q": "avg:m{$http.route,$env.x}"}, "avg:m{http.route:r,*.x}"),
        (
            {"queries": [{"name": "a", "query": "avg:m{*}"}, {"name": "b", "query": "sum:n{$host}"}]},
            "avg:m{*}, sum:n{host:a}",
        ),
        (
            {
                "queries": [
                    {"data_source": "metrics", "name": "query1", "query": "avg:m{*} + 1"},
                    {"data_source": "metrics", "name": "query10", "query": "sum:n{query1:x}"},
                ],
                "formulas": [
                    {"formula": "query1 / query10 * 100", "alias": "share"},
                    {"formula": "anomalies(query10, 'query1', 2)", "limit": {"count": 5, "order": "asc"}},
                ],
            },
            "(avg:m{*} + 1) / sum:n{query1:x} * 100, top(anomalies(sum:n{query1:x}, 'query1', 2), 5, 'mean', 'asc')",
        ),
    ],
)
def test_replaces_names_by_queries(request_, expected):
    assert str(formulas.request_query(request_, {"host": "host:a", "env": "*", "http.route": "http.route:r"})) == str(
        parse(expected)
    )


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "needs q, or queries and formulas"),
        ({"queries": [{"data_source": "logs", "name": "a"}]}, "data source logs is not evaluated"),
        ({"queries": [{"name": "a", "query": "avg:m{*}"}], "formulas": [{"formula": "b + 1"}]}, "unable to parse b"),
        ({"q": 5}, "needs q"),
    ],
)
def test_refuses_requests_without_a_metric_query(request_, message):
    with pytest.raises(errors.Refused, match=message):
        formulas.request_query(request_)
