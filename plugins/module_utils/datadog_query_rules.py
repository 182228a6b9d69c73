# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the queries of graphs and monitors, before Datadog is asked."""

from __future__ import annotations

from .datadog_monitor_query import parse_monitor
from .datadog_query import parse

METRIC = "metric"


def query_problems(text: str, kind: str = METRIC) -> list[str]:
    """What is wrong with a query, each problem with its column; nothing for a right one.

    `kind` is "metric" for the query of a graph, or the type of the monitor that the query is for.
    """
    try:
        if kind == METRIC:
            parse(text)
        elif kind != "synthetics alert" or text:
            parse_monitor(text, kind)
    except ValueError as error:
        return [str(error)]
    return []
