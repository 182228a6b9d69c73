# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filters that build queries: their results, which Datadog's grammar accepts, and their errors."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kennel.fleet.plugins.filter.anomalies import anomalies
from ansible_collections.kennel.fleet.plugins.filter.as_count import as_count
from ansible_collections.kennel.fleet.plugins.filter.as_rate import as_rate
from ansible_collections.kennel.fleet.plugins.filter.metric_query import metric_query
from ansible_collections.kennel.fleet.plugins.filter.monitor_query import monitor_query
from ansible_collections.kennel.fleet.plugins.filter.rollup import rollup
from ansible_collections.kennel.fleet.plugins.module_utils._query.metric import parse
from ansible_collections.kennel.fleet.plugins.module_utils._query.rules import query_problems
from hypothesis import given
from hypothesis import strategies as st

USER_TIME = "avg:mysql.performance.user_time{*} by {host}"


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({}, "avg:my_metric{*}"),
        ({"aggregator": "sum", "by": ["host", "env"]}, "sum:my_metric{*} by {host,env}"),
        ({"aggregator": "p99.9", "by": "host, env"}, "p99.9:my_metric{*} by {host,env}"),
        ({"scope": "env:prod, !host:a,$host"}, "avg:my_metric{env:prod,!host:a,$host}"),
        ({"scope": "a:b AND (c:d or not e:f)"}, "avg:my_metric{a:b AND (c:d OR NOT e:f)}"),
        ({"scope": ["env:prod", "$host"]}, "avg:my_metric{env:prod,$host}"),
        ({"scope": ["env:prod", "a:b OR a:c"]}, "avg:my_metric{env:prod AND (a:b OR a:c)}"),
        ({"scope": {"env": "prod", "shard": 7, "!live": False}}, "avg:my_metric{env:prod,shard:7,!live:false}"),
        ({"scope": {"env": ["a", "b"]}}, "avg:my_metric{env IN (a,b)}"),
        ({"scope": {"env": ["a"], "!host": ["b", "c"]}}, "avg:my_metric{env:a AND host NOT IN (b,c)}"),
    ],
)
def test_metric_query(arguments: dict[str, Any], query: str) -> None:
    assert metric_query("my_metric", **arguments) == query


@pytest.mark.parametrize(
    ("metric", "arguments", "problem"),
    [
        ("my metric", {}, "'my metric' is not a metric name. Use letters"),
        ("a{*} - b", {}, "is not a metric name. Use"),
        (None, {}, "None is not a metric name"),
        ("a", {"aggregator": "mean"}, "aggregator is 'mean'. Write one of avg, sum"),
        ("a", {"scope": ""}, "the scope is empty. Write '*' for everything"),
        ("a", {"scope": {}}, "the scope is empty"),
        ("a", {"scope": "a:b} by {c"}, "the scope 'a:b} by {c' is not valid: expected"),
        ("a", {"scope": "a:b OR c:d,e:f"}, "cannot be mixed"),
        ("a", {"scope": {"env": "a b"}}, "the scope has the value 'a b' for env. Write one without spaces"),
        ("a", {"scope": {"env": []}}, "the scope has no value for env"),
        ("a", {"scope": {"env": None}}, "the scope has the value None for env"),
        ("a", {"scope": {"a:b": "c"}}, "the scope has the key 'a:b'. Write the key of a tag"),
        ("a", {"scope": 7}, "the scope is 7. Write a string"),
        ("a", {"by": ["a b"]}, "by is ['a b']. Write a list of tag keys"),
        ("a", {"by": 7}, "by is 7. Write a list of tag keys"),
    ],
)
def test_metric_query_refuses(metric: Any, arguments: dict[str, Any], problem: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        metric_query(metric, **arguments)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("result", "query"),
    [
        (lambda: rollup("sum:a{*}", "sum", 3600), "sum:a{*}.rollup(sum, 3600)"),
        (lambda: rollup("sum:a{*}"), "sum:a{*}.rollup(avg)"),
        (lambda: rollup("sum:a{*}.rollup(avg, 60).fill(zero)", "max", "60"), "sum:a{*}.fill(zero).rollup(max, 60)"),
        (lambda: rollup("sum:a{*}.as_count()", "sum", "daily"), "sum:a{*}.as_count().rollup(sum, daily)"),
        (lambda: as_count("sum:a{*} by {b}"), "sum:a{*} by {b}.as_count()"),
        (lambda: as_count("sum:a{*}.as_rate().rollup(sum, 60)"), "sum:a{*}.as_count().rollup(sum, 60)"),
        (lambda: as_rate("sum:a{*}.as_rate()"), "sum:a{*}.as_rate()"),
        (lambda: anomalies(USER_TIME), f"anomalies({USER_TIME}, 'basic', 2)"),
        (
            lambda: anomalies("a{*} / b{*}", "agile", 2.5, direction="above", interval=60, count_default_zero=True),
            "anomalies(a{*} / b{*}, 'agile', 2.5, direction='above', interval=60, count_default_zero='true')",
        ),
        (lambda: monitor_query(USER_TIME, 800), f"avg(last_5m):{USER_TIME} > 800"),
        (lambda: monitor_query("a{*} + 1", "-0.5", "1mo", "<=", "min"), "min(last_1mo):a{*} + 1 <= -0.5"),
        (lambda: monitor_query("a{*}", 0.00001), "avg(last_5m):a{*} > 0.00001"),
        (lambda: monitor_query("a{*}", 1, "current_1d"), "avg(current_1d):a{*} > 1"),
        (
            lambda: monitor_query(
                USER_TIME, 1, window="last_4h", comparator=">=", anomalies="basic", alert_window="last_15m"
            ),
            f"avg(last_4h):anomalies({USER_TIME}, 'basic', 2, direction='both', interval=60, "
            "alert_window='last_15m', count_default_zero='true') >= 1",
        ),
        (
            lambda: monitor_query(
                "a{*}", 0.5, "1d", anomalies="robust", bounds=3, alert_window="1h", seasonality="weekly"
            ),
            "avg(last_1d):anomalies(a{*}, 'robust', 3, direction='both', interval=60, alert_window='last_1h', "
            "count_default_zero='true', seasonality='weekly') > 0.5",
        ),
    ],
)
def test_functions(result: Any, query: str) -> None:
    assert result() == query


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        (lambda: rollup("sum:a{*}", "mean"), "rollup: it is not a valid query: method of .rollup must be one of avg"),
        (lambda: rollup("sum:a{*}", "sum", 0), "interval is 0. Write a whole number of seconds"),
        (lambda: rollup("sum:a{*}", "sum", 0.5), "interval is 0.5. Write a whole number of seconds"),
        (lambda: rollup("sum:a{*}", "sum", "hourly"), "interval is 'hourly'. Write a number"),
        (lambda: rollup("abs(sum:a{*})", "sum"), "rollup takes a query of one metric, not 'abs(sum:a{*})'"),
        (lambda: as_count("a{*}, b{*}"), "'a{*}, b{*}' contains 2 queries. Pass each one separately"),
        (lambda: as_rate("a"), "as_rate: the query is not valid: expected a scope such as {*}"),
        (lambda: as_rate(7), "the query is 7. Write a string"),
        (lambda: anomalies("a{*}", "base"), "algorithm of anomalies must be one of basic, agile, robust"),
        (lambda: anomalies("a{*}", "basic", True), "bounds is True. Write a number"),
        (lambda: anomalies("a{*}", alert_windows="5m"), "no argument alert_windows (did you mean alert_window?)"),
        (lambda: monitor_query("a{*}", "high"), "threshold is 'high'. Write a number"),
        (lambda: monitor_query("a{*}", 1, "5 minutes"), "window is '5 minutes'. Write one such as last_15m"),
        (lambda: monitor_query("a{*}", 1, 5), "window is 5. Write one such as last_15m"),
        (lambda: monitor_query("a{*}", 1, comparator="=>"), "comparator is '=>'. Write one of >="),
        (lambda: monitor_query("a{*}", 1, aggregation="mean"), "aggregation is 'mean'. Write one of avg"),
        (lambda: monitor_query("a{$host}", 1), "the template variable $host has no value in a monitor"),
        (lambda: monitor_query("a{*}", 1, alert_window="5m"), "alert_window can only be used with anomalies"),
        (lambda: monitor_query("a{*}", 1, anomalies="basic"), "alert_window is missing"),
        (lambda: monitor_query("a{*}", 50, anomalies="basic", alert_window="5m"), "Write a proportion of the values"),
        (lambda: monitor_query("a{*}", 1, "5m", anomalies="basic", alert_window="15m"), "is longer than the window"),
        (
            lambda: monitor_query("a{*}", 1, "4h", anomalies="basic", alert_window="15m", interval=300),
            "interval is 300, more than a fifth of alert_window. Write at most 180",
        ),
    ],
)
def test_functions_refuse(result: Any, problem: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        result()
    assert problem in str(caught.value)


words = st.text(alphabet="abz_-./:*$é\"(){},! 'ANDOR", max_size=6)
values = words | st.booleans() | st.integers() | st.floats()
scopes = words | st.lists(words, max_size=3) | st.dictionaries(words, values | st.lists(values, max_size=2), max_size=3)
windows = st.sampled_from(["last_5m", "5m", "1h", "current_1mo", "x"])


@given(
    metric=st.from_regex(r"[a-z][A-Za-z0-9_.]{0,5}", fullmatch=True),
    scope=scopes,
    by=st.lists(words, max_size=2),
    method=st.sampled_from(["avg", "sum", "mean"]),
)
def test_results_can_be_parsed(metric: str, scope: Any, by: list[str], method: str) -> None:
    try:
        query = rollup(as_count(metric_query(metric, scope=scope, by=by)), method, 60)
    except AnsibleFilterError as error:
        assert ": " in str(error)
    else:
        assert query_problems(query) == []
        assert str(parse(query)) == query


wanted = st.sampled_from(["a", "b", 1, True])


@given(
    st.dictionaries(st.sampled_from(["x", "y", "!x", "!y"]), wanted | st.lists(wanted, min_size=1), min_size=1),
    st.sets(st.sampled_from(["x:a", "x:b", "x:1", "x:true", "y:a", "y:b", "y:1", "y:true", "z:a"])),
)
def test_dictionary_selects_its_tags(scope: dict[str, Any], tags: set[str]) -> None:
    def said(key: str, values: Any) -> bool:
        names = [str(value).lower() for value in (values if isinstance(values, list) else [values])]
        return any(f"{key.removeprefix('!')}:{name}" in tags for name in names) != key.startswith("!")

    [series] = parse(metric_query("a", scope=scope)).expressions
    assert series.scope.matches(tags) == all(said(key, values) for key, values in scope.items())


@given(
    threshold=st.floats() | words,
    window=windows,
    anomalies=st.sampled_from([None, "basic", "robust"]),
    options=st.dictionaries(st.sampled_from(["alert_window", "bounds", "interval", "timezone"]), words | windows),
)
def test_monitor_queries_can_be_parsed(threshold: Any, window: str, anomalies: Any, options: dict[str, Any]) -> None:
    try:
        query = monitor_query(USER_TIME, threshold, window, anomalies=anomalies, **options)
    except AnsibleFilterError as error:
        assert ": " in str(error)
    else:
        assert query_problems(query, "query alert") == []
