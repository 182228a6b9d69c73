"""The stand-in Datadog evaluates any query, or refuses it with a reason."""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
bodies, errors, evaluate, store = (
    importlib.import_module(f"standin.{name}") for name in ("wire.bodies", "errors", "query.evaluate", "store")
)
parse = importlib.import_module("module_utils._query.metric").parse
FUNCTIONS = importlib.import_module("module_utils._query.functions").FUNCTIONS

NOW = 1_800_000_000


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    found = store.Store(tmp_path_factory.mktemp("standin"), retention=86400)
    for host, values in (("a", (1.0, 9.0, 0.0)), ("b", (6.0, 6.0, -3.0)), ("c", (-8.0, 0.0, 1e300))):
        points = {NOW - 60 + 20 * place: value for place, value in enumerate(values)}
        found.add_samples([bodies.Sample(bodies.Key("m", host, ()), "gauge", 0, points)], NOW)
    return found


NUMBERS = st.sampled_from(["0", "1", "-1", "2.5", "1e308", "86400"])
WORDS = st.sampled_from(
    ["'avg'", "'p95'", "'mean'", "'desc'", "'-1d'", "'-9999mo'", "'UTC'", "'dbscan'", "'basic'", "{host}", "{*}"]
)
SERIES = st.builds(
    "{}m{{*}}{}{}".format,
    st.sampled_from(["", "avg:", "sum:", "stddev:"]),
    st.sampled_from(["", " by {host}"]),
    st.sampled_from(
        ["", ".rollup(sum, 40)", ".rollup(avg, weekly)", ".fill(7)", ".fill(last, 60)", ".as_count()", ".weighted()"]
    ),
)
CALLS = sorted({*FUNCTIONS, "as_count", "fill"})
QUERIES = st.recursive(
    SERIES,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner | NUMBERS)
        | st.builds(
            lambda name, first, rest: f"{name}({', '.join([first, *rest])})",
            st.sampled_from(CALLS),
            inner,
            st.lists(NUMBERS | WORDS | inner, max_size=3),
        )
    ),
    max_leaves=4,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150)
@given(text=QUERIES)
def test_any_query_is_evaluated_or_refused(kept, text):
    try:
        parsed = parse(text)
    except ValueError:
        return
    try:
        answers = evaluate.evaluate(parsed, kept, NOW - 3600, NOW)
    except errors.Refused as refused:
        assert refused.status == 400 and all(map(str.strip, map(str, refused.errors)))
    else:
        assert all(math.isfinite(value) for found in answers for line in found for value in line.points.values())
