# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Recurrence rules of downtimes. Pure.

Source: RFC 5545, 3.3.10. The API accepts its parts except for those that set a duration
(https://docs.datadoghq.com/api/latest/downtimes/#schedule-a-downtime).
"""

from __future__ import annotations

import re
from typing import Any

EXAMPLE = "Write one such as FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,TU."
_NUMBER = r"[1-9][0-9]{0,5}"
_DAY = "(MO|TU|WE|TH|FR|SA|SU)"


def _list(one: str) -> re.Pattern[str]:
    return re.compile(f"({one})(,({one}))*")


def _span(most: int, *, signed: bool = False, least: int = 1) -> re.Pattern[str]:
    numbers = "|".join(map(str, range(least, most + 1)))
    return _list(f"{'[+-]?' if signed else ''}0?({numbers})")


_PARTS = {
    "FREQ": re.compile("HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY"),
    "INTERVAL": re.compile(_NUMBER),
    "COUNT": re.compile(_NUMBER),
    "UNTIL": re.compile(r"[0-9]{4}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z?)?"),
    "BYDAY": _list(f"([+-]?[1-9][0-9]?)?{_DAY}"),
    "BYMONTH": _span(12),
    "BYMONTHDAY": _span(31, signed=True),
    "BYYEARDAY": _span(366, signed=True),
    "BYWEEKNO": _span(53, signed=True),
    "BYHOUR": _span(23, least=0),
    "BYMINUTE": _span(59, least=0),
    "BYSECOND": _span(59, least=0),
    "BYSETPOS": _span(366, signed=True),
    "WKST": re.compile(_DAY),
}


def rule_problems(rule: Any) -> list[str]:
    """Return problems with a rule; each starts with ``rrule``."""
    if not isinstance(rule, str) or not rule:
        return [f"rrule is {rule!r}. {EXAMPLE}"]
    parts = [part.partition("=")[::2] for part in rule.upper().split(";")]
    names = [name for name, _value in parts]
    reason = ""
    for name, value in parts:
        if name not in _PARTS:
            reason = f"the part {name!r} is unknown"
        elif not _PARTS[name].fullmatch(value):
            reason = f"{name} cannot be {value!r}"
        elif names.count(name) > 1:
            reason = f"{name} occurs twice"
        if reason:
            break
    if not reason and "FREQ" not in names:
        reason = "FREQ is missing"
    return [f"rrule is {rule!r}, in which {reason}. {EXAMPLE}"] if reason else []
