# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""system.cpu.*: percent of all cores since the last run."""

from __future__ import annotations

import os
from typing import Any

import psutil
from datadog_checks.base import AgentCheck


class CpuCheck(AgentCheck):
    _last: Any = None

    def check(self, _instance: dict[str, Any]) -> None:
        now, last = psutil.cpu_times(), self._last
        self._last = now
        self.gauge("system.cpu.num_cores", os.cpu_count() or 1)
        self.monotonic_count("system.cpu.context_switches", psutil.cpu_stats().ctx_switches)
        if last is None:
            return
        # psutil counts guest time in user time, and a clock that went back as nothing.
        spent = {name: max(0.0, getattr(now, name) - getattr(last, name)) for name in now._fields}
        total = sum(value for name, value in spent.items() if not name.startswith("guest"))
        if total <= 0:
            return
        for metric, parts in (
            ("user", ("user", "nice")),
            ("system", ("system", "irq", "softirq")),
            ("interrupt", ("irq", "softirq")),
            ("iowait", ("iowait",)),
            ("idle", ("idle",)),
            ("stolen", ("steal",)),
            ("guest", ("guest",)),
        ):
            self.gauge(f"system.cpu.{metric}", 100 * sum(spent[part] for part in parts) / total)
