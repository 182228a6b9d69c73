# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Calls to apt-get, which ask no question."""

from __future__ import annotations

import glob
import os
import time
from typing import Any

from .dpkg import LOCK_TIMEOUT, CommandError, call

# Keeps configuration files that were changed on the host, as ansible.builtin.apt does.
KEEP = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")
OPTIONS = ("--yes", "--quiet", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT}")
LISTS = "/var/lib/apt/lists"
# ansible.builtin.apt, with cache_valid_time, and others tell by these times whether package lists are fresh.
STAMPS = (LISTS, "/var/lib/apt/periodic/update-success-stamp")
# DPkg::Lock::Timeout does not apply to the lock of the lists (apt 2.4 to 3.0).
LISTS_LOCKED = f"Could not get lock {LISTS}"


def apt_get(module: Any, *arguments: str) -> None:
    """Call apt-get, or raise CommandError."""
    call(module, "apt-get", *OPTIONS, *arguments)


def install(module: Any, *arguments: str) -> None:
    """Install packages, given as apt-get takes them."""
    apt_get(module, *KEEP, "install", *arguments)


def refresh_lists(module: Any, source: str = "") -> None:
    """Refresh the package lists: all of them, or only those of the sources file SOURCE, which is much faster.

    On a host without lists, such as a new cloud image, refresh all of them: apt leaves out recommended packages whose
    dependencies it does not know. The Agent's package recommends datadog-signing-keys, which depends on gnupg
    (datadog-agent 7.84). apt.conf(5) documents the settings.
    """
    if not glob.glob(f"{LISTS}/*Release"):
        source = ""
    # Without this, a repository that cannot be trusted or reached is only a warning. An apt that does not know the
    # option --error-on would fail on it, and ignores an unknown setting.
    options = ["-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=3"]
    if source:
        options += ["-o", f"Dir::Etc::SourceList={source}", "-o", "Dir::Etc::SourceParts=-"]
        options += ["-o", "APT::Get::List-Cleanup=false"]
    before = {path: os.stat(path) for path in STAMPS if source and os.path.exists(path)}
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            apt_get(module, *options, "update")
            break
        except CommandError as error:
            if LISTS_LOCKED not in str(error) or time.monotonic() > deadline:
                raise
            # There is no way to wait for the lock itself.
            time.sleep(1)
    # The other lists are as old as they were.
    for path, status in before.items():
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
