# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Common behaviour of the modules for dashboards, monitors and downtimes."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest
from account import CHANGES, ITEMS, KINDS, Account
from ansible_collections.kennel.fleet.plugins.module_utils._api.client import DatadogError
from ansible_collections.kennel.fleet.plugins.module_utils._objects.marks import Mark

pytestmark = pytest.mark.parametrize("kind", KINDS)


def test_object_is_created_once_changed_in_place_and_deleted(account: Account, kind: str) -> None:
    item = ITEMS[kind]
    made = account.run(kind, [item])
    [entry] = made["items"]
    assert made["changed"] and entry["action"] == "created" and entry["url"].startswith(account.standin.url)
    [diff] = made["diff"]
    title = str(item.get("title") or item.get("name") or item.get("message"))
    assert diff["before"] == "" and diff["after"]
    assert diff["after_header"] == f"{kind} {item['key']}: {title} ({entry['url']})"
    # The diff of a new downtime shows its start.
    assert ("begins" in entry.pop("note", "")) == (kind == "downtime")
    again = account.run(kind, [item])
    assert not again["changed"] and again["diff"] == [] and again["items"] == [{**entry, "action": "unchanged"}]
    changed = account.run(kind, [{**item, **CHANGES[kind]}])
    assert changed["items"][0]["action"] == "updated" and changed["items"][0]["id"] == entry["id"]
    [diff] = changed["diff"]
    [field] = CHANGES[kind]
    assert diff["after"] == f"{field}: {CHANGES[kind][field]}\n"
    assert diff["before"].startswith(f"{field}: ") and diff["before"].count("\n") == 1
    assert account.actions(kind, [{**item, **CHANGES[kind]}]) == ["unchanged"]
    absent = [{"key": item["key"], "state": "absent"}]
    gone = account.run(kind, absent)
    assert gone["items"][0]["action"] == "deleted" and gone["diff"][0]["after"] == "" and account.there(kind) == []
    assert account.actions(kind, absent) == []


def test_unlisted_objects_are_reported_and_kept(account: Account, kind: str) -> None:
    [made] = account.run(kind, [ITEMS[kind]])["items"]
    result = account.run(kind, [])
    [left] = result["unlisted"]
    assert (left["kind"], left["key"], left["url"]) == (kind, ITEMS[kind]["key"], made["url"]) and left["title"]
    assert not result["changed"] and result["items"] == [] and len(account.there(kind)) == 1
    assert account.run(kind, [ITEMS[kind]])["unlisted"] == []
    assert account.run(kind, [], fleet="other")["unlisted"] == []
    assert account.run(kind, [], prune=True)["unlisted"] == []


def test_check_mode_reports_changes_without_making_them(account: Account, kind: str) -> None:
    item = ITEMS[kind]
    made = account.run(kind, [item], check=True)
    assert made["changed"] and made["items"][0]["id"] is None and account.there(kind) == []
    real = account.run(kind, [item])
    assert made["diff"][0]["after"] == real["diff"][0]["after"]
    before = account.there(kind)
    checked = account.run(kind, [{**item, **CHANGES[kind]}], check=True)
    absent = account.run(kind, [], prune=True, check=True)
    assert account.there(kind) == before
    assert [entry["action"] for entry in checked["items"] + absent["items"]] == ["updated", "deleted"]
    assert checked["diff"] == account.run(kind, [{**item, **CHANGES[kind]}])["diff"]


def test_check_mode_only_sends_validations(account: Account, kind: str) -> None:
    account.actions(kind, [ITEMS[kind], {**ITEMS[kind], "key": "gone"}])
    client, sent = account.client(), []
    for method in ("post", "put", "patch", "delete"):
        setattr(client, method, lambda path, *_rest, **_options: sent.append(path) or {"results": []})
    changed = {**ITEMS[kind], **CHANGES[kind]}
    result = account.run(kind, [changed, {**changed, "key": "new"}], check=True, prune=True, client=client)
    assert [entry["action"] for entry in result["items"]] == ["updated", "created", "deleted"]
    [number] = [entry["id"] for entry in result["items"] if entry["action"] == "updated"]
    questions = {
        "monitor": [f"monitor/{number}/validate", "monitor/validate"],
        "dashboard": ["dashboard/widgets/validate"] * 2,
    }
    assert sent == questions.get(kind, [])


def test_fleets_and_manual_duplicates_are_independent(account: Account, kind: str) -> None:
    item = ITEMS[kind]
    by_hand = account.make(kind, item)
    assert account.actions(kind, [item]) == ["created"]
    assert account.actions(kind, [item], fleet="other") == ["created"]
    assert account.actions(kind, [{**item, "key": "second"}]) == ["created"]
    assert len(account.there(kind)) == 4
    assert account.actions(kind, [item], prune=True) == ["unchanged", "deleted"]
    assert account.actions(kind, [], prune=True) == ["deleted"]
    marks = [account.gateway(kind).schema.mark(found) for found in account.there(kind)]
    assert sorted(map(str, marks)) == [str(Mark("other", item["key"])), "None"]
    assert by_hand in [found["id"] for found in account.there(kind)]


def test_manually_created_object_is_adopted(account: Account, kind: str) -> None:
    item = ITEMS[kind]
    by_hand = account.make(kind, item)
    checked = account.run(kind, [item], adopt=True, check=True)
    adopted = account.run(kind, [item], adopt=True)
    assert adopted["items"][0]["id"] == by_hand and adopted["items"][0]["action"] == "adopted"
    assert adopted["diff"] == checked["diff"]
    assert adopted["diff"][0]["after"] == f"mark: {Mark('lab', item['key']).line}\n"
    assert account.actions(kind, [item], adopt=True) == ["unchanged"]
    assert len(account.there(kind)) == 1


def test_ambiguous_adoption_is_reported(account: Account, kind: str) -> None:
    item = ITEMS[kind]
    ids = [account.make(kind, item), account.make(kind, item)]
    refused = account.run(kind, [item], adopt=True)
    assert refused["failed"] and not refused["changed"] and len(account.there(kind)) == 2
    assert all(str(number) in refused["msg"] for number in ids)


def test_object_cannot_be_adopted_twice(account: Account, kind: str) -> None:
    account.make(kind, ITEMS[kind])
    refused = account.run(kind, [ITEMS[kind], {**ITEMS[kind], "key": "second"}], adopt=True)
    assert f"also matches {ITEMS[kind]['key']}" in refused["msg"]


def test_oldest_duplicate_is_kept(account: Account, kind: str) -> None:
    item = ITEMS[kind]
    ids = [account.make(kind, item, Mark("lab", item["key"])) for _number in range(3)]
    result = account.run(kind, [item])
    assert [entry["action"] for entry in result["items"]] == ["unchanged", "deleted", "deleted"]
    assert [entry["id"] for entry in result["items"]] == ids
    assert "and is older" in result["items"][1]["note"]
    assert [found["id"] for found in account.there(kind)] == ids[:1]


def test_all_problems_are_reported_before_any_change(account: Account, kind: str) -> None:
    item = ITEMS[kind]
    refused = account.run(kind, [item, {**item, "key": "Bad key"}, {**item, "key": "typo", "mesage": "x"}])
    assert refused["failed"] and not refused["changed"] and account.there(kind) == []
    assert len(refused["problems"]) == 2 and all(problem in refused["msg"] for problem in refused["problems"])


FAULTS = ["429", "429_html", "500", "html", "cut"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("fault", FAULTS)
def test_failure_of_any_call_causes_no_duplicates(account: Account, kind: str, fault: str, when: str) -> None:
    item = ITEMS[kind]
    account.fault(fault, when=when, method="POST", count=2, path=f"/{kind}$")
    account.fault(fault, when=when, method="GET")
    assert account.actions(kind, [item]) == ["created"]
    assert len(account.there(kind)) == 1
    for method in ("PUT", "PATCH", "GET"):
        account.fault(fault, when=when, method=method)
    assert account.actions(kind, [{**item, **CHANGES[kind]}]) == ["updated"]
    account.lab("DELETE", "faults")
    account.fault(fault, when=when, method="DELETE")
    assert account.actions(kind, [], prune=True) == ["deleted"]
    assert account.there(kind) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_timed_out_creation_is_found(account: Account, kind: str, when: str) -> None:
    path = f"/{kind}$"
    account.fault("slow", when=when, method="POST", path=path, seconds=0.6)
    assert account.actions(kind, [ITEMS[kind]], client=account.client(patient=True, api_timeout=0.4)) == ["created"]
    assert len(account.there(kind)) == 1
    assert account.actions(kind, [ITEMS[kind]]) == ["unchanged"]


def test_html_instead_of_json_is_reported(account: Account, kind: str) -> None:
    account.fault("html_200", method="GET", path=f"/{kind}$")
    result = account.run(kind, [ITEMS[kind]])
    assert result["failed"] and "not JSON but Sign in" in result["msg"] and "datadog_api_url" in result["msg"]


def test_failure_reports_completed_and_remaining_changes(account: Account, kind: str) -> None:
    items = [{**ITEMS[kind], "key": key} for key in ("one", "two", "three")]
    assert account.actions(kind, items[:1]) == ["created"]
    account.fault("500", count=99, method="POST", path=f"/{kind}$")
    changed = {**items[0], **CHANGES[kind]}
    result = account.run(kind, [changed, *items[1:]])
    account.lab("DELETE", "faults")
    assert result["failed"] and result["changed"] and [entry["key"] for entry in result["items"]] == ["one"]
    assert "Not done: two, three." in result["msg"] and account.standin.app_key not in str(result)
    assert account.actions(kind, [changed, *items[1:]]) == ["unchanged", "created", "created"]


def test_object_deleted_meanwhile(account: Account, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    account.actions(kind, [ITEMS[kind]])
    client = account.client()
    delete = client.delete

    def too_late(*arguments: Any, **options: Any) -> Any:
        delete(*arguments, **options)
        return delete(*arguments, **options)

    monkeypatch.setattr(client, "delete", too_late)
    assert account.actions(kind, [], prune=True, client=client) == ["deleted"]


def test_concurrent_runs_end_with_one_object(account: Account, kind: str) -> None:
    """Both find nothing, both create the object, and both check again."""
    processes = multiprocessing.get_context("fork")
    met, results = processes.Barrier(2, timeout=30), processes.Queue()

    def one_run() -> None:
        client = account.client()
        post = client.post

        def meet(path: str, *arguments: Any, **options: Any) -> Any:
            if path != kind:
                return post(path, *arguments, **options)
            met.wait()
            made = post(path, *arguments, **options)
            met.wait()
            return made

        client.post = meet  # type: ignore[method-assign]
        results.put(account.run(kind, [ITEMS[kind]], client=client))

    runs = [processes.Process(target=one_run) for _number in range(2)]
    for process in runs:
        process.start()
    both = [results.get(timeout=60) for _process in runs]
    for process in runs:
        process.join(timeout=60)
    assert [result.get("failed") for result in both] == [None, None]
    [found] = account.there(kind)
    assert {result["items"][0]["id"] for result in both} == {found["id"]}
    assert len([result for result in both if "at the same time" in result["items"][0].get("note", "")]) == 1
    assert account.actions(kind, [ITEMS[kind]]) == ["unchanged"]


def test_duplicate_already_deleted_by_a_third_run(account: Account, kind: str) -> None:
    client = account.client()
    post, older = client.post, []

    def late(path: str, *arguments: Any, **options: Any) -> Any:
        if path != kind:
            return post(path, *arguments, **options)
        older.append(account.make(kind, ITEMS[kind], Mark("lab", ITEMS[kind]["key"])))
        made = post(path, *arguments, **options)
        assert "deleted" in account.actions(kind, [ITEMS[kind]])
        return made

    client.post = late  # type: ignore[method-assign]
    result = account.run(kind, [ITEMS[kind]], client=client)
    assert [entry["id"] for entry in result["items"]] == older == [found["id"] for found in account.there(kind)]


def test_invalid_keys_are_reported(account: Account, kind: str) -> None:
    result = account.run(kind, [ITEMS[kind]], client=account.client(app_key="f" * 40))
    assert result["failed"] and "403" in result["msg"] and "datadog_app_key" in result["msg"]
    with pytest.raises(DatadogError, match="datadog_app_key is not set"):
        account.client(app_key=None).get(kind)
