# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""system.mem.* and system.swap.* in MiB, from /proc/meminfo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datadog_checks.base import AgentCheck

NAMES = {
    "system.mem.total": "MemTotal",
    "system.mem.free": "MemFree",
    "system.mem.usable": "MemAvailable",
    "system.mem.cached": "Cached",
    "system.mem.buffered": "Buffers",
    "system.mem.shared": "Shmem",
    "system.mem.slab": "Slab",
    "system.mem.page_tables": "PageTables",
    "system.mem.committed_as": "Committed_AS",
    "system.mem.commit_limit": "CommitLimit",
    "system.swap.total": "SwapTotal",
    "system.swap.free": "SwapFree",
    "system.swap.cached": "SwapCached",
}


class MemoryCheck(AgentCheck):
    def check(self, _instance: dict[str, Any]) -> None:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {name: int(rest.split()[0]) / 1024 for name, rest in (line.split(":", 1) for line in lines)}
        for metric, name in NAMES.items():
            if name in sizes:
                self.gauge(metric, sizes[name])
        self.gauge("system.mem.used", sizes["MemTotal"] - sizes["MemFree"])
        self.gauge("system.mem.pct_usable", sizes["MemAvailable"] / sizes["MemTotal"])
        self.gauge("system.swap.used", sizes["SwapTotal"] - sizes["SwapFree"])
        if sizes["SwapTotal"]:
            self.gauge("system.swap.pct_free", sizes["SwapFree"] / sizes["SwapTotal"])
