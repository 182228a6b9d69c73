"""Units of metrics and queries, and values formatted with them."""

from __future__ import annotations

import importlib

import pytest

# This import makes the stand-in importable.
import standin_client  # noqa: F401

units = importlib.import_module("standin.graph.units")


@pytest.mark.parametrize(
    ("query", "value", "shown"),
    [
        ("avg:system.cpu.user{*} by {host}", 12.345, "12.35%"),
        ("avg:system.disk.in_use{*}", 0.41, "41%"),
        ("avg:system.mem.used{*}", 1536, "1.5 GiB"),
        ("avg:system.mem.used{*}", 320, "320 MiB"),
        ("avg:system.disk.free{*}", 1024, "1 MiB"),
        ("avg:system.net.bytes_rcvd{*}", 2048, "2 KiB/s"),
        ("p95:trace.flask.request{service:shop}", 0.0015, "1.5 ms"),
        ("sum:trace.flask.request.hits{service:shop}.as_count()", 1200, "1.2k requests"),
        ("avg:mysql.performance.queries{*}", 12, "12 queries/s"),
        ("avg:mysql.performance.user_time{role:db}", 9.5, "9.5%"),
        ("anomalies(avg:mysql.performance.user_time{role:db}, 'basic', 2)", 9.5, "9.5%"),
        ("per_second(avg:mysql.performance.threads_connected{*})", 3, "3 connections/s"),
        ("avg:system.mem.used{*} + avg:system.mem.free{*}", 2048, "2 GiB"),
        ("avg:system.mem.used{*} / avg:system.mem.total{*}", 0.5, "0.5"),
        ("count:system.cpu.user{*}", 4, "4"),
        ("avg:system.disk.read_time{*}", 1500, "1.5 s"),
        ("avg:mysql.performance.query_run_time.avg{*}", 2500, "2.5 ms"),
        ("max:mysql.index.size{*} by {table}", 2048, "2 KiB"),
        ("avg:mysql.innodb.rows_read{*}", 5, "5 rows/s"),
        ("avg:mysql.performance.queries{*}", 1, "1 query/s"),
        ("sum:trace.flask.request.errors{*}", 1, "1 error"),
        ("sum:trace.flask.request.errors{*}", 1000, "1k errors"),
        ("avg:system.mem.used{*}", None, "-"),
        ("avg:my_metric{*}", 1234.5, "1.23k"),
        ("avg:my_metric{*}", 0.0015, "0.0015"),
        ("avg:my_metric{*}", 0, "0"),
        ("avg:trace.flask.request{*}", 0, "0 s"),
        ("no query", 5, "5"),
    ],
)
def test_values_have_the_unit_of_their_query(query: str, value: float, shown: str) -> None:
    assert units.of_query(query).show(value) == shown


def test_lines_with_different_units_have_no_common_unit() -> None:
    of = units.of_query
    assert units.shared([of("avg:system.cpu.user{*}"), of("avg:system.cpu.system{*}")]).show(1) == "1%"
    assert units.shared([of("avg:system.cpu.user{*}"), of("avg:system.mem.used{*}")]) == units.PLAIN
    assert units.shared([]) == units.PLAIN


@pytest.mark.parametrize(
    ("unit", "per", "value", "shown"),
    [
        ("byte", None, 2048, "2 KiB"),
        ("mebibyte", "second", 2048, "2 GiB/s"),
        ("millisecond", None, 1500, "1.5 s"),
        ("hour", None, 48, "2 d"),
        ("percent", None, 12, "12%"),
        ("query", "second", 12, "12 queries/s"),
        ("dog", None, 3, "3 dogs"),
        ("dog", "kennel", 3, "3 dogs/kennel"),
    ],
)
def test_unit_of_a_metric_comes_from_its_metadata(unit: str, per: str | None, value: float, shown: str) -> None:
    with units.said({"my_metric": {"unit": unit, "per_unit": per}}):
        assert units.of_query("avg:my_metric{*}").show(value) == shown
    assert units.of_query("avg:my_metric{*}") == units.PLAIN
