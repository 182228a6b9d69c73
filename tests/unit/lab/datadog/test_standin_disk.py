"""The stand-in Datadog on a disk that fills up: what it has taken it keeps, and it is whole again with room."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from standin_client import Client, store

MIB = 1024**2
MONITOR = {"name": "Load", "type": "query alert", "query": "avg(last_5m):avg:system.load.1{*} > 4"}
SIZE = 24 * MIB


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own, of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    # Only root can make a disk, and not in every container.
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    # Lazily: connections to the database may still be open.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Sender:
    """Posts points of ever new series, and remembers which were acknowledged."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.now = int(time.time())
        self.taken: dict[str, float] = {}
        self.count = 0

    def post(self, *names: str) -> int:
        """The status of a post of one point of each metric, of a new one where none is named."""
        self.count += 1
        values = {name: float(self.count) for name in names or (f"m{self.count}",)}
        series = [{"metric": name, "points": [[self.now, value]], "host": "h"} for name, value in values.items()]
        status, _, answer = self.client.call("POST", "/api/v1/series", body={"series": series})
        if status == 202:
            self.taken.update(values)
        else:
            assert "no room left" in json.loads(answer)["errors"][0]
        return status

    def fill(self) -> None:
        """Post large bodies until one is refused, and small ones until none goes in."""
        for each in (100, 10, 1):
            for _ in range(2000):
                if self.post(*(f"m{self.count}.{i}" for i in range(each))) == 507:
                    break
            else:
                pytest.fail("the disk does not fill up")

    def check(self, kept: store.Store) -> None:
        """Everything acknowledged is there, and nothing else."""
        assert {one.metric: one.value for one in kept.freshness()} == self.taken


def test_a_full_disk_loses_nothing_that_was_acknowledged(small):
    ballast = small / "ballast"
    ballast.write_bytes(bytes(SIZE - 2 * MIB))
    sender = Sender(Client(small, {"reserve": 0}))
    assert sender.post("before") == 202
    sender.fill()
    # The same new series again and again: their ids are of transactions that were not kept.
    assert {sender.post(*(f"new.{i}" for i in range(300))) for _ in range(5)} == {507}
    client = sender.client
    assert client.call("POST", "/api/v1/dashboard", body=board(100_000))[0] == 507
    assert client.call("PUT", "/api/v1/tags/hosts/h", body={"tags": ["t" * 190 + str(i) for i in range(900)]})[0] == 507
    sender.check(client.store)
    assert set(client.json("GET", "/api/v1/metrics", **{"from": sender.now - 60})["metrics"]) == set(sender.taken)
    assert client.call("GET", "/")[0] == client.call("GET", "/metrics")[0] == 200

    ballast.unlink()
    assert [sender.post(*(f"new.{i}" for i in range(300))) for _ in range(3)] == [202] * 3
    made = client.json("POST", "/api/v1/dashboard", board(1000))
    assert client.json("GET", f"/api/v1/dashboard/{made['id']}")["title"] == "b"
    sender.check(client.store)
    sender.check(store.Store(small, 86400))


def board(size: int) -> dict[str, object]:
    note = {"definition": {"type": "note", "content": "x" * size}}
    return {"title": "b", "layout_type": "ordered", "widgets": [note]}


def test_a_disk_filled_by_what_is_past_its_time_is_made_free_without_help(small):
    (small / "ballast").write_bytes(bytes(4 * MIB))
    sender = Sender(Client(small, {"reserve": 10 * MIB}))
    gone = sender.client.json("POST", "/api/v1/monitor", MONITOR)
    sender.fill()
    assert len(sender.taken) > 1000
    sender.check(sender.client.store)
    # What drops may use the room that was kept for it.
    assert sender.client.json("DELETE", f"/api/v1/monitor/{gone['id']}") == {"deleted_monitor_id": gone["id"]}
    sender.client.store.prune(sender.now + 86401)
    sender.taken.clear()
    assert [sender.post(*(f"new.{i}" for i in range(300))) for _ in range(3)] == [202] * 3
    sender.check(sender.client.store)
    sender.fill()
    assert len(sender.taken) > 1000
    sender.check(store.Store(small, 86400))


def test_the_database_grows_no_further_than_it_may_and_what_is_pruned_makes_room(tmp_path):
    sender = Sender(Client(tmp_path, {"largest": MIB}))
    sender.fill()
    assert (tmp_path / "datadog.sqlite").stat().st_size <= MIB
    sender.check(sender.client.store)
    # A day later all of it is past its time.
    sender.client.store.prune(sender.now + 86401)
    sender.taken.clear()
    assert sender.post(*(f"new.{i}" for i in range(300))) == 202
    sender.check(sender.client.store)


class Broken(sqlite3.Connection):
    """A connection that cannot undo anything: its file is not writable any longer."""

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if statement in ("COMMIT", "ROLLBACK"):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *values)


def test_a_connection_that_cannot_undo_is_replaced(tmp_path, monkeypatch):
    usual = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: usual(*given, factory=Broken, **more))
    client = Client(tmp_path)
    monkeypatch.undo()
    sender = Sender(client)
    series = {"series": [{"metric": "m", "points": [[sender.now, 1]], "host": "h"}]}
    assert client.call("POST", "/api/v1/series", body=series)[0] == 503
    assert client.store.freshness() == []
    assert sender.post("m") == sender.post("m") == 202
    sender.check(client.store)
