"""The benchmark of fleets runs with the playbooks' current inputs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench_fleet.py"


@pytest.mark.long
def test_benchmark_has_a_row_for_each_playbook() -> None:
    done = subprocess.run([sys.executable, str(BENCH), "--sizes", "1"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("1 ")]
    assert [" ".join(row[1:-3]) for row in rows] == ["empty play", "preflight", "hosts", "objects", "verify"]
    assert all(float(row[-1]) > 0 for row in rows)
