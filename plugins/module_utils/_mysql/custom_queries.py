# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validate custom queries and additional metrics of the MySQL integration: an invalid one stops the whole check. Pure.

The rules are from datadog-checks-base 37 and 38, base/utils/db/query.py and transform.py, and from the model of
integrations-core, mysql 15 and 16, as tested with the unmodified classes.
"""

from __future__ import annotations

from typing import Any

TYPES = (
    *("gauge", "count", "monotonic_count", "rate", "histogram", "historate"),
    *("monotonic_gauge", "temporal_percent", "time_elapsed", "match", "service_check", "metadata"),
    *("tag", "tag_list", "tag_not_null", "source"),
)
_OF_VARIABLES = ("gauge", "rate", "count", "monotonic_count")


def custom_query_problems(place: str, queries: Any) -> list[str]:
    """Return problems with a list of custom queries, whose items are dictionaries."""
    return [problem for number, query in enumerate(queries) for problem in _query_problems(f"{place}[{number}]", query)]


def additional_problems(place: str, variables: Any) -> list[str]:
    """Return problems with status or system variables that become metrics, a list of dictionaries.

    Without one of the three keys, the class fails at every run; with an unknown type it sends nothing (mysql 15.8.0,
    mysql.py).
    """
    return [
        f"{place}[{number}].{key} is {item.get(key)!r}. Write {fix}."
        for number, item in enumerate(variables)
        for key, fix, fits in (
            ("name", "the variable's name", _is_text(item.get("name"))),
            ("metric_name", "the metric's name", _is_text(item.get("metric_name"))),
            ("type", f"one of {', '.join(_OF_VARIABLES)}", item.get("type") in _OF_VARIABLES),
        )
        if not fits
    ]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _query_problems(place: str, query: dict[str, Any]) -> list[str]:
    problems = []
    if not _is_text(query.get("query")):
        problems.append(f"{place}.query is {query.get('query')!r}. Write the statement.")
    columns = query.get("columns")
    if not isinstance(columns, (list, tuple)) or not columns:
        fix = "Write a list with the name and the type of each column of the result."
        problems.append(f"{place}.columns is {columns!r}. {fix}")
        columns = []
    names: set[str] = set()
    for number, column in enumerate(columns):
        problems += _column_problems(f"{place}.columns[{number}]", column, names)
    tags = query.get("tags")
    if tags is not None and not (isinstance(tags, (list, tuple)) and all(isinstance(tag, str) for tag in tags)):
        problems.append(f"{place}.tags is {tags!r}. Write a list of strings.")
    if not isinstance(query.get("metric_prefix") or "", str):
        problems.append(f"{place}.metric_prefix is {query['metric_prefix']!r}. Write a string.")
    interval = query.get("collection_interval")
    if interval is not None and (isinstance(interval, bool) or not str(interval).isdecimal() or int(interval) < 1):
        problems.append(f"{place}.collection_interval is {interval!r}. Write a whole number of seconds, 1 or more.")
    return problems


def _column_problems(place: str, column: Any, names: set[str]) -> list[str]:
    """Return problems with a column, and add its name to the previous ones. An empty column is skipped."""
    if not isinstance(column, dict):
        return [f"{place} is {column!r}. Write its name and type, or {{}} to skip it."]
    if not column:
        return []
    name, kind = column.get("name"), column.get("type")
    if not isinstance(name, str) or not name:
        return [f"{place}.name is {name!r}. Write the name of its metric or tag."]
    if name in names:
        return [f"{place}.name is {name!r}, which another column has already. Give each its own name."]
    names.add(name)
    if kind not in TYPES:
        return [f"{place}.type is {kind!r}. Write one of {', '.join(TYPES)}."]
    return []
