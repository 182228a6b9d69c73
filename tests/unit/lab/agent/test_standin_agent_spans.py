# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The trace agent's rules: how spans are normalised, which ones count, and in which bucket of ten seconds."""

from __future__ import annotations

import time
from typing import Any

import agent_process
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standin_agent import spans
from standin_agent.stats import BUCKET, Concentrator, Source
from standin_agent.wire import Span

assert agent_process.AGENT.is_dir()  # This import makes the stand-in importable.
NOW = 2_000_000_000 * 10**9
HERE = Source("e", "h", "", "")


def span(**fields: Any) -> Any:
    about = {"trace_id": 1, "span_id": 2, "service": "s", "name": "n", "resource": "r", "start": NOW, "duration": 1000}
    return Span(**{**about, **fields})


def normalised(**fields: Any) -> Any:
    """The span after normalisation."""
    found = span(**fields)
    spans.normalise([found], "go")
    return found


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Web Store", "web_store"),
        # Cases from TestNormalizeService (datadog-agent, pkg/trace/traceutil/normalize).
        ("127.0.0.1", "127.0.0.1"),
        ("\N{KOALA}1animal-db\N{DOG FACE}", "_1animal-db"),
        ("1\N{KOALA}1animal-db\N{DOG FACE}", "1_1animal-db"),
        ("Too$Long$." * 11, "too_long_." * 10),
        (":colon/a-b.c:", ":colon/a-b.c:"),
        ("Ünï", "ünï"),
        ("a" * 300, "a" * 100),
        ("é" * 99, "é" * 50),
        ("", "unnamed-go-service"),
        ("!?", "unnamed-go-service"),
    ],
)
def test_service_names_are_normalised(sent: str, kept: str) -> None:
    assert normalised(service=sent).service == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("flask.request", "flask.request"),
        ("GET /a b", "GET_a_b"),
        ("9.x..y_", "x..y"),
        ("a_.b._c", "a.b.c"),
        ("x" * 101, "x" * 100),
        ("", "unnamed_operation"),
        ("éé", "unnamed_operation"),
    ],
)
def test_operation_names_are_normalised(sent: str, kept: str) -> None:
    assert normalised(name=sent).name == kept


@given(st.text())
def test_normalisation_is_idempotent(text: str) -> None:
    for rule in (spans.operation, spans.tag_value, lambda name: spans.service(name, "go")):
        assert rule(rule(text)) == rule(text)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"resource": ""}, {"resource": "n"}),
        ({"resource": "x" * 6000}, {"resource": "x" * 5000}),
        ({"type": "t" * 101}, {"type": "t" * 100}),
        ({"duration": -5}, {"duration": 0}),
        ({"duration": 2**63 - 1}, {"duration": 0}),
        ({"trace_id": 7, "span_id": 7, "parent_id": 7}, {"parent_id": 0}),
        ({"meta": {"env": "My Env!"}}, {"meta": {"env": "my_env"}}),
        ({"meta": {"http.status_code": "404"}}, {"meta": {"http.status_code": "404"}}),
        ({"meta": {"http.status_code": "999"}}, {"meta": {}}),
        ({"meta": {"k": "v" * 26_000}}, {"meta": {"k": "v" * 25_000}}),
        (
            {
                "type": "sql",
                "resource": "SELECT a1, 'it''s', -5.2 FROM t2 WHERE x=7",
                "meta": {"sql.query": "IN (1,2)"},
            },
            {"resource": "SELECT a1, ?, -? FROM t2 WHERE x=?", "meta": {"sql.query": "IN (?,?)"}},
        ),
        ({"type": "web", "resource": "GET /users/7"}, {"resource": "GET /users/7"}),
    ],
)
def test_invalid_fields_are_corrected(sent: dict[str, Any], kept: dict[str, Any]) -> None:
    found = normalised(**sent)
    for name, value in kept.items():
        assert (dict(getattr(found, name)) if name == "meta" else getattr(found, name)) == value


def test_start_before_the_year_2000_becomes_now() -> None:
    found = normalised(start=5, duration=10**9)
    assert abs(found.start + found.duration - time.time_ns()) < 10**9


def marked(trace: list[Any], by_client: bool = False) -> list[int]:
    spans.mark_top_level(trace, by_client)
    return [found.span_id for found in trace if found.metrics.get("_top_level") == 1]


def test_top_level_spans_are_entries_to_a_service() -> None:
    def trace() -> list[Any]:
        return [
            span(span_id=1),
            span(span_id=2, parent_id=1, metrics={"_dd.top_level": 1}),
            span(span_id=3, parent_id=2, service="db"),
            span(span_id=4, parent_id=99),
        ]

    assert marked(trace()) == [1, 3, 4]
    assert marked(trace(), by_client=True) == [2]
    assert spans.root(trace()).span_id == 1
    assert spans.root(trace()[1:]).span_id == 2
    loop = [span(span_id=1, parent_id=2), span(span_id=2, parent_id=1)]
    assert spans.root(loop).span_id == 2


def hits(payloads: list[dict[str, Any]]) -> dict[tuple[int, str], int]:
    """Map (start of the bucket in seconds, resource) to the number of hits."""
    return {
        (bucket["Start"] // 10**9, entry["Resource"]): entry["Hits"]
        for payload in payloads
        for bucket in payload["Stats"]
        for entry in bucket["Stats"]
    }


def test_span_counts_in_the_bucket_in_which_it_ends() -> None:
    concentrator, top = Concentrator(NOW), {"_top_level": 1}

    def add(resource: str, seconds: float, duration: float = 0) -> None:
        found = span(resource=resource, start=NOW + int(seconds * 1e9), duration=int(duration * 1e9), metrics=top)
        concentrator.add([found], found, HERE)

    add("early", -100)
    add("long", 1, 12)
    add("short", 1)
    assert concentrator.take(NOW + 2 * BUCKET - 1) == []
    start = NOW // 10**9
    assert hits(concentrator.take(NOW + 2 * BUCKET)) == {(start, "early"): 1, (start, "short"): 1}
    # The first bucket has been sent: spans that ended in it count in the oldest bucket that has not.
    add("late", 5)
    assert hits(concentrator.take(NOW + 3 * BUCKET)) == {(start + 10, "long"): 1, (start + 10, "late"): 1}
    add("last", 40)
    assert hits(concentrator.take(NOW + 40 * 10**9, everything=True)) == {(start + 40, "last"): 1}


@pytest.mark.parametrize(
    ("fields", "counted"),
    [
        ({}, False),
        ({"metrics": {"_top_level": 1}}, True),
        ({"metrics": {"_dd.measured": 1}}, True),
        ({"meta": {"span.kind": "Client"}}, True),
        ({"meta": {"span.kind": "internal"}}, False),
        ({"metrics": {"_top_level": 1, "_dd.partial_version": 3}}, False),
    ],
)
def test_only_top_level_and_measured_spans_count(fields: dict[str, Any], counted: bool) -> None:
    concentrator, found = Concentrator(NOW), span(**fields)
    concentrator.add([found], found, HERE)
    assert bool(concentrator.take(NOW, everything=True)) is counted


def test_status_code_may_be_a_string_or_a_number() -> None:
    concentrator = Concentrator(NOW)
    for fields in (
        {"meta": {"http.status_code": "503"}},
        {"metrics": {"http.status_code": 503.0}},
        {"metrics": {"http.status_code": float("nan")}},
    ):
        found = span(**fields)
        found.metrics["_top_level"] = 1
        concentrator.add([found], found, HERE)
    [payload] = concentrator.take(NOW, everything=True)
    entries = payload["Stats"][0]["Stats"]
    assert {entry["HTTPStatusCode"]: entry["Hits"] for entry in entries} == {503: 2, 0: 1}
