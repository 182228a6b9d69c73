# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_snapshot
short_description: Take a snapshot of a Datadog graph
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Has Datadog draw a graph, waits until the image is available, and returns its URL. Anybody who has the URL can open
    it.
  - Takes a new snapshot each time it runs, and reports a change. To avoid posting a snapshot repeatedly, see
    O(kennel.fleet.datadog_event#module:unless_within).
extends_documentation_fragment:
  - kennel.fleet.datadog
attributes:
  check_mode:
    description: Validates the arguments and does not take a snapshot.
    support: full
  diff_mode:
    description: A snapshot does not replace anything, so there is no diff.
    support: none
options:
  metric_query:
    description:
      - Query of the graph. The module validates it before it sends it to Datadog.
      - Exactly one of O(metric_query) and O(graph_def) is required.
    type: str
  graph_def:
    description: Definition of the graph, as in the JSON tab of Datadog's graph editor.
    type: dict
  start:
    description:
      - Start time of the graph in seconds since the epoch.
      - Exactly one of O(start) and O(span) is required.
    type: int
  end:
    description:
      - End time of the graph in seconds since the epoch.
      - If not set, the current time.
    type: int
  span:
    description: Length of the time range that ends at O(end), such as V(90s), V(5m), V(4h), V(1d) or V(1w).
    type: str
  title:
    description: Title of the graph.
    type: str
  event_query:
    description: Search query for events to mark in the graph.
    type: str
  width:
    description: Width in pixels.
    type: int
  height:
    description: Height in pixels.
    type: int
  wait_timeout:
    description: Seconds to wait for the image. V(0) does not wait.
    type: float
    default: 60.0
seealso:
  - module: kennel.fleet.datadog_event
"""

EXAMPLES = r"""
- name: Take a snapshot of the last 5 minutes of my_metric
  kennel.fleet.datadog_snapshot:
    metric_query: avg:my_metric{*} by {host}
    span: 5m
    title: my_metric by host
    api_key: "{{ datadog_api_key }}"
    app_key: "{{ datadog_app_key }}"
  delegate_to: localhost
  run_once: true
  register: graph

- name: Take a snapshot of the last day as bars
  kennel.fleet.datadog_snapshot:
    graph_def:
      viz: timeseries
      requests:
        - q: sum:my_metric{*}.rollup(sum, 3600)
          type: bars
    span: 1d
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
snapshot_url:
  description: URL of the image. None in check mode.
  returned: always
  type: str
  sample: https://p.datadoghq.com/snapshot/view/dd-snapshots-prod/org_1/2026-11-23/0123456789.png
start:
  description: Start time of the graph in seconds since the epoch.
  returned: always
  type: int
  sample: 1764000000
end:
  description: End time of the graph in seconds since the epoch.
  returned: always
  type: int
  sample: 1764000300
"""

import json
import time
from typing import Any

from ansible_collections.kennel.fleet.plugins.module_utils._api.client import Client
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import (
    InputError,
    run_module,
    time_arguments,
    time_range,
)
from ansible_collections.kennel.fleet.plugins.module_utils._query.rules import query_problems

PNG = b"\x89PNG\r\n\x1a\n"
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0


def input_problems(params: dict[str, Any]) -> list[str]:
    """Return problems with the arguments, except for the times."""
    query, sizes = params["metric_query"], [name for name in ("width", "height") if params[name] is not None]
    problems = [] if query is None else [f"metric_query: {text}" for text in query_problems(query)]
    problems += [f"{name} is not greater than 0. Set it in pixels." for name in sizes if params[name] <= 0]
    return problems + (["wait_timeout is negative. Set it in seconds."] if params["wait_timeout"] < 0 else [])


def take(client: Client, params: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Take the snapshot and wait for the image; return the module's result."""
    problems = input_problems(params)
    if problems:
        raise InputError("\n".join(problems))
    start, end = time_range(params, "start", "end")
    result = {"changed": True, "snapshot_url": None, "start": start, "end": end}
    if check_mode:
        return result
    names = ("metric_query", "title", "event_query", "width", "height")
    asked = {name: params[name] for name in names if params[name] is not None}
    if params["graph_def"] is not None:
        asked["graph_def"] = json.dumps(params["graph_def"], separators=(",", ":"))
    url = client.get("graph/snapshot", start=start, end=end, **asked)["snapshot_url"]
    if params["wait_timeout"]:
        wait(url, params)
    return {**result, "snapshot_url": url}


def wait(url: str, params: dict[str, Any]) -> None:
    """Wait until the image is available. Raises InputError after the timeout."""
    deadline, pause = time.monotonic() + params["wait_timeout"], FIRST_PAUSE
    while True:
        seen = look(url, params)
        if not seen:
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise InputError(
                f"Datadog took the snapshot, but it is not available at {url} after {params['wait_timeout']:g} s"
                f" ({seen}). Open it later, or increase wait_timeout."
            )
        # There is no event to wait for: Datadog draws the image, and a client can only poll.
        time.sleep(min(pause, left))
        pause = min(2 * pause, LONGEST_PAUSE)


def look(url: str, params: dict[str, Any]) -> str:
    """Return what is there instead of the image, or "". The URL is public, so no key is sent."""
    # Imported here as in the client, which has already reported a missing library.
    import requests
    from ansible_collections.kennel.fleet.plugins.module_utils._api.transport import no_proxy_to_loopback

    options = {
        "timeout": min(params["api_timeout"], params["wait_timeout"]),
        "verify": params["validate_certs"],
        "proxies": no_proxy_to_loopback(url),
    }
    try:
        with requests.get(url, stream=True, **options) as answer:
            kind = answer.headers.get("content-type", "").partition(";")[0]
            if answer.status_code == 200 and kind == "image/png" and next(answer.iter_content(8), b"") == PNG:
                return ""
            return f"{answer.status_code} {kind}".strip()
    except requests.RequestException as error:
        return type(error).__name__


def main() -> None:
    run_module(
        take,
        {
            "metric_query": {"type": "str"},
            "graph_def": {"type": "dict"},
            **time_arguments("start", "end"),
            "title": {"type": "str"},
            "event_query": {"type": "str"},
            "width": {"type": "int"},
            "height": {"type": "int"},
            "wait_timeout": {"type": "float", "default": 60.0},
        },
        mutually_exclusive=[("metric_query", "graph_def"), ("start", "span")],
        required_one_of=[("metric_query", "graph_def"), ("start", "span")],
    )


if __name__ == "__main__":
    main()
