# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""system.disk.* in KiB and system.fs.inodes.*, tagged with the device, one entry a device."""

from __future__ import annotations

import os
from typing import Any

import psutil
from datadog_checks.base import AgentCheck


class DiskCheck(AgentCheck):
    def check(self, _instance: dict[str, Any]) -> None:
        seen = set()
        for part in psutil.disk_partitions(all=True):
            # A container has files mounted too, and devices that are mounted more than once.
            if part.device in seen or not os.path.isdir(part.mountpoint):
                continue
            try:
                info = os.statvfs(part.mountpoint)
            except OSError as error:
                self.log.debug("%s: %s", part.mountpoint, error)
                continue
            if not info.f_blocks:
                continue
            seen.add(part.device)
            tags = [f"device:{part.device}", f"device_name:{os.path.basename(part.device)}"]
            used, block = info.f_blocks - info.f_bfree, info.f_frsize / 1024
            self.gauge("system.disk.total", info.f_blocks * block, tags=tags)
            self.gauge("system.disk.used", used * block, tags=tags)
            self.gauge("system.disk.free", info.f_bavail * block, tags=tags)
            # What the superuser keeps back counts as neither used nor free, as in df.
            share = used / (used + info.f_bavail) if used + info.f_bavail else 0.0
            self.gauge("system.disk.in_use", share, tags=tags)
            self.gauge("system.disk.utilized", share * 100, tags=tags)
            if info.f_files:
                inodes = info.f_files - info.f_ffree
                self.gauge("system.fs.inodes.total", info.f_files, tags=tags)
                self.gauge("system.fs.inodes.used", inodes, tags=tags)
                self.gauge("system.fs.inodes.free", info.f_ffree, tags=tags)
                self.gauge("system.fs.inodes.in_use", inodes / info.f_files, tags=tags)
