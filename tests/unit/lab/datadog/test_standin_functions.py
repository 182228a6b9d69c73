"""The functions of queries and the formulas of widgets, as the stand-in Datadog evaluates them."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
bodies, errors, evaluate, formulas, functions, store = (
    importlib.import_module(f"standin.{name}")
    for name in ("wire.bodies", "errors", "query.evaluate", "query.formulas", "query.functions", "store")
)
parse = importlib.import_module("module_utils._query.metric").parse

NOW = 1_800_000_000  # a multiple of every interval used here


@pytest.fixture
def kept(tmp_path):
    return store.Store(tmp_path, retention=86400)


def send(kept, metric, points, *, host="", tags=()):
    key = bodies.Key(metric, host, bodies.tags(list(tags)))
    kept.add_samples([bodies.Sample(key, "gauge", 0, points)], NOW)


def lines(kept, text, start=NOW - 80, end=NOW):
    (found,) = evaluate.evaluate(parse(text), kept, start, end)
    return found


def ask(kept, text, start=NOW - 80, end=NOW):
    """[{seconds from `start`: value}] of the lines of a query."""
    return [{bucket - start: value for bucket, value in line.points.items()} for line in lines(kept, text, start, end)]


# ------------------------------------------------------------------------------------------------------- one line each
@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("abs(-m{*})", {0: 4.0, 20: 2.0, 40: 10.0, 60: 8.0}),
        ("per_second(m{*})", {20: -0.1, 40: 0.4, 60: -0.1}),
        ("per_minute(m{*})", {20: -6.0, 40: 24.0, 60: -6.0}),
        ("per_hour(m{*})", {20: -360.0, 40: 1440.0, 60: -360.0}),
        ("rollup(m{*}, 'sum', 40)", {0: 6.0, 40: 18.0}),
        ("rollup(sum:m{*}, 'max')", {0: 4.0, 20: 2.0, 40: 10.0, 60: 8.0}),
        ("moving_rollup(m{*}, 40, 'sum')", {0: 4.0, 20: 6.0, 40: 12.0, 60: 18.0}),
        ("moving_rollup(m{*}, 60)", {0: 4.0, 20: 3.0, 40: 16 / 3, 60: 20 / 3}),
        ("timeshift(m{*}, -20)", {20: 4.0, 40: 2.0, 60: 10.0}),
        ("m{*} - timeshift(m{*}, -20)", {20: -2.0, 40: 8.0, 60: -2.0}),
    ],
)
def test_changes_each_line(kept, text, points):
    send(kept, "m", {NOW - 80: 4.0, NOW - 60: 2.0, NOW - 40: 10.0, NOW - 20: 8.0})
    assert ask(kept, text) == [pytest.approx(points)]


def test_counts_and_rates_in_the_form_of_functions(kept):
    key = bodies.Key("n", "", ())
    kept.add_samples([bodies.Sample(key, "count", 10, {NOW - 20: 30.0, NOW - 10: 10.0})], NOW)
    assert ask(kept, "as_count(sum:n{*})") == [{60: 40.0}]
    assert ask(kept, "as_rate(sum:n{*})") == [{60: 2.0}]


def test_the_past_is_drawn_over_the_present(kept):
    send(kept, "m", {NOW - 3600: 1.0, NOW - 20: 5.0})
    assert ask(kept, "timeshift(m{*}, -3600)", NOW - 20, NOW + 20) == [{20: 1.0}]
    assert ask(kept, "timeshift(m{*}, -86400)") == []


def test_moving_rollups_reach_behind_the_window(kept):
    send(kept, "m", {NOW - 100: 1.0, NOW - 20: 5.0})
    assert ask(kept, "moving_rollup(m{*}, 100, 'sum')", NOW - 20, NOW) == [{0: 6.0}]


def test_fills_gaps(kept):
    send(kept, "m", {NOW - 80: 4.0, NOW - 20: 10.0})
    assert ask(kept, "default_zero(m{*})") == [{0: 4.0, 20: 0.0, 40: 0.0, 60: 10.0}]
    assert ask(kept, "fill(m{*}, 'last')") == [{0: 4.0, 20: 4.0, 40: 4.0, 60: 10.0}]
    assert ask(kept, "default_zero(unknown{*})") == [dict.fromkeys((0, 20, 40, 60), 0.0)]
    assert ask(kept, "default_zero(unknown{*} by {host})") == []


# ------------------------------------------------------------------------------------------------------- several lines
@pytest.fixture
def three(kept):
    for host, values in (("a", (1.0, 9.0)), ("b", (6.0, 6.0)), ("c", (-8.0, 0.0))):
        send(kept, "m", {NOW - 40: values[0], NOW - 20: values[1]}, host=host)
    return kept


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("top(m{*} by {host}, 2, 'mean', 'desc')", "ba"),
        ("top(m{*} by {host}, 2, 'max')", "ab"),
        ("top(m{*} by {host}, 1, 'mean', 'asc')", "c"),
        ("top(m{*} by {host}, 2, 'l2norm', 'desc')", "ab"),
        ("top(m{*} by {host}, 10)", "bac"),
        ("bottom(m{*} by {host}, 2, 'last')", "cb"),
        ("bottom(m{*} by {host}, 2)", "ca"),
    ],
)
def test_ranks(three, text, hosts):
    assert [line.group for line in lines(three, text)] == [(f"host:{host}",) for host in hosts]


def test_excludes_groups_without_the_tag(three):
    send(three, "m", {NOW - 20: 7.0})
    assert len(ask(three, "m{*} by {host}")) == 4
    assert len(ask(three, "exclude_null(m{*} by {host})")) == 3


# ----------------------------------------------------------------------------------------------------------- anomalies
@pytest.fixture
def waves(kept):
    """An hour of 10, 11, 12, 10, 11, 12, ..., then 40, then 2."""
    points = {NOW - 60 * minute: 10.0 + minute % 3 for minute in range(3, 63)}
    send(kept, "m", {**points, NOW - 120: 40.0, NOW - 60: 2.0})
    return kept


@pytest.mark.parametrize(
    ("arguments", "anomalous"),
    [
        ("'basic', 2", {NOW - 120, NOW - 60}),
        ("'agile', 2", {NOW - 120, NOW - 60}),
        ("'robust', 3, direction='above'", {NOW - 120}),
        ("'basic', 2, direction='below', alert_window='last_15m', interval=60, count_default_zero='true'", {NOW - 60}),
        ("'basic', 60", set()),
    ],
)
def test_anomalies_lie_outside_the_band(waves, arguments, anomalous):
    (line,) = lines(waves, f"anomalies(avg:m{{*}}, {arguments})", NOW - 600, NOW)
    assert line.anomalous == anomalous
    assert line.points[NOW - 120] == 40.0
    lower, upper = line.bounds
    assert set(lower) == set(upper) == set(line.points)
    assert all(lower[bucket] <= 11 <= upper[bucket] for bucket in lower)


def test_too_little_history_draws_no_band(kept):
    send(kept, "m", {NOW - 20: 1.0, NOW - 40: 100.0})
    (line,) = lines(kept, "anomalies(avg:m{*}, 'basic', 2)")
    assert line.bounds == ({}, {}) and not line.anomalous and len(line.points) == 2


# ------------------------------------------------------------------------------------------------------------ refusals
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("forecast(avg:m{*}, 'linear', 1)", "function forecast is not evaluated"),
        ("outliers(avg:m{*} by {host}, 'DBSCAN', 2)", "function outliers is not evaluated"),
        ("autosmooth(avg:m{*})", "function autosmooth is not evaluated"),
        ("anomalies(avg:m{*}, 'adaptive', 2)", "anomalies: unknown 'adaptive'"),
        ("anomalies(avg:m{*}, 'basic', 2, colour='red')", "anomalies: unknown 'colour'"),
        ("anomalies(avg:m{*}, 'basic', 2, direction='up')", "anomalies: unknown 'up'"),
        ("anomalies(avg:m{*}, 'basic', -2)", "numbers above 0"),
        ("anomalies(avg:m{*})", "anomalies: expected a query and a text, a number"),
        ("abs()", "abs: the first argument"),
        ("abs(5)", "abs: the first argument"),
        ("abs('m')", "abs: the first argument"),
        ("abs(avg:m{*}, 5)", "abs: expected a query$"),
        ("top(avg:m{*}, 5, 'median', 'desc')", "top: unknown 'median'"),
        ("top(avg:m{*}, 5, 'mean', 'up')", "top: unknown 'up'"),
        ("top(avg:m{*}, 0)", "from 1 to 1000"),
        ("moving_rollup(avg:m{*}, 60, 'median')", "moving_rollup: unknown 'median'"),
        ("moving_rollup(avg:m{*}, 1e9)", "from 1 to 86400"),
        ("rollup(abs(avg:m{*}), 'sum', 60)", "for a metric only"),
        ("abs(avg:m{*}, method='x')", "method= is not evaluated"),
        ("per_hour(m{*} * 1e308)", "out of range"),
    ],
)
def test_refuses_what_it_cannot_evaluate(kept, text, message):
    send(kept, "m", {NOW - 40: 2.0, NOW - 20: 2.0}, host="h")
    with pytest.raises(errors.Refused, match=message) as caught:
        ask(kept, text)
    assert caught.value.status == 400


# ------------------------------------------------------------------------------------------------------------ formulas
@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"q": "avg:m{$host} by {host}"}, "avg:m{host:a} by {host}"),
        ({"q": "avg:m{name:$host.value,$env}"}, "avg:m{name:a,*}"),
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
def test_puts_queries_in_place_of_their_names(request_, expected):
    assert str(formulas.request_query(request_, {"host": "host:a", "env": "*"})) == str(parse(expected))


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
