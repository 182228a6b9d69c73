"""The stand-in Datadog without HTTP: decoding, store, query evaluation and keys."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
from ansible_collections.kennel.fleet.plugins.module_utils._tags import normalise_tag
from starlette.requests import Request

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
bodies, keys, errors, evaluate, store = (
    importlib.import_module(f"standin.{name}")
    for name in ("wire.bodies", "api.keys", "errors", "query.evaluate", "store")
)
parse = importlib.import_module("module_utils._query.metric").parse

NOW = 1_800_000_000  # a multiple of every interval used here


@pytest.fixture
def kept(tmp_path):
    return store.Store(tmp_path, retention=86400)


def send(kept, metric, points, *, host="", tags=(), kind="gauge", interval=0):
    key = bodies.Key(metric, host, bodies.tags(list(tags)))
    kept.add_samples([bodies.Sample(key, kind, interval, points)], NOW)


def ask(kept, text, start=NOW - 60, end=NOW):
    """Evaluate a query; return {expression: {seconds from `start`: value}}."""
    (lines,) = evaluate.evaluate(parse(text), kept, start, end)
    return {line.expression: {bucket - start: value for bucket, value in line.points.items()} for line in lines}


# ---------------------------------------------------------------------------------------------------------- decoding
def test_reads_both_forms_of_series_alike():
    v1 = {
        "metric": "m",
        "type": "rate",
        "interval": 10,
        "host": "h",
        "device": "sda",
        "tags": ["Env:Dev", "a b"],
        "points": [[NOW, 1], [NOW + 0.9, 2]],
    }
    v2 = {
        "metric": "m",
        "type": 2,
        "interval": 10,
        "tags": ["Env:Dev", "a b"],
        "resources": [{"type": "host", "name": "h"}, {"type": "device", "name": "sda"}],
        "points": [{"timestamp": NOW, "value": 2}],
    }
    expected = [bodies.Sample(bodies.Key("m", "h", ("a_b", "device:sda", "env:dev")), "rate", 10, {NOW: 2.0})]
    assert bodies.series_v1({"series": [v1]}) == expected
    assert bodies.series_v2({"series": [v2]}) == expected


def test_tags_are_stored_as_the_collection_expects():
    sent = ["role:web__1_", "env:prod:", "Team:Web Shop", "1st:x", "42"]
    kept = tuple(sorted(filter(None, map(normalise_tag, sent))))
    assert bodies.tags(sent) == kept == ("env:prod", "role:web_1", "st:x", "team:web_shop")


def test_accepts_an_agents_empty_probe():
    assert bodies.series_v1({}) == bodies.series_v2({}) == []


@pytest.mark.parametrize(
    "item",
    [
        {"points": []},
        {"metric": 5},
        {"metric": "m", "points": [{"timestamp": NOW}]},
        {"metric": "m", "type": 4},
        {"metric": "m", "points": [{"timestamp": NOW, "value": "7"}]},
        {"metric": "m", "tags": [1]},
        {"metric": "m", "type": True},
        {"metric": "m", "points": [{"timestamp": NOW, "value": True}]},
        "m",
        {"metric": "m", "interval": 10**20},
        {"metric": "m", "points": [{"timestamp": 10**400, "value": 1}]},
        {"metric": "m", "points": [{"timestamp": NOW, "value": 10**400}]},
        {"metric": "m", "resources": ["host"]},
    ],
)
def test_refuses_malformed_series(item):
    with pytest.raises(errors.Refused, match="not in the expected format") as caught:
        bodies.series_v2({"series": [item]})
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_refuses_invalid_json(body):
    with pytest.raises(errors.Refused, match="not in the expected format"):
        bodies.load(body)


@pytest.mark.parametrize("run", [{"status": 0}, {"check": "c", "status": 4}, {"check": "c", "status": "ok"}, 5])
def test_refuses_malformed_check_runs(run):
    with pytest.raises(errors.Refused):
        bodies.check_runs(run, NOW)


# ------------------------------------------------------------------------------------------------------------- store
def test_second_value_for_a_second_replaces_the_first(kept):
    send(kept, "m", {NOW - 20: 1.0})
    send(kept, "m", {NOW - 20: 5.0})
    assert ask(kept, "m{*}.rollup(sum)") == {"m{*}": {40: 5.0}}


def test_drops_points_that_are_too_old_or_in_the_future(kept):
    send(kept, "m", {NOW - 86401: 1.0, NOW + 601: 2.0}, host="h")
    assert kept.metrics(0) == []
    assert kept.hosts() == []


def test_prunes_expired_points_and_series(kept):
    send(kept, "old", {NOW - 80000: 1.0})
    send(kept, "new", {NOW: 1.0})
    kept.prune(NOW + 10000)
    assert kept.metrics(0) == ["new"]
    assert kept.metric_type("old") is None
    send(kept, "old", {NOW: 2.0})
    assert kept.metrics(0) == ["new", "old"]


def test_failed_write_is_rolled_back(kept):
    good = bodies.Sample(bodies.Key("m", "h", ()), "gauge", 0, {NOW: 1.0})
    bad = bodies.Sample(bodies.Key("n", "h", ()), "gauge", 0, {NOW: None})
    with pytest.raises(Exception, match="NOT NULL"):
        kept.add_samples([good, bad], NOW)
    assert kept.metrics(0) == kept.hosts() == []
    kept.add_samples([good], NOW)
    assert kept.metrics(0) == ["m"]


def test_data_survives_a_restart(tmp_path):
    send(store.Store(tmp_path, 86400), "m", {NOW - 20: 1.0}, host="h")
    again = store.Store(tmp_path, 86400)
    send(again, "m", {NOW - 40: 2.0}, host="h")
    assert ask(again, "m{host:h}") == {"m{host:h}": {20: 2.0, 40: 1.0}}


def test_new_report_replaces_agent_tags_but_not_user_tags(kept):
    for tags in (["env:dev", "role:web"], ["env:test"]):
        kept.add_host(bodies.host_report({"internalHostname": "h", "host-tags": {"system": tags}}), NOW)
        kept.change_tags("h", "users", ["team:a"], replace=False)
    kept.add_host(bodies.host_report({"internalHostname": "h", "meta": {}}), NOW)
    assert kept.hosts()[0].tags == {"Datadog": ["env:test"], "Users": ["team:a"]}


def test_keeps_the_newest_check_run(kept):
    for status, ts in ((0, NOW - 10), (2, NOW), (1, NOW - 5)):
        run = {"check": "c", "host_name": "h", "status": status, "timestamp": ts}
        kept.add_check_runs(bodies.check_runs([run, {**run, "tags": ["port:1"]}], NOW), NOW)
    assert [(run.status, run.tags) for run in kept.check_runs("h")] == [(2, ("port:1",)), (2, ())]
    assert kept.check_runs("h", "other") == kept.check_runs("other") == []


def test_queries_fifty_hosts_at_once(kept):
    for minute in range(3):
        for host in range(50):
            kept.add_samples(
                [
                    bodies.Sample(
                        bodies.Key(f"m.{number}", f"h{host}", ()), "gauge", 0, {NOW - 15 * minute: float(host)}
                    )
                    for number in range(120)
                ],
                NOW,
            )
    assert len(kept.metrics(NOW - 60)) == 120
    assert len(ask(kept, "avg:m.7{*} by {host}", end=NOW + 20)) == 50
    assert ask(kept, "max:m.7{*}.rollup(max, 60)", NOW - 60, NOW + 60) == {"max:m.7{*}": {0: 49.0, 60: 49.0}}


# -------------------------------------------------------------------------------------------------------- evaluation
@pytest.mark.parametrize(
    ("span", "interval"),
    [(60, 20), (3600, 20), (3601, 60), (14400, 60), (86400, 300), (172800, 600), (604800, 3600), (2592000, 14400)],
)
def test_default_intervals_are_datadogs(span, interval):
    assert evaluate.default_interval(span) == interval


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("m{*}", {0: 3.0, 20: 9.0}),
        ("m{*}.rollup(sum)", {0: 6.0, 20: 9.0}),
        ("m{*}.rollup(min, 60)", {0: 2.0}),
        ("m{*}.rollup('max', 60)", {0: 9.0}),
        ("m{*}.rollup(count, 30)", {0: 3.0}),
        ("m{*}.rollup(1)", {0: 2.0, 5: 4.0, 25: 9.0}),
        ("m{*}.fill(zero)", {0: 3.0, 20: 9.0, 40: 0.0}),
        ("m{*}.fill(last)", {0: 3.0, 20: 9.0, 40: 9.0}),
        ("m{*}.fill(last, 10)", {0: 3.0, 20: 9.0}),
        ("m{*}.rollup(avg, 5).fill(linear)", {0: 2.0, 5: 4.0, 10: 5.25, 15: 6.5, 20: 7.75, 25: 9.0}),
        ("m{*}.rollup(avg, 5).fill(linear, 10)", {0: 2.0, 5: 4.0, 25: 9.0}),
        ("m{*} * 2 - 1", {0: 5.0, 20: 17.0}),
        ("-m{*}", {0: -3.0, 20: -9.0}),
        ("m{*} / (m{*} - 3)", {20: 1.5}),
        ("100 / m{*}", {0: 100 / 3, 20: 100 / 9}),
    ],
)
def test_aggregates_a_series_over_time(kept, text, points):
    send(kept, "m", {NOW - 60: 2.0, NOW - 55: 4.0, NOW - 35: 9.0})
    assert list(ask(kept, text).values()) == [pytest.approx(points)]


def test_returns_buckets_that_start_within_the_span(kept):
    send(kept, "m", {NOW - 70: 1.0, NOW - 60: 2.0, NOW - 1: 3.0, NOW: 4.0})
    assert ask(kept, "m{*}", NOW - 70, NOW) == {"m{*}": {10: 2.0, 50: 3.0}}


def test_too_fine_rollup_is_widened(kept):
    send(kept, "m", {NOW - 20: 1.0, NOW - 19: 3.0})
    assert ask(kept, "m{*}.rollup(max, 1)", NOW - 1500) == {"m{*}": {1480: 1.0, 1481: 3.0}}
    assert ask(kept, "m{*}.rollup(max, 1)", NOW - 1600) == {"m{*}": {1580: 3.0}}


@pytest.mark.parametrize(
    ("aggregator", "value"), [("avg", 4.0), ("sum", 8.0), ("min", 2.0), ("max", 6.0), ("count", 2.0)]
)
def test_aggregates_in_space(kept, aggregator, value):
    send(kept, "m", {NOW - 20: 2.0}, host="a")
    send(kept, "m", {NOW - 15: 6.0}, host="b")
    assert ask(kept, f"{aggregator}:m{{*}}") == {f"{aggregator}:m{{*}}": {40: value}}


def test_interpolates_only_if_a_group_has_several_series(kept):
    send(kept, "m", {NOW - 60: 0.0, NOW - 20: 4.0}, host="a")
    send(kept, "m", {NOW - 40: 10.0}, host="b")
    assert ask(kept, "sum:m{*}") == {"sum:m{*}": {0: 0.0, 20: 12.0, 40: 4.0}}
    assert ask(kept, "sum:m{*}.fill(null)") == {"sum:m{*}": {0: 0.0, 20: 10.0, 40: 4.0}}
    assert ask(kept, "sum:m{host:a}") == {"sum:m{host:a}": {0: 0.0, 40: 4.0}}


def test_groups_by_tags_of_points_and_of_hosts(kept):
    kept.add_host(bodies.host_report({"internalHostname": "a", "host-tags": {"system": ["env:dev"]}}), NOW)
    send(kept, "m", {NOW - 20: 1.0}, host="a", tags=["disk:x"])
    send(kept, "m", {NOW - 20: 2.0}, host="a", tags=["disk:y"])
    send(kept, "m", {NOW - 20: 7.0}, host="b")
    assert ask(kept, "sum:m{*} by {host}") == {"sum:m{host:a}": {40: 3.0}, "sum:m{host:b}": {40: 7.0}}
    assert ask(kept, "sum:m{*} by {env,disk}") == {
        "sum:m{env:N/A,disk:N/A}": {40: 7.0},
        "sum:m{env:dev,disk:x}": {40: 1.0},
        "sum:m{env:dev,disk:y}": {40: 2.0},
    }
    assert ask(kept, "sum:m{env:dev} by {disk}") == {
        "sum:m{env:dev,disk:x}": {40: 1.0},
        "sum:m{env:dev,disk:y}": {40: 2.0},
    }
    assert ask(kept, "sum:m{host:b OR disk:y}") == {"sum:m{host:b OR disk:y}": {40: 9.0}}
    assert ask(kept, "sum:m{env:prod}") == ask(kept, "sum:n{*}") == {}


def test_counts_and_rates(kept):
    send(kept, "count", {NOW - 20: 30.0, NOW - 10: 10.0}, kind="count", interval=10)
    send(kept, "rate", {NOW - 20: 3.0, NOW - 10: 1.0}, kind="rate", interval=10)
    send(kept, "gauge", {NOW - 20: 3.0, NOW - 10: 1.0})
    values = {
        f"{metric}{how}": next(iter(ask(kept, f"sum:{metric}{{*}}{how}").values()))[40]
        for metric in ("count", "rate", "gauge")
        for how in ("", ".as_count()", ".as_rate()")
    }
    assert values == {
        "count": 20.0,
        "count.as_count()": 40.0,
        "count.as_rate()": 2.0,
        "rate": 2.0,
        "rate.as_count()": 40.0,
        "rate.as_rate()": 2.0,
        "gauge": 2.0,
        "gauge.as_count()": 2.0,
        "gauge.as_rate()": 2.0,
    }


def test_arithmetic_matches_groups_and_totals(kept):
    for host, value in (("a", 1.0), ("b", 3.0)):
        send(kept, "m", {NOW - 20: value}, host=host)
        send(kept, "n", {NOW - 20: value * 10}, host=host)
    send(kept, "n", {NOW - 20: 5.0}, host="c")
    assert ask(kept, "sum:n{*} by {host} / sum:m{*} by {host}") == {
        "(sum:n{host:a} / sum:m{host:a})": {40: 10.0},
        "(sum:n{host:b} / sum:m{host:b})": {40: 10.0},
    }
    assert ask(kept, "sum:m{*} by {host} / sum:m{*}") == {
        "(sum:m{host:a} / sum:m{*})": {40: 0.25},
        "(sum:m{host:b} / sum:m{*})": {40: 0.75},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("forecast(avg:m{*}, 'linear', 2)", "forecast is not evaluated here"),
        ("avg:m{$host}", r"template variable \$host"),
        ("p95:m{*}", "percentiles"),
        ("avg:m{*}.rollup(median, 60)", "rollup: unknown method median"),
        ("avg:m{*}.rollup(avg, 0)", "number of seconds from 1"),
        ("avg:m{*}.rollup(avg, 1e300)", "number of seconds from 1"),
        ("avg:m{*}.fill(cubic)", "fill: unknown method cubic"),
        ("1 + 1", "at least one metric"),
        ("avg:m{*} * (1 / 0)", "division by zero"),
        ("avg:m{*} * 1e308 * 1e308", "out of range"),
    ],
)
def test_refuses_what_it_cannot_evaluate(kept, text, message):
    send(kept, "m", {NOW - 20: 2.0}, host="h")
    with pytest.raises(errors.Refused, match=message) as caught:
        ask(kept, text)
    assert caught.value.status == 400


# --------------------------------------------------------------------------------------------------------------- keys
def request(headers=(), query=b""):
    return Request({"type": "http", "headers": [(k.encode(), v.encode()) for k, v in headers], "query_string": query})


API, APP = ("dd-api-key", "k" * 32), ("dd-application-key", "a" * 40)


@pytest.mark.parametrize(
    ("sent", "application"),
    [(request([API]), False), (request(query=b"api_key=" + b"k" * 32), False), (request([API, APP]), True)],
)
def test_valid_keys_are_accepted(sent, application):
    keys.Keys("k" * 32, "a" * 40).check(sent, application=application)


@pytest.mark.parametrize(
    ("sent", "application"),
    [
        (request(), False),
        (request([("dd-api-key", "é")]), False),
        (request([API]), True),
        (request([APP]), True),
        (request([API, ("dd-application-key", "k" * 32)]), True),
    ],
)
def test_invalid_keys_are_forbidden(sent, application):
    with pytest.raises(errors.Refused, match="Forbidden") as caught:
        keys.Keys("k" * 32, "a" * 40).check(sent, application=application)
    assert caught.value.status == 403


def test_keys_are_not_printed():
    assert "kkk" not in repr(keys.Keys("k" * 32, "a" * 40))


@pytest.mark.parametrize(
    "content", ["", "{}", '{"api_key": "", "app_key": "x"}', '{"api_key": "x", "app_key": 5}', "[]"]
)
def test_refuses_a_key_file_without_both_keys(tmp_path, content):
    (tmp_path / "keys.json").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError):
        keys.Keys.load(tmp_path / "keys.json")
