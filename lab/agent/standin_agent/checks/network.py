# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""system.net.*: rates for every interface but the excluded ones (the loopback)."""

from __future__ import annotations

from typing import Any

import psutil
from datadog_checks.base import AgentCheck


class NetworkCheck(AgentCheck):
    def check(self, instance: dict[str, Any]) -> None:
        excluded = instance.get("excluded_interfaces", ["lo"])
        for name, counters in psutil.net_io_counters(pernic=True).items():
            if name in excluded:
                continue
            tags = [f"device:{name}", f"device_name:{name}"]
            self.rate("system.net.bytes_rcvd", counters.bytes_recv, tags=tags)
            self.rate("system.net.bytes_sent", counters.bytes_sent, tags=tags)
            self.rate("system.net.packets_in.count", counters.packets_recv, tags=tags)
            self.rate("system.net.packets_in.error", counters.errin + counters.dropin, tags=tags)
            self.rate("system.net.packets_out.count", counters.packets_sent, tags=tags)
            self.rate("system.net.packets_out.error", counters.errout + counters.dropout, tags=tags)
