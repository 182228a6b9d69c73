"""The stand-in Datadog's objects without HTTP: clock, documents, faults."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
clock, errors, documents, faults, store = (
    importlib.import_module(f"standin.{name}") for name in ("clock", "errors", "store.documents", "api.faults", "store")
)


@pytest.fixture
def kept(tmp_path):
    return documents.Documents(store.Store(tmp_path, retention=86400))


# ------------------------------------------------------------------------------------------------------------- clock
def test_clock_shows_real_time_until_it_is_moved():
    lab = clock.Clock()
    assert lab.now() == pytest.approx(time.time(), abs=5)
    lab.set({"advance": 600})
    lab.set({"advance": 60})
    assert lab.now() == pytest.approx(time.time() + 660, abs=5)
    lab.set({"offset": 0})
    assert lab.now() == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize("when", ["2027-02-06T12:00:00Z", "2027-02-06T12:00:00", "2027-02-06T13:00+01:00", 1801915200])
def test_clock_moves_to_a_given_time(when):
    lab = clock.Clock()
    lab.set({"now": when})
    assert clock.iso(lab.now(), "minutes") == "2027-02-06T12:00+00:00"


@pytest.mark.parametrize(
    "wish", [None, [], {}, {"now": "soon"}, {"now": None}, {"advance": 1, "offset": 2}, {"later": 1}, {"offset": 1e18}]
)
def test_clock_refuses_invalid_times(wish):
    lab = clock.Clock()
    with pytest.raises(errors.Refused):
        lab.set(wish)
    assert lab.offset == 0


# --------------------------------------------------------------------------------------------------------- documents
def test_documents_keep_their_order_after_changes_and_restarts(kept, tmp_path):
    for name in ("b", "a", "c"):
        kept.put("dashboard", name, {"id": name})
    kept.put("monitor", "a", {"id": "other"})
    kept.put("dashboard", "b", {"id": "b", "title": "changed"})
    again = documents.Documents(store.Store(tmp_path, retention=86400))
    assert again.all("dashboard") == [{"id": "b", "title": "changed"}, {"id": "a"}, {"id": "c"}]
    assert again.get("dashboard", "b") == {"id": "b", "title": "changed"}
    assert again.delete("dashboard", "b") and not again.delete("dashboard", "b")
    assert again.get("dashboard", "b") is None
    again.clear()
    assert again.all("dashboard") == again.all("monitor") == []


def test_ids_have_the_form_of_their_kind_and_are_never_reused(kept):
    first = kept.new_id("monitor")
    kept.clear()
    assert kept.new_id("monitor") == first + 1
    assert [len(part) for part in kept.new_id("dashboard").split("-")] == [3, 3, 3]
    assert kept.new_id("downtime") != kept.new_id("downtime")
    assert len(str(kept.new_id("event"))) == 19


# ------------------------------------------------------------------------------------------------------------ faults
def test_fault_affects_the_given_number_of_matching_calls():
    switch = faults.Faults()
    switch.add({"kind": 429, "count": 2, "method": "post", "path": "/monitor$"})
    assert switch.take("GET", "/api/v1/monitor") is None
    assert switch.take("POST", "/api/v1/monitor/validate") is None
    assert [bool(switch.take("POST", "/api/v1/monitor")) for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    "wish",
    [
        *(None, {}, {"kind": "418"}, {"kind": "500", "count": 0}, {"kind": "500", "when": "never"}),
        *({"kind": "cut", "x": 1}, {"kind": "slow", "seconds": "1"}, {"kind": "slow", "path": "("}),
        *({"kind": "cut", "method": 5}, {"kind": "cut", "path": ["x"]}),
    ],
)
def test_refuses_invalid_faults(wish):
    with pytest.raises(errors.Refused):
        faults.Faults().add(wish)
