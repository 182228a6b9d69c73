"""How long the pages take the stand-in Datadog, with a fleet behind them. Prints milliseconds.

python3 tests/bench_page.py [--hosts 50] [--hours 4] [--metrics 60] [--rounds 7]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from standin_process import Standin, free_port

sys.path.insert(0, str(Path(__file__).parent / "browser"))
import fleet
import objects


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--hours", type=float, default=4)
    parser.add_argument("--metrics", type=int, default=60, help="of each host, a point every 15 s (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kennel-bench") as name:
        folder = Path(name)
        (folder / "data").mkdir()
        begin = time.monotonic()
        fleet.fill(folder / "data", given.hosts, given.hours, int(time.time()), metrics=given.metrics)
        took = time.monotonic() - begin
        print(f"{given.hosts} hosts, {given.hours:g} h, {given.metrics} metrics: filled in {took:.0f} s")
        standin = Standin(folder, free_port())
        # The first request of all is what tells that it has started.
        standin.start()
        try:
            measure(standin, given.rounds)
        finally:
            standin.stop()


def measure(standin: Standin, rounds: int) -> None:
    """Print how long each page takes: the first time, and the median and the longest of the following."""
    keys = {"dd_api_key": standin.api_key, "dd_application_key": standin.app_key, "content_type": "application/json"}
    made = [
        json.loads(standin.request("POST", path, json.dumps(body).encode(), **keys)[1])["id"]
        for path, body in (("/api/v1/dashboard", objects.TIMEBOARD), ("/api/v1/monitor", objects.MONITORS[0]))
    ]
    pages = ("/", "/?group=zone", "/hosts/web-01", "/metrics", "/metrics/my_metric", f"/dashboard/{made[0]}",
             "/monitors", f"/monitors/{made[1]}", "/downtimes", "/mailbox")  # fmt: skip
    print(f"{'page':<28} {'first':>7} {'median':>7} {'longest':>8}  ms")
    for path in pages:
        times = []
        for _round in range(rounds + 1):
            begin = time.monotonic()
            status, _body = standin.get(path)
            times.append((time.monotonic() - begin) * 1000)
            assert status == 200, path
        first, *rest = times
        print(f"{path:<28} {first:>7.0f} {statistics.median(rest):>7.0f} {max(rest):>8.0f}")


if __name__ == "__main__":
    main()
