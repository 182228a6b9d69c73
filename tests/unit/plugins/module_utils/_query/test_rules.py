# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Valid queries of dashboards and monitors, and problems of invalid ones."""

from __future__ import annotations

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._query.functions import FUNCTIONS, MODIFIERS, Argument
from ansible_collections.kennel.fleet.plugins.module_utils._query.metric import parse, parse_formula
from ansible_collections.kennel.fleet.plugins.module_utils._query.rules import query_problems
from hypothesis import assume, given
from hypothesis import strategies as st

# One line per page of https://docs.datadoghq.com/dashboards/functions/.
DOCUMENTED = """
anomalies outliers forecast
abs pow log2 log10 cumsum integral
count_nonzero count_not_null
exclude_null clamp_min clamp_max cutoff_min cutoff_max
fill default_zero
top top5_mean bottom10_min top20_l2norm bottom15_last top10_area
per_second per_minute per_hour dt diff monotonic_diff derivative throughput
robust_trend trend_line piecewise_constant
rollup moving_rollup
autosmooth ewma_3 ewma_5 ewma_7 ewma_10 ewma_20 median_3 median_5 median_7 median_9
timeshift calendar_shift hour_before day_before week_before month_before
rollingavg_5 rollingavg_13 rollingavg_21 rollingavg_29
"""

METRIC_QUERIES = r"""
p99.9:trace.flask.request{env:prod}
stddev:system.load.1{*}
count:shop.order.size{*}.as_count()
avg:Shop.Order_2.size{team:"web shop",path:/a@b/é}
avg:shop.size{host:a,!zone:b*} by {*}
avg:shop.size{!team:,zone: ,env:prod}.fill(zero, 0)
avg:shop.size{env:prod AND zone NOT IN ("a b", c) AND NOT (team:x OR team: y)}
avg:shop.size{$host,env:$env.value,pod:*$pod.value*} by {host,$group}
1/3 * -avg:shop.size{*} + (-(2)) * .5
100 - avg:shop.size{*}, sum:shop.count{*}
sum:shop.count{*}.as_count() by {host}.rollup(sum, 60)
sum:shop.count{*} by {host}.as_count().rollup(sum, 60).fill(last, 600).weighted()
sum:shop.cost{*}.rollup(sum, daily)
sum:shop.cost{*}.rollup(sum, daily, 12am)
sum:shop.cost{*}.rollup(sum, weekly, monday, Europe/Paris)
sum:shop.cost{*}.rollup('sum', monthly, 1, 'America/New_York')
avg:shop.size{*}.rollup(20).fill(0)
ewma(median(shop.size{*}))
ewma_5(shop.size{*}).rollup(max, 3600)
(sum:shop.errors{*} / sum:shop.count{*}).fill(zero)
abs(default_zero(count_nonzero(avg:shop.size{*} by {host})))
anomalies(avg:shop.size{*}, 'agile', 2.5, direction='above', interval=60, alert_window='last_15m', timezone='utc')
forecast(avg:shop.size{*}, 'linear', 1, interval=3600)
forecast(avg:shop.size{*}, 'linear', 1, interval='60m', history='1w', model='default')
outliers(avg:shop.size{*} by {host}, 'MAD', 3, 80)
outliers(avg:shop.size{*} by {host}, 'scaledDBSCAN', 3)
timeshift(top(sum:shop.count{$scope} by {image}, 20, 'last', 'desc'), -86400)
top(avg:shop.size{*} by {host}, 10, mean, asc)
moving_rollup(avg:shop.size{*}, 60, sum)
calendar_shift(avg:shop.size{*}, '-1w', 'UTC')
clamp_max(bottom10_min(avg:shop.size{*} by {host}), 100 / 2)
count( v : v >= -1.5 ):shop.latency{env:prod} by {host}.as_count() / 2
rate(+ sum:shop.count{*})
calendar_shift(avg:shop.size{*}, '-1mo', 'UTC', 'preserve_duration')
max(avg:shop.size{*}, avg:shop.count{*}, 5)
""".strip().splitlines()

FORMULAS = """
a
query1 / (query2 + query3) * 100
percentile(query1, 'p90', {env, host})
max(rollup(query1, 'avg', 300), { * })
reduce(moving_rollup(query1, 180, sum), 'last')
pow(query1, 2) + pow(2, query2) + pow(query1, query2)
anomalies(query1, 'basic', 2)
min(100, query1 / query2 * 100)
""".strip().splitlines()

MONITORS = [
    ("query alert", "avg(last_5m):avg:shop.size{*} by {host} > 5"),
    ("metric alert", "pct_change(avg(last_5m),1h_ago):avg:shop.size{*} <= -5.5"),
    ("query alert", "change(max(last_1h), last_1d):avg:shop.size{*} != 1e3"),
    ("query alert", "percentile(last_1d):p99:shop.latency{*} >= .5"),
    ("query alert", "sum(current_1mo):sum:shop.cost{*}.as_count() > threshold"),
    ("query alert", "max(next_1w):forecast(avg:shop.size{*}, 'seasonal', 2, seasonality='weekly') >= 3"),
    ("query alert", "max(last_5m):sum(max:shop.size{*} by {host,zone}.rollup(max, 60), { zone }) > 1"),
    ("query alert", "avg(last_5m):clamp_min(avg:shop.size{*}, -(1 + 1)) > 1"),
    ("query alert", "avg(last_30m):outliers(avg:shop.size{role:db} by {host}, 'dbscan', 7) > 0"),
    ("service check", '"shop.up".over("env:prod","role:web").exclude("host:a").by("host").last(4).count_by_status()'),
    ("service check", "'shop.up'.by('*').last(1).pct_by_status()"),
    ("composite", "(1 && !2) || 3"),
    ("composite", "(mysql && !my_metric) || 3"),
    ("composite", " && ".join([*map(str, range(10)), "0"])),
    ("log alert", r'logs("service:shop \"too slow\" it\'s").index("main","b").rollup("pc99", "@ms").last("5m") > -5'),
    ("log alert", r'logs("@title:\"a \\"b\\" c\"").index("*").rollup("count").last("5m") > 5'),
    ("log alert", r'formula("anomalies(query1, \"basic\", 2) / query2").last("10m") > 5'),
    ("log alert", 'formula("query1 / query2").last("10m") > 5'),
    ("event-v2 alert", 'events("source:shop").rollup("cardinality", "@evt.id").by("a,b").current("1h") > 5'),
    ("rum alert", 'rum("*").rollup("count").by("@type").last("5m") >= 5'),
    ("trace-analytics alert", 'trace-analytics("env:prod").rollup("count").last("5m") > 5'),
    ("slo alert", 'error_budget("abc").over("7d") > 75'),
    ("slo alert", 'burn_rate("abc").over("7d").long_window("1h").short_window("5m") > 14.4'),
    ("process alert", "processes('java').over('a').rollup('count').last('5m') > 5"),
    ("cost alert", 'formula("exclude_null(query1)").last("7d").anomaly(direction="above", threshold=10) >= 5'),
    ("data-jobs alert", 'formula("failed_runs(query)").by(job_name,workspace).last(10d) > 0'),
    ("synthetics alert", ""),
]


@pytest.mark.parametrize(
    ("kind", "text"), [*[("metric", t) for t in METRIC_QUERIES], *[("formula", t) for t in FORMULAS], *MONITORS]
)
def test_valid_queries_have_no_problems(kind: str, text: str) -> None:
    assert query_problems(text, kind) == []


@pytest.mark.parametrize("text", METRIC_QUERIES)
def test_queries_round_trip(text: str) -> None:
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_round_trip(text: str) -> None:
    assert parse_formula(str(parse_formula(text))) == parse_formula(text)


@pytest.mark.parametrize(
    ("kind", "text", "column", "problem"),
    [
        ("metric", "avg:a{*", 8, "expected ',', AND, OR or '}'"),
        ("metric", "5", 1, "a query needs at least one metric"),
        ("metric", "abs(5)", 1, "abs needs a query as its first argument: abs(query)"),
        ("metric", "abs()", 1, "abs needs a query"),
        ("metric", "abs(avg:a{*}, avg:b{*})", 1, "abs has 2 arguments, more than it takes"),
        ("metric", "1 + diff(abz(avg:a{*}))", 10, "unknown function abz (did you mean abs?)"),
        ("metric", "median_4(avg:a{*})", 1, "unknown function median_4 (did you mean median_"),
        ("metric", "pow(avg:a{*})", 1, "pow lacks exponent"),
        ("metric", "pow(avg:a{*}, 2, 3)", 1, "pow has 3 arguments"),
        ("metric", "top(avg:a{*}, 10, 'last')", 1, "top lacks direction: top(query, limit, by, direction)"),
        ("metric", "top(avg:a{*}, 10, 'last', 'up')", 1, "direction of top must be one of asc, desc, not up"),
        ("metric", "anomalies(avg:a{*}, 'basic')", 1, "anomalies lacks bounds"),
        ("metric", "anomalies(avg:a{*}, 'base', 2)", 1, "algorithm of anomalies must be one of basic, agile, robust"),
        (
            "metric",
            "anomalies(avg:a{*}, 'basic', 2, direktion='both')",
            1,
            "no argument direktion (did you mean direct",
        ),
        ("metric", "anomalies(avg:a{*}, 'basic', 2, bounds=3)", 1, "more than it takes"),
        ("metric", "forecast(avg:a{*}, 'linear', 1, model='x', model='x')", 1, "forecast has a duplicate argument"),
        ("metric", "timeshift(avg:a{*}, 'day')", 1, "seconds of timeshift must be a number, not 'day'"),
        ("metric", "clamp_max(avg:a{*}, avg:b{*})", 1, "threshold of clamp_max must be a number, not avg:b{*}"),
        ("metric", "max(avg:a{*}, 'host')", 1, "by of max must be tag keys such as {host}"),
        ("metric", "top(avg:a{*}, -5, 'last', 'asc')", 1, "limit of top must be a number above 0, not -5"),
        ("metric", "avg:a{*}.rollup(sum, 0)", 10, "interval of .rollup must be a number above 0, not 0"),
        (
            "metric",
            "avg:a{*}.rollup(mean, 60)",
            10,
            "method of .rollup must be one of avg, sum, min, max, count, not mean",
        ),
        ("metric", "avg:a{*}.rollup(avg, 60, 1)", 10, ".rollup has 3 arguments, but takes method, [interval]"),
        ("metric", "avg:a{*}.rollup()", 10, ".rollup lacks method"),
        ("metric", "avg:a{*}.as_count(1)", 10, ".as_count has 1 arguments, but takes none"),
        ("metric", "abs(avg:a{*}).fill(next)", 15, "method of .fill must be one of linear, last, zero, null"),
        ("metric", "sum:a{*} by {b}.as_count() by {c}", 28, "expected the end of the query"),
        ("metric", "max(1, 2)", 1, "max needs a query as its first argument"),
        ("metric", "count(v: v>b):a{*}", 7, "unknown aggregator"),
        ("metric", "avg:a{*} + + avg:b{*}", 12, "expected a metric"),
        ("formula", "percentile(query1, {a})", 1, "percentile lacks by"),
        ("formula", "query1 query2", 8, "expected the end of the query"),
        ("query alert", "avg:a{*} > 5", 4, "expected '(' after avg"),
        ("query alert", "avg(last_5x):avg:a{*} > 5", 5, "expected a window such as last_5m"),
        ("query alert", "change(avg(last_5m)):a{*} > 5", 20, "the time to compare with"),
        ("query alert", "avg(last_5m):avg:a{*} => 5", 23, "expected a comparator"),
        ("query alert", "avg(last_5m):avg:a{*} > high", 25, "expected a number as threshold"),
        ("query alert", "avg(last_5m):avg:a{b:$c} > 5", 14, "the template variable b:$c has no value in a monitor"),
        (
            "query alert",
            "avg(last_5m):avg:a{b IN (c,$d)} + avg:a{b:c OR NOT $e} > 5",
            14,
            "the template variable $d has no value",
        ),
        ("query alert", "avg(last_5m):abs(autosmooth(avg:a{*})) > 5", 18, "autosmooth cannot be used in a monitor"),
        ("service check", '"a".over("b").last(101).count_by_status()', 20, "the number of results is from 1 to 100"),
        ("service check", '"a".over(b).last(1).count_by_status()', 10, "expected a tag in quotes"),
        ("service check", '"a".over("b").over("c").count_by_status()', 15, "a second .over"),
        ("service check", '"a".over("b").last(1)', 22, "or '.count_by_status()'"),
        ("composite", "1 && (2 || 3", 13, "expected ')', && or ||"),
        ("composite", "1 and 2", 3, "expected the end of the query"),
        ("composite", "1 || " + "2" * 5000, 6, "expected the key or id of a monitor"),
        ("composite", "load && Load", 9, "expected the key or id of a monitor"),
        ("composite", "load & hits", 6, "expected the end of the query"),
        ("log alert", 'events("a").last("5m") > 5', 1, "expected logs or formula for a log alert"),
        ("log alert", 'logs("a").last("5m")', 21, "expected a comparator"),
        ("log alert", 'logs().last("5m") > 5', 1, "expected what to look for, in logs(..)"),
        ("log alert", 'logs("a").rollup("count") > 5', 27, "expected .last or .current with a window"),
        ("log alert", 'logs("a").last("soon") > 5', 16, 'expected a window such as "5m"'),
        ("log alert", 'logs("a).rollup("count").last("5m") > 5', 18, "expected ',' or ')'"),
        ("log alert", 'formula("a / (b + c").last("5m") > 5', 20, "expected ')' or an operator"),
        ("slo alert", 'error_budget("a") > 5', 19, "expected .over with a window"),
    ],
)
def test_invalid_queries_have_problems(kind: str, text: str, column: int, problem: str) -> None:
    found = query_problems(text, kind)
    assert problem in found[0]
    assert f"(line 1, column {column})" in found[0]


def test_composite_has_at_most_ten_monitors() -> None:
    [problem] = query_problems(" || ".join(f"key{number}" for number in range(11)), "composite")
    assert problem == "it has 11 monitors, but Datadog allows 10. Remove some."


def test_all_problems_are_reported_in_order_with_their_lines() -> None:
    found = query_problems("absx(avg:a{*})\n  + top(avg:b{*}, 'x', 'mean', 'asc')\n  - foo(avg:c{*})")
    assert [problem.rpartition("(")[2] for problem in found] == [
        "line 1, column 1).",
        "line 2, column 5).",
        "line 3, column 5).",
    ]


def test_unknown_types_and_other_values_than_text_are_problems() -> None:
    assert "unknown monitor type 'graph', expected one of metric alert" in query_problems("a{*}", "graph")[0]


def value(argument: Argument) -> st.SearchStrategy[str]:
    """Return values that an argument may have."""
    if argument.choices:
        return st.sampled_from(argument.choices).map("'{}'".format)
    texts = {"number": "-1.5", "positive": "1.5", "text": "'-1w'", "keys": "{host}", "any": "'x'"}
    return st.just(texts[argument.kind])


@st.composite
def calls(draw: st.DrawFn, inner: str = "avg:a{*}") -> str:
    """Return a call with valid arguments, of a metric or of another call."""
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    function = FUNCTIONS[name]
    optional = [argument for argument in function.arguments if argument.optional]
    arguments = function.arguments[: len(function.arguments) - draw(st.integers(0, len(optional)))]
    keywords = draw(st.lists(st.sampled_from(function.keywords), unique=True)) if function.keywords else []
    words = [draw(value(argument)) for argument in arguments]
    words += [f"{keyword.name}={draw(value(keyword))}" for keyword in keywords]
    call = f"{name}({', '.join([inner, *words])})"
    return draw(calls(call)) if len(call) < 200 and draw(st.booleans()) else call


@given(calls())
def test_every_function_passes_with_its_arguments(text: str) -> None:
    assert query_problems(text) == []
    assert parse(str(parse(text))) == parse(text)


@given(calls(), st.sampled_from(["1", "avg:b{*}", "x='y'"]))
def test_every_function_fails_with_one_argument_too_many(text: str, more: str) -> None:
    name = text.split("(")[0]
    assume(not any(argument.optional for argument in FUNCTIONS[name].arguments))
    assert query_problems(f"{text[:-1]}, {more})")


@given(
    st.sampled_from(sorted(MODIFIERS)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(MODIFIERS[name])))
)
def test_every_modifier_passes_with_its_arguments(form: tuple[str, tuple[Argument, ...]]) -> None:
    name, arguments = form
    words = [
        argument.choices[0] if argument.choices else {"text": "utc"}.get(argument.kind, "1") for argument in arguments
    ]
    assert query_problems(f"avg:a{{*}}.{name}({', '.join(words)})") == []


def test_all_documented_functions_are_known() -> None:
    assert set(DOCUMENTED.split()) - {*FUNCTIONS, *MODIFIERS} == set()
