# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Do the objects of a fleet exist, and do they work? Verdicts on dashboards, monitors and downtimes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .signals import Verdict

# Functions that need more history than a new fleet has.
_NEED_HISTORY = ("anomalies(", "forecast(", "outliers(")
UNMADE = Verdict("unmade", "it does not exist")


def judge_dashboard(found: Mapping[str, Any]) -> Verdict:
    """Judge a dashboard as the API lists it."""
    return Verdict("ok", f"'{found.get('title')}' exists")


def judge_monitor(found: Mapping[str, Any], *, evaluated: bool = True) -> Verdict:
    """Judge a monitor that was read with the states of its groups: it must have a state, whatever that is.

    :arg evaluated: whether it must have one; not all hosts that it watches may exist yet.
    """
    state = found.get("state") or {}
    groups = [group["status"] for group in (state.get("groups") or {}).values()]
    overall = found.get("overall_state") or "No Data"
    if overall == "Skipped" and not groups:
        return Verdict("ok", f"it exists, and {state.get('reason') or 'its evaluation is skipped'}", overall)
    if groups or overall != "No Data":
        counts = ", ".join(f"{groups.count(status)} {status}" for status in dict.fromkeys(sorted(groups)))
        return Verdict("ok", f"evaluated: {counts or overall}", overall)
    if any(function in str(found.get("query")) for function in _NEED_HISTORY):
        return Verdict("ok", "it exists, and needs more history before it is evaluated", overall)
    return Verdict("unevaluated" if evaluated else "ok", "it has not been evaluated yet", overall)


def judge_downtime(found: Mapping[str, Any]) -> Verdict:
    """Judge a downtime: it must be active or scheduled."""
    status, current = found.get("status"), (found.get("schedule") or {}).get("current_downtime") or {}
    if status not in ("active", "scheduled"):
        return Verdict("ended", f"it is {status}", status)
    end = current.get("end")
    when = f"{current['start'][:16]} to {end[:16] if end else 'open end'}" if current.get("start") else "scheduled"
    return Verdict("ok", when, status)
