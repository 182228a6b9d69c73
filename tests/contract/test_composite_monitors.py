# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Composite monitors, which refer to other monitors of the fleet by key."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest
from account import ITEMS, Account, Body
from ansible_collections.kennel.fleet.plugins.filter.monitor_export import monitor_export

LOAD = ITEMS["monitor"]
HITS = {**LOAD, "key": "hits", "name": "Hits"}
BOTH = {"key": "both", "name": "Both", "type": "composite", "query": "load  && !hits", "message": "@ops@example.com"}
# The composite comes before its parts.
ALL = [BOTH, LOAD, HITS]


def by_key(account: Account) -> dict[str, dict[str, Any]]:
    """Return the existing monitors by the key in their mark."""
    keys = ([tag.partition("kennel_key:")[2] for tag in found["tags"]] for found in account.there("monitor"))
    return dict(zip(map("".join, keys), account.there("monitor"), strict=True))


def ids(account: Account) -> dict[str, int]:
    return {key: found["id"] for key, found in by_key(account).items()}


def test_composite_is_created_after_its_parts_and_deleted_before_them(account: Account) -> None:
    assert account.actions("monitor", ALL) == ["created"] * 3
    there = by_key(account)
    assert there["both"]["query"] == f"{there['load']['id']} && !{there['hits']['id']}"
    assert account.actions("monitor", ALL) == ["unchanged"] * 3
    assert account.actions("monitor", [HITS, LOAD, {**BOTH, "query": "load && !hits"}]) == ["unchanged"] * 3
    assert account.actions("monitor", [], prune=True) == ["deleted"] * 3
    assert account.there("monitor") == []


def shown(result: Body) -> list[tuple[str, str]]:
    """Return the diff without headers, which only contain addresses of existing objects."""
    return [(diff["before"], diff["after"]) for diff in result["diff"]]


def test_check_mode_shows_keys_instead_of_invented_ids(account: Account) -> None:
    checked = account.run("monitor", ALL, check=True)
    assert [entry["action"] for entry in checked["items"]] == ["created"] * 3
    assert "query: load && !hits\n" in checked["diff"][0]["after"] and account.there("monitor") == []
    assert shown(checked) == shown(account.run("monitor", ALL))
    other = [{**BOTH, "query": "hits || load"}, LOAD, HITS]
    checked = account.run("monitor", other, check=True)
    [diff] = checked["diff"]
    assert (diff["before"], diff["after"]) == ("query: load && !hits\n", "query: hits || load\n")
    assert checked["diff"] == account.run("monitor", other)["diff"]


def test_composite_refers_to_a_recreated_part(account: Account) -> None:
    account.actions("monitor", ALL)
    before = ids(account)
    check = {**HITS, "type": "service check", "options": {"thresholds": {"critical": 1}}}
    check["query"] = '"ntp.in_sync".over("*").by("host").last(2).count_by_status()'
    changed = [BOTH, LOAD, check]
    checked = account.run("monitor", changed, check=True)
    assert [entry["action"] for entry in checked["items"]] == ["updated", "unchanged", "updated"]
    assert checked["diff"][0]["before"] == f"query: load && !{before['hits']}\n"
    assert shown(checked) == shown(account.run("monitor", changed))
    after = ids(account)
    assert after["hits"] != before["hits"] and (after["both"], after["load"]) == (before["both"], before["load"])
    assert by_key(account)["both"]["query"] == f"{after['load']} && !{after['hits']}"
    assert account.actions("monitor", changed) == ["unchanged"] * 3


def test_composite_with_a_deleted_part_is_repaired(account: Account) -> None:
    account.actions("monitor", ALL)
    account.client().delete(f"monitor/{ids(account)['hits']}", force="true")
    assert account.actions("monitor", ALL) == ["updated", "unchanged", "created"]
    assert account.actions("monitor", ALL) == ["unchanged"] * 3


def test_former_part_is_deleted_in_the_same_run(account: Account) -> None:
    account.actions("monitor", ALL)
    less = [{**BOTH, "query": "load"}, LOAD, {"key": "hits", "state": "absent"}]
    assert account.actions("monitor", less, check=True) == ["updated", "unchanged", "deleted"]
    assert account.actions("monitor", less) == ["updated", "unchanged", "deleted"]


@pytest.mark.parametrize("prune", [False, True])
def test_part_of_another_composite_is_not_deleted(account: Account, prune: bool) -> None:
    account.actions("monitor", ALL)
    before = ids(account)
    whole = [{**BOTH, "query": f"load && !{before['hits']}"}] if prune else []
    gone = [] if prune else [{"key": "hits", "state": "absent"}]
    for check in (True, False):
        refused = account.run("monitor", [*whole, {**LOAD, "name": "Other"}, *gone], prune=prune, check=check)
        assert refused["failed"] and not refused["changed"] and ids(account) == before
        assert f"both: it refers to monitor {before['hits']} (hits), which would be deleted" in refused["msg"]


def test_foreign_monitor_can_be_a_part_by_id(account: Account) -> None:
    other = account.make("monitor", LOAD)
    mixed = {**BOTH, "query": f"hits || {other}"}
    assert account.actions("monitor", [mixed, HITS]) == ["created"] * 2
    assert account.actions("monitor", [mixed, HITS]) == ["unchanged"] * 2
    assert account.actions("monitor", [], prune=True) == ["deleted"] * 2
    refused = account.run("monitor", [{**BOTH, "query": "12345"}], check=True)
    assert "both: Datadog rejects it: Some monitor IDs are invalid." in refused["msg"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("load && hit", "there is no monitor with the key 'hit'. Did you mean hits?"),
        ("load && both", "the monitor 'both' is a composite monitor itself"),
        ("load & hits", "expected the end of the query"),
        ("load && gone", "there is no monitor with the key 'gone'"),
        (" && ".join(map(str, range(11))), "it has 11 monitors, but Datadog allows 10"),
    ],
)
def test_invalid_composite_is_refused_before_any_change(account: Account, query: str, words: str) -> None:
    items = [{**BOTH, "query": query}, LOAD, HITS, {"key": "gone", "state": "absent"}]
    refused = account.run("monitor", items)
    assert refused["failed"] and len(refused["problems"]) == 1 and account.there("monitor") == []
    assert "(both)" in refused["msg"] and words in refused["msg"]


def test_composite_is_exported_with_keys_and_can_be_applied_to_another_fleet(account: Account) -> None:
    account.actions("monitor", ALL)
    account.actions("monitor", ALL, fleet="other")
    mine = [found for found in account.there("monitor") if "kennel_fleet:lab" in found["tags"]]
    exported = monitor_export(mine)
    assert [item["query"] for item in exported if item["key"] == "both"] == ["load && !hits"]
    assert account.actions("monitor", exported) == ["unchanged"] * 3
    assert account.actions("monitor", exported, fleet="third") == ["created"] * 3
    # Without its parts it refers to their IDs, which are valid within the account.
    [alone] = monitor_export([found for found in mine if found["type"] == "composite"])
    assert account.actions("monitor", [alone]) == ["unchanged"]


def test_composites_of_several_fleets_are_exported_with_their_parts(account: Account) -> None:
    account.actions("monitor", ALL)
    account.actions("monitor", ALL, fleet="other")
    exported = {item["key"]: item for item in monitor_export(account.there("monitor"))}
    assert (exported["both"]["query"], exported["both_2"]["query"]) == ("load && !hits", "load_2 && !hits_2")


def test_manually_created_composite_is_adopted_with_its_parts(account: Account) -> None:
    parts = [account.make("monitor", item) for item in (LOAD, HITS)]
    account.make("monitor", {**BOTH, "query": f"{parts[0]} && !{parts[1]}"})
    exported = monitor_export(account.there("monitor"))
    assert account.actions("monitor", exported, adopt=True) == ["adopted"] * 3
    assert account.actions("monitor", ALL) == ["unchanged"] * 3


def test_concurrent_runs_end_with_one_composite_of_remaining_monitors(account: Account) -> None:
    """Another run creates the older one of each pair of duplicates: first of the part, then of the composite."""
    items = [{**BOTH, "query": "load"}, LOAD]
    processes = multiprocessing.get_context("fork")
    met, results = processes.Barrier(2, timeout=30), processes.Queue()
    turn = {kind: processes.Event() for kind in ("query alert", "composite")}

    def one_run(first: str) -> None:
        client = account.client()
        post = client.post

        def meet(path: str, body: Any, **options: Any) -> Any:
            if path != "monitor":
                return post(path, body, **options)
            kind = "composite" if body["type"] == "composite" else "query alert"
            met.wait()
            if kind != first:
                turn[kind].wait(30)
            made = post(path, body, **options)
            if kind == first:
                turn[kind].set()
            met.wait()
            return made

        client.post = meet  # type: ignore[method-assign]
        results.put(account.run("monitor", items, client=client))

    runs = [processes.Process(target=one_run, args=(first,)) for first in turn]
    for process in runs:
        process.start()
    ended = [results.get(timeout=60) for _process in runs]
    for process in runs:
        process.join(timeout=60)
    assert [result.get("msg") for result in ended] == [None, None]
    there = by_key(account)
    assert len(account.there("monitor")) == 2 and there["both"]["query"] == str(there["load"]["id"])
    assert account.actions("monitor", items) == ["unchanged"] * 2
