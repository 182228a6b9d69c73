# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
name: downtime_schedule
short_description: Write the schedule of a recurring Datadog downtime
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Turns days and times of the day into the schedule that version 2 of Datadog's API takes.
  - An entry begins on each of its days. Where its end is not after its beginning, it ends on the next day.
  - Datadog takes no C(start) that is past, so each C(start) is the next one, and moves on from day to day.
    M(kennel.fleet.datadog_downtimes) looks past that, and takes schedules for the same when they are so from now
    on.
  - The length is that by the clock, except in a night in which the clocks change.
positional: _input
options:
  _input:
    description: An entry, or a list of one to five. They have one time zone.
    type: raw
    required: true
    suboptions:
      days:
        description: English names of days, long or short, and ranges of them, such as V(mon-fri).
        type: list
        elements: str
        required: true
      from:
        description: Time of the day at which it begins, such as V("19:00").
        type: str
      to:
        description: Time of the day at which it ends, up to V("24:00").
        type: str
      all_day:
        description: Whether it lasts the whole day, in place of C(from) and C(to).
        type: bool
        default: false
      timezone:
        description: Name of the time zone. V(UTC) when no entry has one.
        type: str
      start:
        description: Date before which it does not begin.
        type: str
  now:
    description: Time after which the next start is looked for, in ISO 8601 or as V(now(utc=true\)). By default, now.
    type: raw
seealso:
  - module: kennel.fleet.datadog_downtimes
  - name: Downtimes
    description: The form of a schedule.
    link: https://docs.datadoghq.com/api/latest/downtimes/#schedule-a-downtime
"""

EXAMPLES = r"""
- name: Show a schedule of nights and weekends
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
  description: The schedule, with C(timezone) and C(recurrences).
  type: dict
"""

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleFilterError


def downtime_schedule(value: Any, now: Any = None) -> dict[str, Any]:
    """Return the schedule; raise AnsibleFilterError with every problem of VALUE."""
    from ansible_collections.kennel.fleet.plugins.module_utils._objects import schedule, series

    try:
        moment = series.instant(str(now)) if now else datetime.now(timezone.utc)
        return schedule.downtime_schedule(value, moment)
    # A date can be too far away for its next day.
    except (ValueError, OverflowError) as error:
        raise AnsibleFilterError(f"downtime_schedule: {error}") from error


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"downtime_schedule": downtime_schedule}
