# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd reports about a service unit."""

from __future__ import annotations

import calendar
import time
from dataclasses import dataclass

from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Unit:
    """A service unit. ``since`` is the time of its last start in seconds since the epoch, 0 if it is not running.

    ``outdated`` means that its file has changed since systemd read it, ``pid`` is its main process, or 0.
    """

    installed: bool
    active: bool
    enabled: bool
    since: float
    outdated: bool
    pid: int


def read_unit(module: AnsibleModule, unit: str) -> Unit:
    """Return the state of UNIT, such as ``datadog-agent.service``."""
    names = ("LoadState", "ActiveState", "UnitFileState", "ActiveEnterTimestamp", "NeedDaemonReload", "MainPID")
    wanted = [argument for name in names for argument in ("--property", name)]
    systemctl = module.get_bin_path("systemctl", required=True)
    _status, out, _err = module.run_command(
        [systemctl, "show", unit, "--timestamp=us+utc", *wanted], environ_update={"LC_ALL": "C"}
    )
    facts = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    active = facts.get("ActiveState") in ("active", "activating", "reloading")
    return Unit(
        installed=facts.get("LoadState") not in (None, "", "not-found"),
        active=active,
        enabled=facts.get("UnitFileState") in ("enabled", "enabled-runtime", "static", "alias", "generated"),
        since=_epoch(facts.get("ActiveEnterTimestamp", "")) if active else 0.0,
        outdated=facts.get("NeedDaemonReload") == "yes",
        pid=int(facts.get("MainPID") or 0),
    )


def enabled_units(module: AnsibleModule, patterns: list[str]) -> list[str]:
    """Return the enabled units that match patterns such as ``datadog-agent-*.service``."""
    if not patterns:
        # systemctl would list every unit.
        return []
    systemctl = module.get_bin_path("systemctl", required=True)
    listing = [systemctl, "list-unit-files", "--state=enabled,enabled-runtime", "--no-legend", "--plain", *patterns]
    _status, out, _err = module.run_command(listing, environ_update={"LC_ALL": "C"})
    return [line.split()[0] for line in out.splitlines() if line.strip()]


def _epoch(stamp: str) -> float:
    """Return the seconds since the epoch of a stamp such as ``Tue 2026-11-24 00:37:53.214799 UTC``."""
    try:
        _day, date, clock, _zone = stamp.split()
        whole, _dot, fraction = clock.partition(".")
        seconds = time.strptime(f"{date} {whole}", "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return 0.0
    return calendar.timegm(seconds) + float(f"0.{fraction or 0}")
