# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""system.load.*: the load averages, also per core."""

from __future__ import annotations

import os
from typing import Any

from datadog_checks.base import AgentCheck


class LoadCheck(AgentCheck):
    def check(self, _instance: dict[str, Any]) -> None:
        cores = os.cpu_count() or 1
        for minutes, load in zip((1, 5, 15), os.getloadavg(), strict=True):
            self.gauge(f"system.load.{minutes}", load)
            self.gauge(f"system.load.norm.{minutes}", load / cores)
