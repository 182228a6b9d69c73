"""The stand-in Datadog on a full disk: it loses nothing that it accepted, and recovers when there is room."""

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
    """A folder on a separate disk of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
    # Only root can mount a tmpfs, and not in every container.
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    # Lazily: connections to the database may still be open.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Sender:
    """Posts points of new series, and records which were acknowledged."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.now = int(time.time())
        self.taken: dict[str, float] = {}
        self.count = 0

    def post(self, *names: str) -> int:
        """Post a point for each metric, by default for a new one; return the status."""
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
        """Post ever smaller bodies until even the smallest is refused."""
        for each in (100, 10, 1):
            for _ in range(2000):
                if self.post(*(f"m{self.count}.{i}" for i in range(each))) == 507:
                    break
            else:
                pytest.fail("the disk does not fill up")

    def check(self, kept: store.Store) -> None:
        """Assert that the store has every acknowledged point, and nothing else."""
        assert {one.metric: one.value for one in kept.freshness()} == self.taken


def test_full_disk_loses_no_acknowledged_points(small):
    ballast = small / "ballast"
    ballast.write_bytes(bytes(SIZE - 2 * MIB))
    sender = Sender(Client(small, {"reserve": 0}))
    assert sender.post("before") == 202
    sender.fill()
    # The same new series again and again: their ids belong to transactions that were rolled back.
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


def test_disk_full_of_expired_data_is_freed_automatically(small):
    (small / "ballast").write_bytes(bytes(4 * MIB))
    sender = Sender(Client(small, {"reserve": 10 * MIB}))
    gone = sender.client.json("POST", "/api/v1/monitor", MONITOR)
    sender.fill()
    assert len(sender.taken) > 1000
    sender.check(sender.client.store)
    # Deleting may use the reserve.
    assert sender.client.json("DELETE", f"/api/v1/monitor/{gone['id']}") == {"deleted_monitor_id": gone["id"]}
    sender.client.store.prune(sender.now + 86401)
    sender.taken.clear()
    assert [sender.post(*(f"new.{i}" for i in range(300))) for _ in range(3)] == [202] * 3
    sender.check(sender.client.store)
    sender.fill()
    assert len(sender.taken) > 1000
    sender.check(store.Store(small, 86400))


def test_database_size_is_limited_and_pruning_makes_room(tmp_path):
    sender = Sender(Client(tmp_path, {"largest": MIB}))
    sender.fill()
    assert (tmp_path / "datadog.sqlite").stat().st_size <= MIB
    sender.check(sender.client.store)
    # A day later, all of it has expired.
    sender.client.store.prune(sender.now + 86401)
    sender.taken.clear()
    assert sender.post(*(f"new.{i}" for i in range(300))) == 202
    sender.check(sender.client.store)


class Broken(sqlite3.Connection):
    """A connection that cannot roll back, because its file is no longer writable."""

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if statement in ("COMMIT", "ROLLBACK"):
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(statement, *values)


def test_connection_that_cannot_roll_back_is_replaced(tmp_path, monkeypatch):
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
