# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Conditions in monitor queries, and round trips."""

from __future__ import annotations

import re

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._query.metric import (
    Number,
    Series,
    String,
)
from ansible_collections.kennel.fleet.plugins.module_utils._query.monitor import (
    MONITOR_TYPES,
    CheckCondition,
    CompositeCondition,
    MetricCondition,
    OtherCondition,
    Step,
    parse_monitor,
    window_seconds,
)
from ansible_collections.kennel.fleet.plugins.module_utils._query.scope import QuerySyntaxError, Tag
from hypothesis import given
from hypothesis import strategies as st

LOAD = Series("system.load.1", Tag("*"), "avg", ("host",))


@pytest.mark.parametrize(
    ("kind", "text", "condition"),
    [
        (
            "query alert",
            "avg(last_5m):avg:system.load.1{*} by {host} > 8",
            MetricCondition("avg", 300, "last_5m", None, LOAD, ">", 8.0),
        ),
        (
            "metric alert",
            " pct_change( max(last_1h) , 1d_ago ) : avg:system.load.1{*} by {host}\n  <= -2.5 ",
            MetricCondition("max", 3600, "last_1h", ("pct_change", 86400), LOAD, "<=", -2.5, "1d_ago"),
        ),
        (
            "query alert",
            "sum(current_1mo):avg:system.load.1{*} by {host} == threshold",
            MetricCondition("sum", 30 * 86400, "current_1mo", None, LOAD, "==", None),
        ),
        (
            "service check",
            """"shop.up".over("env:prod", 'role:web').exclude("host:a").by("host","port").last(4).count_by_status()""",
            CheckCondition("shop.up", ("env:prod", "role:web"), ("host:a",), ("host", "port"), 4, "count_by_status()"),
        ),
        (
            "service check",
            "'shop.up'.last(2).by('*').pct_by_status()",
            CheckCondition("shop.up", (), (), ("*",), 2, "pct_by_status()"),
        ),
        ("composite", "12", CompositeCondition("", (12,))),
        (
            "composite",
            "mysql&&!my-metric_2",
            CompositeCondition("&&", ("mysql", CompositeCondition("!", ("my-metric_2",)))),
        ),
        (
            "composite",
            "1 && !(2 || 3) && 4",
            CompositeCondition("&&", (1, CompositeCondition("!", (CompositeCondition("||", (2, 3)),)), 4)),
        ),
        (
            "log alert",
            'logs("a \\"b\\"").index("*").rollup("avg", "@ms").last("5m") >= 5',
            OtherCondition(
                (
                    Step("logs", (String('a \\"b\\"'),)),
                    Step("index", (String("*"),)),
                    Step("rollup", (String("avg"), String("@ms"))),
                    Step("last", (String("5m"),)),
                ),
                ">=",
                5.0,
            ),
        ),
        (
            "cost alert",
            "formula('query1').last(7d).anomaly(direction='both', threshold=10) > 1",
            OtherCondition(
                (
                    Step("formula", (String("query1"),)),
                    Step("last", ("7d",)),
                    Step("anomaly", (), (("direction", String("both")), ("threshold", Number(10.0)))),
                ),
                ">",
                1.0,
            ),
        ),
    ],
)
def test_conditions(kind: str, text: str, condition: object) -> None:
    assert parse_monitor(text, kind) == condition
    assert parse_monitor(str(condition), kind) == condition


def test_monitors_of_a_composite_can_be_renamed() -> None:
    condition = parse_monitor("1 && !(load || 2) && 1", "composite")
    assert isinstance(condition, CompositeCondition) and condition.monitors == {1, 2, "load"}
    assert str(condition.named({1: "mysql", "load": 7})) == "mysql && !(7 || 2) && mysql"


@pytest.mark.parametrize(
    ("window", "seconds"), [("last_5m", 300), ("next_2w", 14 * 86400), ("current_1d", 86400), ("last_90s", 90)]
)
def test_windows(window: str, seconds: int) -> None:
    assert window_seconds(window) == seconds


@pytest.mark.parametrize("window", ["5m", "last_0m", "last_5", "last_5mm", ""])
def test_wrong_windows(window: str) -> None:
    with pytest.raises(ValueError, match=r"is not an evaluation window\. Write one such as last_5m"):
        window_seconds(window)


def test_synthetics_have_no_condition() -> None:
    with pytest.raises(ValueError, match="that belongs to its test"):
        parse_monitor("", "synthetics alert")


composites = st.recursive(
    st.integers(0, 10**9).map(str) | st.from_regex(r"\A[a-z][a-z0-9_-]{0,9}\Z"),
    lambda inner: (
        st.builds("({}) {} {}".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["&&", "||"]), inner)
        | st.builds("!({})".format, inner)
        | st.builds("!{}".format, inner)
    ),
    max_leaves=6,
)


@given(composites)
def test_composites_round_trip(text: str) -> None:
    condition = parse_monitor(text, "composite")
    assert parse_monitor(str(condition), "composite") == condition
    truth = {one: len(str(one)) % 2 == 1 for one in condition.monitors}
    words = re.sub(
        r"[a-z0-9_-]+", lambda one: str(len(str(int(one[0]) if one[0].isdigit() else one[0])) % 2 == 1), text
    )
    written = words.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
    assert holds(condition, truth) is eval(written)


def holds(condition: CompositeCondition, truth: dict[int | str, bool]) -> bool:
    values = [holds(one, truth) if isinstance(one, CompositeCondition) else truth[one] for one in condition.operands]
    if condition.operator == "!":
        return not values[0]
    return any(values) if condition.operator == "||" else all(values)


@given(st.sampled_from(MONITOR_TYPES[:-1]), st.text(alphabet="avg(last_5m):x{*}>1 \"'.over&|!logsby", max_size=50))
def test_any_text_is_parsed_or_refused(kind: str, text: str) -> None:
    try:
        condition = parse_monitor(text, kind)
    except QuerySyntaxError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse_monitor(str(condition), kind) == condition
