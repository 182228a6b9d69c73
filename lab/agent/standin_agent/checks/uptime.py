# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""system.uptime in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from datadog_checks.base import AgentCheck


class UptimeCheck(AgentCheck):
    def check(self, _instance: dict[str, Any]) -> None:
        self.gauge("system.uptime", float(Path("/proc/uptime").read_text(encoding="ascii").split()[0]))
