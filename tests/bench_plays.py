"""Shared by the benchmarks: runs playbooks, and measures seconds and CPU seconds."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Cost:
    """`seconds` of wall-clock time, and `cpu`: user and system seconds of ended child processes."""

    seconds: float
    cpu: float


def cost(work: Callable[[], object]) -> Cost:
    """Return the cost of work that runs in separate processes.

    Processes that outlive it do not count: ssh's master connections, and processes that mitogen leaves behind.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    work()
    seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def play(path: str | Path, *arguments: str, variables: Mapping[str, str]) -> Cost:
    """Run a playbook with these environment variables; stop everything, with its output, if it fails."""

    def run() -> None:
        done = subprocess.run(
            [str(BIN / "ansible-playbook"), str(path), *arguments], cwd=ROOT, text=True, check=False,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"{path} {' '.join(arguments)} failed:\n{done.stdout[-4000:]}")

    return cost(run)
