# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Invalid inputs of the role datadog_objects."""

from __future__ import annotations

import datetime
from typing import Any

from bad_agent import SWITCHES
from cases import INFINITY, NAN, Case, bad

P = "datadog_objects_"
QUERY = "avg(last_5m):avg:system.load.1{env:prod} > 5"


def monitor(**fields: Any) -> list[dict[str, Any]]:
    """Return a list with one monitor, with these fields."""
    return [{"key": "load", "name": "Load", "type": "metric alert", "query": QUERY, **fields}]


def options(**fields: Any) -> list[dict[str, Any]]:
    """Return a list with one monitor that has these options."""
    return monitor(options=fields)


def thresholds(query: str, **limits: Any) -> list[dict[str, Any]]:
    """Return a list with one monitor whose query has this ending, with these thresholds."""
    start = "avg(last_5m):avg:system.load.1{env:prod}"
    return monitor(query=f"{start} {query}", options={"thresholds": limits})


def downtime(**fields: Any) -> list[dict[str, Any]]:
    """Return a list with one downtime, with these fields; None omits a field."""
    item = {"key": "night", "scope": "env:prod", "monitor_identifier": {"monitor_tags": ["team:web"]}, **fields}
    return [{name: value for name, value in item.items() if value is not None}]


def recurring(**fields: Any) -> list[dict[str, Any]]:
    """Return a list with one recurring downtime, with these fields of its recurrence."""
    recurrence = {"rrule": "FREQ=DAILY;INTERVAL=1", "duration": "1h", **fields}
    return downtime(schedule={"timezone": "UTC", "recurrences": [recurrence]})


SETTINGS: list[Case] = [
    *bad(f"{P}fleet", "", "Prod", "a b", "-", "1a", "a:b", "x" * 101, "a}", 5, fix="is not a valid name"),
    *bad(f"{P}fleet", ["a"], {}, "a\n", fix="Write a string"),
    *bad(f"{P}notify", "", "nobody", "ops@example.com", "@", "mail to @", 5, fix="Write one such as"),
    *bad(f"{P}notify", ["@ops"], {}, fix="Write a string"),
    *bad(f"{P}timezone", "", "Europe", "Mars/Phobos", "../etc/passwd", "europe/paris ", "UTC+1", 5, fix=""),
    *bad(f"{P}timezone", ["UTC"], {}, "UTC\n", fix="Write a string"),
    *bad(f"{P}tags", "env:prod", {}, 5, fix="Write a list"),
    *bad(f"{P}tags", [], fix="Add a tag", show=False),
    *bad(f"{P}tags", "web", "env:", "env:a b", "env:a}", "env:a)", "env:a,b", "env:(a", 'env:"a"', "env:*", "!env:a",
         fix="", build=lambda tag: [tag]),
    *bad(f"{P}tags", ["env:a"], {"env": "a"}, "env:a\n", fix="Write a string", build=lambda tag: [tag]),
    *bad(f"{P}hosts", "web1", {}, 5, fix="Write a list"),
    *bad(f"{P}hosts", "", "a b", "a}", fix="Write", build=lambda name: [name]),
    *bad(f"{P}hosts", ["web1"], {}, "a\nb", fix="Write a string", build=lambda name: [name]),
    *bad(f"{P}service", "a b", "a}b", "a)b", "a,b", "!", "x" * 201, fix=""),
    *bad(f"{P}service", ["a"], {}, "a\nb", fix="Write a string"),
    *bad(f"{P}operation", "", "a b", "flask-request", "a}b", "1a", 5, fix="Write one such as"),
    *bad(f"{P}operation", ["flask.request"], {}, "a\n", fix="Write a string"),
    *bad(f"{P}error_share", -0.1, 1, 5, "abc", "", True, [0.1], {}, NAN, INFINITY, fix="Write"),
    *bad(f"{P}warning", 800, 900, fix="Lower it"),
    *bad(f"{P}warning", "abc", "", True, [5], {}, NAN, INFINITY, "5%", fix="Write a number"),
    *bad(f"{P}alert", "abc", "", True, [5], {}, NAN, -INFINITY, fix="Write a number"),
    *bad(f"{P}no_data_minutes", 0, 1, -5, fix="Increase it", show=False),
    *bad(f"{P}no_data_minutes", "abc", 2.5, "", True, [5], NAN, fix="Write a whole number"),
    *bad(f"{P}folder", "no/such/folder", "/etc/hostname", fix="Choose a folder"),
    *bad(f"{P}folder", ["a"], {}, "a\nb", fix="Write a path"),
    *bad(f"{P}reports", "/proc/x", "/dev/null/x", "/etc/hostname", fix="Set it to a writable folder"),
    *bad(f"{P}reports", ["a"], {}, "a\nb", fix="Write a path"),
    *bad(f"{P}adopt", *SWITCHES, fix="Write true or false"),
    *bad(f"{P}prune", *SWITCHES, fix="Write true or false"),
    *bad(f"{P}fail_on_difference", *SWITCHES, fix="Write true or false"),
    *bad(f"{P}extra_dashboards", "x", {}, 5, fix="Write a list"),
    *bad(f"{P}extra_dashboards", "x", 5, ["x"], fix="Write a dictionary", build=lambda item: [item]),
]  # fmt: skip

MONITORS: list[Case] = [
    *bad(f"{P}extra_monitors", "x", {}, 5, fix="Write a list"),
    *bad(f"{P}extra_monitors", "x", 5, ["x"], fix="Write a dictionary", build=lambda item: [item]),
    *bad(f"{P}extra_monitors", "", None, 5, "A", "a b", "a}", ["a"], "x" * 101, fix="key",
         build=lambda key: monitor(key=key)),
    *bad(f"{P}extra_monitors", "load", fix="twice", build=lambda _key: monitor() * 2),
    *bad(f"{P}extra_monitors", "gone", True, "", fix="present or absent", build=lambda state: monitor(state=state)),
    *bad(f"{P}extra_monitors", "", None, " ", 5, ["x"], fix="name", build=lambda name: monitor(name=name), show=False),
    *bad(f"{P}extra_monitors", "", None, "metric", 5, ["x"], fix="type", build=lambda kind: monitor(type=kind),
         show=False),
    *bad(f"{P}extra_monitors", "", None, 5, "x", "avg(last_5m):avg:x{a AND} > 5", "avg(last_5m):avg:x{a:b > 5",
         "avg(last_5m):avg:x{} > 5", "avg(last_5m):avg:x{*} >", "avg(last_5m):avg:x{*} > abc",
         "avg(last_5m):avg:x{*} > NaN", "avg(last_5x):avg:x{*} > 5", "avg:x{*} > 5", "avg(last_5m):avg:x{a OR} > 5",
         "avg(last_5m):avg:x{NOT} > 5", "avg(last_5m):avg:x{a IN ()} > 5", "avg(last_5m):avg:x{(a} > 5",
         "avg(last_5m):avg:x{$host} > 5", "avg(last_5m):nosuch(avg:x{*}) > 5", fix="query",
         build=lambda query: monitor(query=query), show=False),
    *bad(f"{P}extra_monitors", 5, ["x"], {"a": 1}, fix="message", build=lambda text: monitor(message=text), show=False),
    *bad(f"{P}extra_monitors", "team:web", [5], {"a": 1}, fix="tags", build=lambda tags: monitor(tags=tags),
         show=False),
    *bad(f"{P}extra_monitors", 0.5, 6, -1, "high", True, [1], fix="priority",
         build=lambda value: monitor(priority=value)),
    *bad(f"{P}extra_monitors", "optoins", "querry", "silenced", fix="known field",
         build=lambda name: monitor(**{name: "x"})),
    *bad(f"{P}extra_monitors", "x", [1], 5, fix="options", build=lambda value: monitor(options=value), show=False),
    *bad(f"{P}extra_monitors", "notify_nodata", "renotify_intervall", "no_such_option", "tresholds", fix="known option",
         build=lambda name: options(**{name: 5})),
    *bad(f"{P}extra_monitors", "evaluation_delay", "min_failure_duration", "min_location_failed", "new_group_delay",
         "new_host_delay", "no_data_timeframe", "renotify_interval", "renotify_occurrences", "timeout_h",
         fix="whole number", build=lambda name: options(**{name: -5})),
    *bad(f"{P}extra_monitors", "evaluation_delay", "new_host_delay", "no_data_timeframe", "renotify_interval",
         "timeout_h",
         fix="whole number", build=lambda name: options(**{name: "soon"})),
    *bad(f"{P}extra_monitors", 1.5, [5], True, fix="whole number", build=lambda value: options(timeout_h=value)),
    *bad(f"{P}extra_monitors", 25, fix="from 0 to 24", build=lambda value: options(timeout_h=value)),
    *bad(f"{P}extra_monitors", "notify_no_data", "require_full_window", "include_tags", "notify_audit", "locked",
         fix="true or false", build=lambda name: options(**{name: "perhaps"})),
    *bad(f"{P}extra_monitors", "x", [5], {"host": 1}, fix="notify_by", build=lambda value: options(notify_by=value),
         show=False),
    *bad(f"{P}extra_monitors", "never", ["x"], 5, fix="on_missing_data",
         build=lambda value: options(on_missing_data=value),
         show=False),
    *bad(f"{P}extra_monitors", "x", ["sometimes"], fix="renotify_statuses",
         build=lambda value: options(renotify_statuses=value), show=False),
    *bad(f"{P}extra_monitors", 5, ["x"], fix="escalation_message",
         build=lambda value: options(escalation_message=value),
         show=False),
    *bad(f"{P}extra_monitors", "x", [1], 5, fix="thresholds", build=lambda value: options(thresholds=value),
         show=False),
    *bad(f"{P}extra_monitors", "high", [5], True, {"a": 1}, fix="Write a number",
         build=lambda value: thresholds("> 5", warning=value)),
    *bad(f"{P}extra_monitors", NAN, INFINITY, fix="number", build=lambda value: thresholds("> 5", warning=value)),
    *bad(f"{P}extra_monitors", "warnign", "alert", fix="known threshold",
         build=lambda name: thresholds("> 5", **{name: 1})),
    *bad(f"{P}extra_monitors", ("> 5", {"critical": 6}), ("> 5", {"critical": 5, "warning": 5}),
         ("> 5", {"warning": 6}),
         (">= 5", {"warning": 7}), ("< 5", {"warning": 4}), ("<= 5", {"warning": 5}),
         ("> 5", {"critical_recovery": 6}), (">= 5", {"critical_recovery": 5}), ("< 5", {"critical_recovery": 4}),
         ("> 5", {"warning": 3, "warning_recovery": 4}), ("< 5", {"warning": 7, "warning_recovery": 6}),
         ("> 5", {"warning_recovery": 2}), fix="", build=lambda pair: thresholds(pair[0], **pair[1]), show=False),
    *bad(f"{P}extra_monitors", NAN, [INFINITY], {"a": NAN}, datetime.date(2026, 1, 2), fix="", show=False,
         build=lambda value: options(variables=[{"x": value}])),
    *bad(f"{P}extra_monitors", "load && nosuch", "load &&", "load & agent", "", "!(load", fix="query",
         build=lambda query: monitor() + monitor(key="both", type="composite", query=query)[:1], show=False),
]  # fmt: skip

DOWNTIMES: list[Case] = [
    *bad(f"{P}extra_downtimes", "x", {}, 5, fix="Write a list"),
    *bad(f"{P}extra_downtimes", "x", 5, ["x"], fix="Write a dictionary", build=lambda item: [item]),
    *bad(f"{P}extra_downtimes", "", None, 5, "A", fix="key", build=lambda key: [{**downtime()[0], "key": key}]),
    *bad(f"{P}extra_downtimes", "a AND", "", " ", 5, ["env:a"], "env:a)", "env:a}", "(env:a", "a OR", "NOT", "env:a,",
         "a IN ()", "AND a", "env:prod AND,", "$host", fix="scope", build=lambda scope: downtime(scope=scope)),
    *bad(f"{P}extra_downtimes", 5, ["x"], fix="message", build=lambda text: downtime(message=text), show=False),
    *bad(f"{P}extra_downtimes", {"monitor_id": "x"}, {"monitor_id": -1}, {"monitor_id": 0}, {"monitor_id": 1.5},
         {"monitor_id": True}, {"monitor_tags": []}, {"monitor_tags": [5]}, {"monitor_tags": "a:b"}, {}, "x", [5],
         {"monitor_id": 5, "monitor_tags": ["a:b"]}, {"monitor_tags": [""]}, {"monitor_tags": ["a)b:c"]},
         fix="monitor_", build=lambda value: downtime(monitor_identifier=value), show=False),
    *bad(f"{P}extra_downtimes", "nosuch", "A", 5, ["x"], fix="monitor",
         build=lambda key: [{"key": "night", "scope": "*", "monitor_key": key}]),
    *bad(f"{P}extra_downtimes", "alert", ["nosuch"], [5], [["x"]], fix="notify_end_states",
         build=lambda value: downtime(notify_end_states=value), show=False),
    *bad(f"{P}extra_downtimes", "perhaps", 2, [True], fix="mute_first_recovery_notification",
         build=lambda value: downtime(mute_first_recovery_notification=value), show=False),
    *bad(f"{P}extra_downtimes", "Mars/Phobos", 5, ["UTC"], "../etc/passwd", fix="display_timezone",
         build=lambda value: downtime(display_timezone=value), show=False),
    *bad(f"{P}extra_downtimes", "scop", "monitor_tags", "until", fix="known field",
         build=lambda name: downtime(**{name: "x"})),
    *bad(f"{P}extra_downtimes", "x", 5, True, fix="schedule", build=lambda value: downtime(schedule=value), show=False),
    *bad(f"{P}extra_downtimes", {"start": "soon"}, {"end": "2020-01-01T00:00:00Z"}, {"end": 5}, {"end": "2020-01-01"},
         {"start": "2050-01-02T00:00:00Z", "end": "2050-01-01T00:00:00Z"}, {"until": "x"}, {"start": ["x"]},
         {"end": datetime.date(2050, 1, 1)}, fix="schedule", build=lambda value: downtime(schedule=value), show=False),
    *bad(f"{P}extra_downtimes", "FREQ=NEVER", "x", "", "FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;INTERVAL=0", 5, ["x"],
         "FREQ=DAILY;INTERVAL=x", "FREQ=WEEKLY;NOSUCH=1", "INTERVAL=1", "FREQ=SECONDLY", "FREQ=DAILY;FREQ=DAILY",
         "FREQ=DAILY;COUNT=0", "FREQ=DAILY;UNTIL=soon", "FREQ=DAILY\n", "FREQ=MONTHLY;BYMONTHDAY=40",
         "FREQ=YEARLY;BYMONTH=13", "FREQ=DAILY;INTERVAL=1;", fix="rrule", build=lambda rule: recurring(rrule=rule)),
    *bad(f"{P}extra_downtimes", "-1h", "0h", "soon", 5, "1", "1y", "h", "1.5h", ["1h"], "1h\n", -3600, fix="duration",
         build=lambda value: recurring(duration=value)),
    *bad(f"{P}extra_downtimes", "soon", "2050-01-01", "2050-01-01T00:00:00Z", 5, "2050-13-01T00:00:00", ["x"],
         fix="start", build=lambda value: recurring(start=value)),
    *bad(f"{P}extra_downtimes", [], "x", [5], {}, [{"rrule": "FREQ=DAILY"}], [{"duration": "1h"}], fix="recurrences",
         build=lambda value: downtime(schedule={"recurrences": value}), show=False),
    *bad(f"{P}extra_downtimes", {"days": []}, {"days": ["mon"]}, {"days": ["noday"], "all_day": True},
         {"days": ["mon"], "from": "25:00", "to": "9:00"}, {"days": ["mon"], "from": "9:00", "to": "9:00"},
         {"days": ["mon"], "all_day": "perhaps"}, {"days": 5, "all_day": True},
         {"days": ["mon"], "from": -5, "to": "9:00"}, {"days": ["mon"], "all_day": True, "timezone": "Mars/Phobos"},
         {"days": ["mon"], "all_day": True, "start": "soon"}, {"days": ["mon"], "all_day": True, "until": "x"},
         fix="schedule", build=lambda value: downtime(schedule=value), show=False),
]  # fmt: skip
