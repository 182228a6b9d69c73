# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs each job at its own interval, in a thread of its own: one that hangs or is slow delays no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Scheduler:
    """Jobs start `spread` seconds after one another and then keep their own fixed beat."""

    def __init__(self, spread: float = 0.2) -> None:
        self._spread = spread
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def add(self, name: str, interval: float, job: Callable[[], None]) -> None:
        """Run `job` soon and then every `interval` seconds. The job must not raise."""
        delay = self._spread * len(self._threads)
        # A daemon thread: a hanging check does not keep the Agent from ending.
        thread = threading.Thread(target=self._beat, args=(interval, delay, job), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _beat(self, interval: float, delay: float, job: Callable[[], None]) -> None:
        due = time.monotonic() + delay
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            job()
            # The next beat counts from this one's due time, so that lateness does not add up; beats missed while the
            # job ran are left out.
            late = time.monotonic() - due
            due += interval * max(1, -(-late // interval))

    def stop(self) -> None:
        """Let no job start any more; running ones are left to end."""
        self._stop.set()
