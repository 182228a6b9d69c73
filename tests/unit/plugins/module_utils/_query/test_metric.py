# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The query grammar: valid queries, positions of errors, and round trips."""

from __future__ import annotations

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._query.metric import (
    Binary,
    Call,
    Modifier,
    Negative,
    Number,
    Series,
    String,
    parse,
)
from ansible_collections.kennel.fleet.plugins.module_utils._query.scope import (
    And,
    In,
    Not,
    Or,
    QuerySyntaxError,
    Tag,
    UnboundVariable,
    parse_scope,
)
from hypothesis import assume, given
from hypothesis import strategies as st

LOAD = Series("system.load.1", Tag("*"), "avg")


def one(text: str):
    """Return the only expression of a query."""
    (expression,) = parse(text).expressions
    return expression


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("avg:system.load.1{*}", LOAD),
        ("system.load.1{*}", Series("system.load.1", Tag("*"))),
        ("p95:trace.flask.request{env:prod}", Series("trace.flask.request", Tag("env:prod"), "p95")),
        (
            "max:system.disk.in_use{!device:/dev/loop*} by {host,device}",
            Series("system.disk.in_use", Not(Tag("device:/dev/loop*")), "max", ("host", "device")),
        ),
        (
            "avg:my_metric{host:$host.value,$env}",
            Series("my_metric", And((Tag("host:$host.value"), Tag("$env"))), "avg"),
        ),
        (
            "avg:my_metric{*}by{host}.rollup(sum,3600)",
            Series("my_metric", Tag("*"), "avg", ("host",), (Modifier("rollup", ("sum", Number(3600))),)),
        ),
        (
            "sum:mysql.performance.queries{*}.as_rate().fill(zero)",
            Series(
                "mysql.performance.queries", Tag("*"), "sum", (), (Modifier("as_rate"), Modifier("fill", ("zero",)))
            ),
        ),
        (
            "avg:x{*}.rollup('avg', 60)",
            Series("x", Tag("*"), "avg", (), (Modifier("rollup", (String("avg"), Number(60))),)),
        ),
        (
            "anomalies(avg:mysql.performance.cpu_time{*}, 'basic', 2)",
            Call("anomalies", (Series("mysql.performance.cpu_time", Tag("*"), "avg"), String("basic"), Number(2))),
        ),
        (
            "anomalies(avg:system.load.1{*}, 'agile', 2, direction='both', interval=60, count_default_zero='true')",
            Call(
                "anomalies",
                (LOAD, String("agile"), Number(2)),
                (("direction", String("both")), ("interval", Number(60)), ("count_default_zero", String("true"))),
            ),
        ),
        (
            "top(avg:system.load.1{*}, 10, 'mean', 'desc')",
            Call("top", (LOAD, Number(10), String("mean"), String("desc"))),
        ),
        (
            "timeshift(system.load.1{*}, -3600)",
            Call("timeshift", (Series("system.load.1", Tag("*")), Negative(Number(3600)))),
        ),
        (
            "abs(moving_rollup(avg:system.load.1{*}, 60, 'avg'))",
            Call("abs", (Call("moving_rollup", (LOAD, Number(60), String("avg"))),)),
        ),
        ("avg:system.load.1{*} - 1 - 2", Binary("-", Binary("-", LOAD, Number(1)), Number(2))),
        ("1 - (2 - avg:system.load.1{*})", Binary("-", Number(1), Binary("-", Number(2), LOAD))),
        ("-avg:system.load.1{*} * 1e2 / .5", Binary("/", Binary("*", Negative(LOAD), Number(100)), Number(0.5))),
        ("-(1 + avg:system.load.1{*})", Negative(Binary("+", Number(1), LOAD))),
    ],
)
def test_parses_queries(text, tree):
    assert one(text) == tree
    assert one(str(tree)) == tree


def test_parses_several_queries():
    assert [e.metric for e in parse("avg:a{*}, sum:b{x:y,z:w}, c{*}").expressions] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a:b,c:d", And((Tag("a:b"), Tag("c:d")))),
        ("a:b AND c:d", And((Tag("a:b"), Tag("c:d")))),
        ("a:b and NOT c:d", And((Tag("a:b"), Not(Tag("c:d"))))),
        ("(a:b and c:d) AND e:f", And((Tag("a:b"), Tag("c:d"), Tag("e:f")))),
        ("a:b OR c:d AND e:f", Or((Tag("a:b"), And((Tag("c:d"), Tag("e:f")))))),
        ("(a:b or c:d) AND e:f", And((Or((Tag("a:b"), Tag("c:d"))), Tag("e:f")))),
        ("a IN (x, y)", In("a", ("x", "y"))),
        ("a NOT IN (x) AND orders", And((Not(In("a", ("x",))), Tag("orders")))),
        ("NOT (a:b OR c:d)", Not(Or((Tag("a:b"), Tag("c:d"))))),
        ("NOT NOT a:b", Not(Not(Tag("a:b")))),
    ],
)
def test_parses_scopes(text, tree):
    assert parse_scope(text) == tree
    assert parse_scope(str(tree)) == tree


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a:b AND NOT c:d", "a:b,!c:d"),
        ("NOT a NOT IN (x,y)", "NOT a NOT IN (x,y)"),
        ("(a:b or c:d) and e:f", "(a:b OR c:d) AND e:f"),
    ],
)
def test_formats_scopes_uniformly(text, written):
    assert str(parse_scope(text)) == written


@pytest.mark.parametrize(
    ("scope", "tags", "selected"),
    [
        ("*", set(), True),
        ("env:dev", {"env:dev"}, True),
        ("env:dev", {"env:development"}, False),
        ("env:dev,role:web", {"env:dev"}, False),
        ("env:dev,role:web", {"env:dev", "role:web"}, True),
        ("!env:dev", {"env:prod"}, True),
        ("!env:dev", {"env:dev", "env:prod"}, False),
        ("host:WEB-1", {"host:web-1"}, True),
        ("host:web-*", {"host:web-1"}, True),
        ("host:*-1", {"host:web-1"}, True),
        ("host:w*b*1", {"host:web-1"}, True),
        ("host:web.1", {"host:web-1"}, False),
        ("env:*", {"role:web"}, False),
        ("bare", {"bare"}, True),
        ("env:dev OR env:test", {"env:test"}, True),
        ("env:dev AND role:web OR env:test", {"env:test"}, True),
        ("env IN (dev,te*)", {"env:test"}, True),
        ("env IN (dev)", {"env:test"}, False),
        ("env NOT IN (dev,test)", {"env:test"}, False),
        ("env NOT IN (dev,test)", {"role:web"}, True),
        ("NOT (env:dev OR role:db)", {"env:test", "role:web"}, True),
    ],
)
def test_scopes_select_tags(scope, tags, selected):
    assert parse_scope(scope).matches(tags) is selected


def test_template_variables_have_no_value():
    with pytest.raises(UnboundVariable, match=r"\$host"):
        parse_scope("env:dev OR $host").matches({"env:test"})


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "expected a metric"),
        ("avg:system.load.1", 18, "expected a scope"),
        ("avg:{*}", 5, "expected a metric"),
        ("mean:x{*}", 1, "unknown aggregator, expected one of avg, sum"),
        ("avg:x{}", 7, "expected a tag"),
        ("avg:x{a:b", 10, "expected ',', AND, OR or '}'"),
        ("avg:x{a:b c:d}", 11, "expected ',', AND, OR or '}'"),
        ("avg:x{a:b,}", 11, "expected a tag"),
        ("avg:x{a:b AND}", 14, "expected a tag"),
        ("avg:x.{*}", 6, "expected a scope"),
        ("avg:x{AND}", 7, "expected a tag"),
        ("avg:x{a:b AND !c:d}", 15, "expected a tag"),
        ("avg:x{a:b OR c:d,e:f}", 21, "cannot be mixed"),
        ("avg:x{a NOT (b)}", 13, "expected IN"),
        ("avg:x{a IN b}", 12, "expected '(' after IN"),
        ("avg:x{a IN ()}", 13, "expected a tag value"),
        ("avg:x{*} by host", 13, "expected tag keys"),
        ("avg:x{*} by {}", 14, "expected a tag key"),
        ("avg:x{*}.rolup(avg, 60)", 10, "expected one of as_count"),
        ("avg:x{*}.rollup", 16, "expected '(' after .rollup"),
        ("avg:x{*}.rollup(avg 60)", 21, "expected ',' or ')'"),
        ("avg:x{*} avg:y{*}", 10, "expected the end of the query"),
        ("avg:x{*} +", 11, "expected a metric"),
        ("(avg:x{*}", 10, "expected ')'"),
        ("abs(basic, 2)", 10, "expected a scope"),
        ("anomalies(avg:a{*}, basic, 2)", 21, "anomalies requires quotes around basic: 'basic'"),
        ("f(direction=both, avg:x{*})", 13, "expected a quoted string or a number"),
        ("f(a='b', avg:x{*})", 18, "a keyword argument of f precedes"),
        ("1e999", 1, "number out of range"),
        ("(" * 5000, 82, "more than 80"),
        ("1" + " + 1" * 5000, 323, "more than 80"),
    ],
)
def test_errors_have_a_column(text, column, message):
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text)
    assert caught.value.column == column
    assert message in caught.value.message
    assert f"column {column})" in str(caught.value)


tags = st.from_regex(r'\*?[a-z][a-z0-9_/.-]{0,6}(:([A-Za-z0-9*$.@é-]{1,6}|"[a ,()!]{1,6}"))?', fullmatch=True).filter(
    lambda text: text not in ("and", "or", "not", "in")
)
words = st.recursive(
    tags
    | st.builds(
        "{} {} ({},{})".format, st.sampled_from(["env", "role"]), st.sampled_from(["IN", "NOT IN", "in"]), tags, tags
    ),
    lambda inner: (
        st.builds("({}) {} {}".format, inner, st.sampled_from(["AND", "OR", "and"]), inner)
        | st.builds("NOT ({})".format, inner)
    ),
    max_leaves=6,
)
symbols = st.lists(st.builds("{}{}".format, st.sampled_from(["", "!"]), tags), min_size=1, max_size=4).map(",".join)
series = st.builds(
    "{}{}{{{}}}{}{}".format,
    st.sampled_from(["", "avg:", "p99: ", "count(v: v<=1):"]),
    st.from_regex(r"[a-z]([a-z0-9_.]{0,8}[a-z0-9_])?", fullmatch=True),
    words | symbols,
    st.sampled_from(["", " by {host}", "by{ host , env }", ".fill(last) by {*}"]),
    st.sampled_from(["", ".as_count()", ".rollup(avg)", ".rollup(sum, 60).fill(last, 1.5)", ".rollup('max',-1)"]),
)
numbers = st.floats(min_value=0, allow_infinity=False).map(repr) | st.integers(0, 10**20).map(str)
queries = st.recursive(
    series | numbers,
    lambda inner: (
        st.builds("({}) {} ({})".format, inner, st.sampled_from("+-*/"), inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from("+-*/"), inner)
        | st.builds("-{}".format, inner)
        | st.builds("f_1({}, 'it is', \"it's\", {}, word, {{ a,b }}, a=-2, b='c\\'')".format, inner, inner)
        | st.builds(
            "{}({}).fill(zero).rollup(sum, daily, 12am, Europe/Paris)".format, st.sampled_from(["", "f"]), inner
        )
    ),
    max_leaves=8,
)


@given(st.lists(queries, min_size=1, max_size=3).map(", ".join))
def test_parses_its_own_output(text):
    tree = parse(text)
    assert parse(str(tree)) == tree
    assert str(parse(str(tree))) == str(tree)


@given(st.text(alphabet="avgx1.:{}*(),!' -+/byANDORINT$=", max_size=40) | st.text(max_size=20))
def test_any_text_is_parsed_or_refused(text):
    try:
        tree = parse(text)
    except QuerySyntaxError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse(str(tree)) == tree


@given(words, st.sets(tags, max_size=4))
def test_negation_selects_everything_else(text, own):
    assume("$" not in text)
    assert parse_scope(text).matches(own) is not parse_scope(f"NOT ({text})").matches(own)
