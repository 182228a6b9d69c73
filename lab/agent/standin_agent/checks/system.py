"""system.*: the checks that run without any configuration of the user's, under the real Agent's names."""

import os
import time
from typing import Any

import psutil
from datadog_checks.base import AgentCheck

MIB = 1024 * 1024


class CpuCheck(AgentCheck):
    """system.cpu.*: percent of all cores since the last run."""

    compared = False

    def check(self, _instance: dict[str, Any]) -> None:
        cpu, known = psutil.cpu_times_percent(), self.compared
        self.compared = True
        self.gauge("system.cpu.num_cores", os.cpu_count() or 1)
        if not known:
            return  # The first run has nothing to compare with.
        for metric, value in (
            ("user", cpu.user + cpu.nice),
            ("system", cpu.system + cpu.irq + cpu.softirq),
            ("iowait", cpu.iowait),
            ("idle", cpu.idle),
            ("stolen", cpu.steal),
            ("guest", cpu.guest),
        ):
            self.gauge(f"system.cpu.{metric}", value)


class DiskCheck(AgentCheck):
    """system.disk.* in KiB, tagged with the device, one entry a device."""

    def check(self, _instance: dict[str, Any]) -> None:
        seen = set()
        for part in psutil.disk_partitions(all=True):
            # A container has files mounted too, and devices that are mounted more than once.
            if part.device in seen or not os.path.isdir(part.mountpoint):
                continue
            try:
                usage = psutil.disk_usage(part.mountpoint)
            except OSError as error:
                self.log.debug("%s: %s", part.mountpoint, error)
                continue
            if not usage.total:
                continue
            seen.add(part.device)
            tags = [f"device:{part.device}", f"device_name:{os.path.basename(part.device)}"]
            for name in ("total", "used", "free"):
                self.gauge(f"system.disk.{name}", getattr(usage, name) / 1024, tags=tags)
            self.gauge("system.disk.in_use", usage.percent / 100, tags=tags)
            self.gauge("system.disk.utilized", usage.percent, tags=tags)


class LoadCheck(AgentCheck):
    """system.load.*: the load averages, also per core."""

    def check(self, _instance: dict[str, Any]) -> None:
        for minutes, load in zip((1, 5, 15), os.getloadavg(), strict=True):
            self.gauge(f"system.load.{minutes}", load)
            self.gauge(f"system.load.norm.{minutes}", load / (os.cpu_count() or 1))


class MemoryCheck(AgentCheck):
    """system.mem.* and system.swap.* in MiB."""

    def check(self, _instance: dict[str, Any]) -> None:
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        for metric, value in {
            "mem.total": memory.total,
            "mem.free": memory.free,
            "mem.used": memory.total - memory.free,
            "mem.usable": memory.available,
            "mem.cached": memory.cached,
            "mem.buffered": memory.buffers,
            "mem.shared": memory.shared,
            "swap.total": swap.total,
            "swap.free": swap.free,
            "swap.used": swap.used,
        }.items():
            self.gauge(f"system.{metric}", value / MIB)
        self.gauge("system.mem.pct_usable", memory.available / memory.total)


class NetworkCheck(AgentCheck):
    """system.net.*: rates for every interface but the loopback."""

    def check(self, _instance: dict[str, Any]) -> None:
        for name, counters in psutil.net_io_counters(pernic=True).items():
            if name == "lo":
                continue
            tags = [f"device:{name}", f"device_name:{name}"]
            self.rate("system.net.bytes_rcvd", counters.bytes_recv, tags=tags)
            self.rate("system.net.bytes_sent", counters.bytes_sent, tags=tags)
            self.rate("system.net.packets_in.count", counters.packets_recv, tags=tags)
            self.rate("system.net.packets_in.error", counters.errin + counters.dropin, tags=tags)
            self.rate("system.net.packets_out.count", counters.packets_sent, tags=tags)
            self.rate("system.net.packets_out.error", counters.errout + counters.dropout, tags=tags)


class UptimeCheck(AgentCheck):
    """system.uptime in seconds."""

    def check(self, _instance: dict[str, Any]) -> None:
        self.gauge("system.uptime", time.time() - psutil.boot_time())
