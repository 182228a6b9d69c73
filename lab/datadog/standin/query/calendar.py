"""Calendar time: periods of days, weeks and months, and shifts by them.

Source: https://docs.datadoghq.com/dashboards/functions/rollup/ and https://docs.datadoghq.com/dashboards/functions/timeshift/
"""

import re
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta

from ..clock import zone
from ..errors import Refused

# Periods, and their seconds for calculating rates.
PERIODS = {"daily": 86400, "weekly": 7 * 86400, "monthly": 30 * 86400}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOUR = re.compile(r"(\d{1,2})(?::(\d{2}))?([ap])m")
_SHIFT = re.compile(r"-(\d{1,4})(mo|d|w)")
_UNITS = {"d": "days", "w": "weeks", "mo": "months"}
_MOST = 1500


def starts(period: str, begins: str, zone_name: str, start: int, end: int) -> list[int]:
    """Return the starts of the periods that overlap start <= time < end, and the end of the last one.

    `begins` is the hour (9am), the weekday or the day of the month at which a period starts, or "".
    """
    local = datetime.fromtimestamp(start, zone(zone_name)).replace(hour=0, minute=0, second=0, microsecond=0)
    step = {"daily": relativedelta(days=1), "weekly": relativedelta(weeks=1), "monthly": relativedelta(months=1)}
    if period == "daily" and begins:
        found = _HOUR.fullmatch(begins.lower())
        if not found or not 1 <= int(found[1]) <= 12:
            raise Refused(400, f"rollup: a day begins with an hour such as 9am, not with {begins}")
        local = local.replace(hour=int(found[1]) % 12 + (12 if found[3] == "p" else 0), minute=int(found[2] or 0))
    elif period == "weekly":
        if begins and begins.lower() not in _WEEKDAYS:
            raise Refused(400, f"rollup: a week begins with a weekday such as monday, not with {begins}")
        local -= timedelta(days=(local.weekday() - _WEEKDAYS.index(begins.lower() or "monday")) % 7)
    elif period == "monthly":
        if begins and not (begins.isdecimal() and 1 <= int(begins) <= 28):
            raise Refused(400, f"rollup: a month begins with a day from 1 to 28, not with {begins}")
        local = local.replace(day=int(begins or 1))
    while local.timestamp() > start:
        local -= step[period]
    found_ = [local]
    while found_[-1].timestamp() < end:
        if len(found_) > _MOST:
            raise Refused(400, f"rollup: more than {_MOST} periods")
        found_.append(local + step[period] * len(found_))
    return [int(one.timestamp()) for one in found_]


def shifted(moment: int, shift: str, zone_name: str) -> int:
    """Return `moment` shifted by the clock of the time zone. Raises Refused(400)."""
    found = _SHIFT.fullmatch(shift)
    if not found:
        raise Refused(400, f"calendar_shift: {shift!r} is not a shift such as -1d, -1w or -1mo")
    local = datetime.fromtimestamp(moment, zone(zone_name))
    try:
        return int((local - relativedelta(**{_UNITS[found[2]]: int(found[1])})).timestamp())
    except (ValueError, OverflowError):
        raise Refused(400, f"calendar_shift: {shift} is out of range") from None
