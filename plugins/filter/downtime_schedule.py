# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: downtime_schedule
short_description: Build the schedule of a recurring Datadog downtime
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Converts days and times of day to a schedule for version 2 of the Datadog API.
  - An entry starts on each of its days. If its end is not later than its start, it ends on the next day.
  - Datadog rejects a C(start) in the past, so each C(start) is the next occurrence and changes from day to day.
    M(kennel.fleet.datadog_downtimes) ignores this, and treats schedules as equal if they are equal from now on.
  - The duration is the difference between the two times of day, except in a night when the clocks change.
positional: _input
options:
  _input:
    description: An entry, or a list of one to five entries that share a time zone.
    type: raw
    required: true
    suboptions:
      days:
        description: English names of days, long or short, and ranges such as V(mon-fri).
        type: list
        elements: str
        required: true
      from:
        description: Time of day at which the entry starts, such as V("19:00").
        type: str
      to:
        description: Time of day at which the entry ends, up to V("24:00").
        type: str
      all_day:
        description: Whether the entry lasts the whole day. Replaces C(from) and C(to).
        type: bool
        default: false
      timezone:
        description: Name of the time zone. V(UTC) if no entry sets one.
        type: str
      start:
        description: Earliest date on which the entry starts.
        type: str
  now:
    description:
      - Time after which to look for the next start, in ISO 8601 format or as V(now(utc=true\)). By default, the current
        time.
    type: raw
seealso:
  - module: kennel.fleet.datadog_downtimes
  - name: Downtimes
    description: Format of a schedule.
    link: https://docs.datadoghq.com/api/latest/downtimes/#schedule-a-downtime
"""

EXAMPLES = r"""
- name: Show a schedule for nights and weekends
  ansible.builtin.debug:
    msg: >-
      {{ [{'days': ['mon-fri'], 'from': '19:00', 'to': '09:00', 'timezone': 'America/Los_Angeles'},
          {'days': ['sat', 'sun'], 'all_day': true}]
         | kennel.fleet.downtime_schedule(now='2027-01-27T12:00:00-08:00') }}
    # => {'timezone': 'America/Los_Angeles', 'recurrences': [
    #     {'start': '2027-01-27T19:00:00', 'duration': '14h', 'rrule': 'FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU,WE,TH,FR'},
    #     {'start': '2027-01-30T00:00:00', 'duration': '1d', 'rrule': 'FREQ=WEEKLY;INTERVAL=1;BYDAY=SA,SU'}]}
"""

RETURN = r"""
_value:
  description: Schedule with C(timezone) and C(recurrences).
  type: dict
"""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleFilterError


def downtime_schedule(value: Any, now: Any = None) -> dict[str, Any]:
    """Return the schedule; raise AnsibleFilterError with all problems of VALUE."""
    from ansible_collections.kennel.fleet.plugins.module_utils._objects import schedule, series

    try:
        moment = series.instant(str(now)) if now else datetime.now(timezone.utc)
        return schedule.downtime_schedule(value, moment)
    # The last possible date has no next day.
    except (ValueError, OverflowError) as error:
        raise AnsibleFilterError(f"downtime_schedule: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"downtime_schedule": downtime_schedule}
