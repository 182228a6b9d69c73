"""How the stand-in Datadog evaluates query functions."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
bodies, errors, evaluate, functions, store = (
    importlib.import_module(f"standin.{name}")
    for name in ("wire.bodies", "errors", "query.evaluate", "query.functions", "store")
)
parse = importlib.import_module("module_utils._query.metric").parse
FUNCTIONS = importlib.import_module("module_utils._query.functions").FUNCTIONS

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
    """Evaluate a query; return {seconds from `start`: value} for each line."""
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
        # Values: 4, 2, 10, 8.
        ("ceil(m{*} / 4)", {0: 1.0, 20: 1.0, 40: 3.0, 60: 2.0}),
        ("floor(m{*} / 4)", {0: 1.0, 20: 0.0, 40: 2.0, 60: 2.0}),
        ("round(m{*} / 4)", {0: 1.0, 20: 1.0, 40: 3.0, 60: 2.0}),
        ("round(m{*} / 3, 1)", {0: 1.3, 20: 0.7, 40: 3.3, 60: 2.7}),
        ("log2(m{*})", {0: 2.0, 20: 1.0, 40: 3.321928, 60: 3.0}),
        ("log10(m{*} * 10 - 20)", {0: 1.301030, 40: 1.903090, 60: 1.778151}),
        ("pow(m{*}, 2)", {0: 16.0, 20: 4.0, 40: 100.0, 60: 64.0}),
        ("pow(2, m{*})", {0: 16.0, 20: 4.0, 40: 1024.0, 60: 256.0}),
        ("pow(-m{*}, 0.5)", {}),
        ("clamp_min(m{*}, 5)", {0: 5.0, 20: 5.0, 40: 10.0, 60: 8.0}),
        ("clamp_max(m{*}, 5)", {0: 4.0, 20: 2.0, 40: 5.0, 60: 5.0}),
        ("cutoff_min(m{*}, 4)", {0: 4.0, 40: 10.0, 60: 8.0}),
        ("cutoff_max(m{*}, 8)", {0: 4.0, 20: 2.0, 60: 8.0}),
        ("equal(m{*}, 10)", {0: 0.0, 20: 0.0, 40: 1.0, 60: 0.0}),
        ("cumsum(m{*})", {0: 4.0, 20: 6.0, 40: 16.0, 60: 24.0}),
        ("integral(m{*})", {20: 40.0, 40: 240.0, 60: 400.0}),
        ("diff(m{*})", {20: -2.0, 40: 8.0, 60: -2.0}),
        ("monotonic_diff(m{*})", {40: 8.0}),
        ("dt(m{*})", {20: 20.0, 40: 20.0, 60: 20.0}),
        ("derivative(m{*})", {20: -0.1, 40: 0.4, 60: -0.1}),
        ("rate(m{*})", {40: 0.4}),
        ("throughput(m{*})", {0: 0.2, 20: 0.1, 40: 0.5, 60: 0.4}),
        # Weights 1, 1/2, 1/4, ...: (2 + 4/2) / 1.5, (10 + 2/2 + 4/4) / 1.75, (8 + 10/2 + 2/4 + 4/8) / 1.875
        ("ewma_3(m{*})", {0: 4.0, 20: 8 / 3, 40: 12 / 1.75, 60: 14 / 1.875}),
        ("ewma_1(m{*})", {0: 4.0, 20: 2.0, 40: 10.0, 60: 8.0}),
        ("median_3(m{*})", {0: 4.0, 20: 3.0, 40: 4.0, 60: 8.0}),
        ("rollingavg_5(m{*})", {0: 4.0, 20: 3.0, 40: 16 / 3, 60: 6.0}),
        # Mean 6, slope (-3*-2 + -1*-4 + 1*4 + 3*2) / (9 + 1 + 1 + 9) = 1 a step of 10 s
        ("trend_line(m{*})", {0: 3.0, 20: 5.0, 40: 7.0, 60: 9.0}),
        ("reduce(m{*}, 'max')", dict.fromkeys((0, 20, 40, 60), 10.0)),
        ("reduce(m{*}, 'last')", dict.fromkeys((0, 20, 40, 60), 8.0)),
        ("default(m{*}, 7)", {0: 4.0, 20: 2.0, 40: 10.0, 60: 8.0}),
        ("max(m{*}, 5)", {0: 5.0, 20: 5.0, 40: 10.0, 60: 8.0}),
        ("min(m{*}, m{*} * 2 - 6)", {0: 2.0, 20: -2.0, 40: 10.0, 60: 8.0}),
        ("rollup(abs(m{*}), 'max', 40)", {0: 4.0, 40: 10.0}),
        ("rollup(abs(m{*}), 'p50', 40)", {0: 3.0, 40: 9.0}),
        ("abs(m{*}).rollup(sum, 40)", {0: 6.0, 40: 18.0}),
    ],
)
def test_functions_of_one_line(kept, text, points):
    send(kept, "m", {NOW - 80: 4.0, NOW - 60: 2.0, NOW - 40: 10.0, NOW - 20: 8.0})
    assert ask(kept, text) == [pytest.approx(points)]


def test_robust_trend_ignores_a_spike(kept):
    send(kept, "m", {NOW - 80 + 20 * place: value for place, value in enumerate((1.0, 2.0, 103.0, 4.0))})
    (robust,), (plain,) = ask(kept, "robust_trend(m{*})"), ask(kept, "trend_line(m{*})")
    assert robust == pytest.approx({0: 1.0, 20: 2.0, 40: 3.0, 60: 4.0}, abs=0.2)
    assert plain[60] == pytest.approx(44.0)  # the mean 27.5, and 1.5 steps of 11


def test_smoothing_removes_alternation_and_keeps_a_dip(kept):
    values = [(-10.0 if 30 <= place < 40 else 0.0) + (-1.0) ** place for place in range(60)]
    send(kept, "m", {NOW - 1200 + 20 * place: value for place, value in enumerate(values)})
    (smooth,) = ask(kept, "autosmooth(m{*})", NOW - 1200)
    assert [smooth[20 * place] for place in (20, 21, 22, 23, 37, 38)] == pytest.approx([0, 0, 0, 0, -10, -10])
    send(kept, "n", {NOW - 80: 4.0, NOW - 60: 2.0})
    assert ask(kept, "autosmooth(n{*})") == [{0: 4.0, 20: 2.0}]


def test_weighted_gauges_count_by_duration(kept):
    """The example of https://docs.datadoghq.com/dashboards/guide/how-weighted-works/"""
    start = NOW - 60
    for app, version, first, values in (
        ("a", 1, 0, [12]),
        ("b", 1, 10, [12, 12, 12]),
        ("c", 1, 40, [12, 12]),
        ("d", 2, 0, [12]),
        ("e", 2, 10, [16, 16, 16]),
        ("f", 2, 40, [18, 18]),
    ):
        points = {start + first + 10 * place: float(value) for place, value in enumerate(values)}
        send(kept, "m", points, tags=(f"app:{app}", f"version:{version}"))
    assert ask(kept, "sum:m{*} by {version}.rollup(avg, 60)", start) == [{0: 36.0}, {0: 46.0}]
    for modifiers in (".rollup(avg, 60).weighted()", ".weighted().rollup(avg, 60)"):
        assert ask(kept, f"sum:m{{*}} by {{version}}{modifiers}", start) == [{0: 12.0}, {0: 16.0}]


def test_rollup_follows_the_calendar_of_a_time_zone(kept):
    midnight = NOW - 9 * 3600  # in Paris
    send(kept, "m", {midnight - 7200: 1.0, midnight - 60: 2.0, midnight + 60: 4.0})
    asked = "sum:m{*}.rollup(sum, daily, 12am, 'Europe/Paris')"
    assert ask(kept, asked, midnight - 7200, NOW) == [{7200 - 86400: 3.0, 7200: 4.0}]
    (line,) = lines(kept, "default_zero(sum:m{*}.rollup(sum, monthly))", midnight, NOW)
    assert list(line.points.values()) == [7.0] and line.interval == 30 * 86400


def test_shift_follows_the_calendar(kept):
    send(kept, "m", {NOW - 80000: 1.0, NOW - 20: 5.0})
    assert ask(kept, "calendar_shift(m{*}, '-1d', 'UTC')", NOW + 6400 - 20, NOW + 6420) == [{20: 1.0}]
    assert ask(kept, "day_before(m{*})", NOW + 6400 - 20, NOW + 6420) == [{20: 1.0}]
    assert ask(kept, "hour_before(m{*})", NOW + 3560, NOW + 3600) == [{20: 5.0}]
    assert ask(kept, "week_before(m{*})") == ask(kept, "month_before(m{*})") == []


def test_count_and_rate_functions(kept):
    key = bodies.Key("n", "", ())
    kept.add_samples([bodies.Sample(key, "count", 10, {NOW - 20: 30.0, NOW - 10: 10.0})], NOW)
    assert ask(kept, "as_count(sum:n{*})") == [{60: 40.0}]
    assert ask(kept, "as_rate(sum:n{*})") == [{60: 2.0}]


def test_past_is_aligned_with_the_present(kept):
    send(kept, "m", {NOW - 3600: 1.0, NOW - 20: 5.0})
    assert ask(kept, "timeshift(m{*}, -3600)", NOW - 20, NOW + 20) == [{20: 1.0}]
    assert ask(kept, "timeshift(m{*}, -86400)") == []


def test_moving_rollups_use_data_before_the_window(kept):
    send(kept, "m", {NOW - 100: 1.0, NOW - 20: 5.0})
    assert ask(kept, "moving_rollup(m{*}, 100, 'sum')", NOW - 20, NOW) == [{0: 6.0}]


def test_fills_gaps(kept):
    send(kept, "m", {NOW - 80: 4.0, NOW - 20: 10.0})
    assert ask(kept, "default_zero(m{*})") == [pytest.approx({0: 4.0, 20: 6.0, 40: 8.0, 60: 10.0})]
    assert ask(kept, "default_zero(m{*}.fill(null))") == [{0: 4.0, 20: 0.0, 40: 0.0, 60: 10.0}]
    assert ask(kept, "default_zero(abs(m{*}))") == [{0: 4.0, 20: 0.0, 40: 0.0, 60: 10.0}]
    assert ask(kept, "fill(m{*}, 'last')") == [{0: 4.0, 20: 4.0, 40: 4.0, 60: 10.0}]
    assert ask(kept, "default_zero(unknown{*})") == [dict.fromkeys((0, 20, 40, 60), 0.0)]
    assert ask(kept, "default_zero(unknown{*} by {host})") == []


def test_default_zero_interpolates_gauges_first(kept):
    """The example of https://docs.datadoghq.com/dashboards/functions/interpolation/: one point, a value each minute."""
    send(kept, "m", {NOW - 900: 1.0})
    (found,) = ask(kept, "default_zero(avg:m{*}.rollup(avg, 60))", NOW - 1800)
    assert [found[60 * minute] for minute in range(30)] == [*[0.0] * 15, *[1.0] * 6, *[0.0] * 9]
    key = bodies.Key("n", "", ())
    kept.add_samples([bodies.Sample(key, "count", 10, {NOW - 900: 1.0})], NOW)
    (found,) = ask(kept, "default_zero(sum:n{*}.as_count().rollup(sum, 60))", NOW - 1800)
    assert sum(found.values()) == 1.0


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
        ("top_offset(m{*} by {host}, 1, 'mean', 'desc', 1)", "a"),
        ("top5_max(m{*} by {host})", "abc"),
        ("top10(m{*} by {host})", "bac"),
        ("bottom15_last(m{*} by {host})", "cba"),
    ],
)
def test_top_and_bottom_rank_lines(three, text, hosts):
    assert [line.group for line in lines(three, text)] == [(f"host:{host}",) for host in hosts]


def test_excludes_groups_without_the_tag(three):
    send(three, "m", {NOW - 20: 7.0})
    assert len(ask(three, "m{*} by {host}")) == 4
    assert len(ask(three, "exclude_null(m{*} by {host})")) == 3


@pytest.mark.parametrize(
    ("text", "points"),
    [
        # Hosts a: 1, 9; b: 6, 6; c: -8, 0
        ("count_not_null(m{*} by {host})", {40: 3.0, 60: 3.0}),
        ("count_nonzero(m{*} by {host})", {40: 3.0, 60: 2.0}),
        ("sum(m{*} by {host}, {region})", {40: -1.0, 60: 15.0}),
        ("max(m{*} by {host}, {*}) - max(m{*} by {host}, {*})", dict.fromkeys((40, 60), 0.0)),
        ("percentile(m{*} by {host}, 'p50', {region})", {40: 1.0, 60: 6.0}),
        ("stddev(m{*} by {host}, {region})", {40: 5.792716, 60: 3.741657}),
        ("dt(m{*} by {host})", {60: 20.0}),
        ("stddev:m{*}", {40: 5.792716, 60: 3.741657}),
    ],
)
def test_combines_all_lines(three, text, points):
    found = ask(three, text)
    assert found[0] == pytest.approx(points) and (len(found) == 1 or "{*}" in text)


def test_group_by_functions_regroup_lines(kept):
    for host, region, value in (("a", "x", 1.0), ("b", "x", 3.0), ("c", "y", 7.0)):
        send(kept, "m", {NOW - 20: value}, host=host, tags=(f"region:{region}",))
    found = lines(kept, "avg(m{*} by {host,region}, {region})")
    assert [(line.group, line.points[NOW - 20]) for line in found] == [(("region:x",), 2.0), (("region:y",), 7.0)]
    assert len(lines(kept, "exclude_null(m{*} by {host,zone}, 'host')")) == 3


@pytest.mark.parametrize("arguments", ["'dbscan', 3", "'MAD', 3, 50"])
def test_outliers_differ_from_the_other_lines(kept, arguments):
    for host, low in (("a", 10.0), ("b", 11.0), ("c", 12.0), ("d", 11.0), ("e", 40.0)):
        send(kept, "m", {NOW - 40: low, NOW - 20: low + 1}, host=host)
    found = lines(kept, f"outliers(avg:m{{*}} by {{host}}, {arguments})")
    assert {line.group for line in found if line.anomalous} == {("host:e",)} and len(found) == 5


def test_two_lines_have_no_outliers(kept):
    for host, value in (("a", 10.0), ("b", 90.0)):
        send(kept, "m", {NOW - 20: value}, host=host)
    for asked in ("'dbscan', 3", "'mad', 3, 20"):
        assert not any(line.anomalous for line in lines(kept, f"outliers(avg:m{{*}} by {{host}}, {asked})"))


# ----------------------------------------------------------------------------------------------------------- anomalies
@pytest.fixture
def waves(kept):
    """Return an hour of 10, 11, 12, 10, 11, 12, ..., then 40, then 2."""
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
def test_anomalies_are_outside_the_band(waves, arguments, anomalous):
    (line,) = lines(waves, f"anomalies(avg:m{{*}}, {arguments})", NOW - 600, NOW)
    assert line.anomalous == anomalous
    assert line.points[NOW - 120] == 40.0
    lower, upper = line.bounds
    assert set(lower) == set(upper) == set(line.points)
    assert all(lower[bucket] <= 11 <= upper[bucket] for bucket in lower)


def test_band_needs_enough_history(kept):
    send(kept, "m", {NOW - 20: 1.0, NOW - 40: 100.0})
    (line,) = lines(kept, "anomalies(avg:m{*}, 'basic', 2)")
    assert line.bounds == ({}, {}) and not line.anomalous and len(line.points) == 2


# ------------------------------------------------------------------------------------------------------------ refusals
def test_all_functions_except_undocumented_ones_are_evaluated():
    left = {name for name in FUNCTIONS if name not in functions.FUNCTIONS and not re.match("(top|bottom)[0-9]", name)}
    assert left == {"forecast", "piecewise_constant", "ewma", "median"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("forecast(avg:m{*}, 'linear', 1)", "^forecast is not evaluated here$"),
        ("piecewise_constant(avg:m{*})", "^piecewise_constant is not evaluated here$"),
        (
            "outliers(avg:m{*} by {host}, 'scaledDBSCAN', 2)",
            "outliers: 'scaledDBSCAN' is not evaluated here, only dbscan",
        ),
        ("outliers(avg:m{*} by {host}, 'mad', 0)", "above 0"),
        ("anomalies(avg:m{*}, 'adaptive', 2)", "anomalies: 'adaptive' is not evaluated here, only basic, agile"),
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
        ("rollup(abs(avg:m{*}), 'median', 60)", "rollup: unknown 'median'"),
        ("rollup(abs(avg:m{*}), 'sum', 0)", "number of seconds from 1"),
        ("avg:m{*}.rollup(sum, daily, noon)", "begins with an hour such as 9am"),
        ("avg:m{*}.rollup(sum, weekly, 1)", "begins with a weekday"),
        ("avg:m{*}.rollup(sum, monthly, 31)", "from 1 to 28"),
        ("avg:m{*}.rollup(sum, daily, 9am, Mars)", "no time zone Mars"),
        ("calendar_shift(avg:m{*}, '1d')", "not a shift such as -1d"),
        ("clamp_min(avg:m{*})", "clamp_min: expected a query and a number"),
        ("avg(avg:m{*} by {host})", "avg: expected a query and tag keys"),
        ("top_offset(avg:m{*} by {host}, 2, 'mean', 'desc', -1)", "from 1 to 1000"),
        ("pow(2, 3)", "pow: a query needs at least one metric"),
        ("max(1, 3)", "max: a query needs at least one metric"),
        ("reduce(avg:m{*}, 'median')", "reduce: unknown 'median'"),
        ("histogram:m{*}", "percentiles exist for distributions only"),
        ("abs(avg:m{*}, method='x')", "method= is not evaluated"),
        ("per_hour(m{*} * 1e308)", "out of range"),
    ],
)
def test_refuses_what_it_cannot_evaluate(kept, text, message):
    send(kept, "m", {NOW - 40: 2.0, NOW - 20: 2.0}, host="h")
    with pytest.raises(errors.Refused, match=message) as caught:
        ask(kept, text)
    assert caught.value.status == 400
