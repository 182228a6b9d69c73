# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_verify
short_description: Prove that the data of hosts has arrived in Datadog
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Asks Datadog until it shows everything that is expected of O(hosts), or O(timeout) is over, and then fails,
    naming what is missing on which host, the likely cause and the mend.
  - All hosts are read together. A look costs one query for each metric and fifty hosts, one list of hosts and one of
    monitors. Only what is still missing is asked for again, ever less often, down to every 20 seconds. Ten metrics
    that never arrive on fifty hosts cost fewer than 200 queries in 300 seconds.
  - Datadog does not let service checks be read. They are judged by the monitors of O(fleet) that watch them host by
    host, and where there is none, by the metrics among O(hosts[].metrics) and O(hosts[].present) whose names begin
    with the same word.
extends_documentation_fragment:
  - kennel.fleet.datadog
attributes:
  check_mode:
    description: Can run in check mode, where it looks once, does not wait, and does not fail for what is missing.
    support: full
  diff_mode:
    description: Returns a difference in diff mode. It changes nothing, so there is none.
    support: none
options:
  hosts:
    description:
      - What is expected, host by host.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the host in the inventory, for messages.
        type: str
        required: true
      host:
        description:
          - Name under which its Agent reports, as C(datadog-agent hostname) says.
        type: str
        required: true
      since:
        description:
          - Time of the Agent's start, in seconds since the epoch. Only what is newer counts.
          - If not set, everything counts.
        type: float
      tags:
        description:
          - Tags that Datadog must show for the host, among others.
        type: list
        elements: str
        default: []
      metrics:
        description:
          - Metrics whose values and spacing must be right.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description:
              - Name of the metric.
            type: str
            required: true
          interval:
            description:
              - Seconds between two points. At least two points must have arrived, each spacing must be the interval
                within 3 seconds or a tenth of it, and the newest point must be younger than two intervals.
              - If not set, only freshness and values count.
            type: float
          min:
            description:
              - Least value allowed.
            type: float
          max:
            description:
              - Greatest value allowed.
            type: float
      present:
        description:
          - Metrics of which a fresh point is enough.
        type: list
        elements: str
        default: []
      service_checks:
        description:
          - Service checks that must be OK.
        type: list
        elements: str
        default: []
  fleet:
    description:
      - Fleet whose monitors tell of service checks.
    type: str
    default: ""
  timeout:
    description:
      - Seconds to wait for everything.
    type: float
    default: 300.0
  poll:
    description:
      - Seconds between the first two looks. The pauses then grow by half each time, to 20 seconds or this.
    type: float
    default: 5.0
  freshness:
    description:
      - Greatest age in seconds of a point or run for which no interval is given.
    type: float
    default: 90.0
seealso:
  - module: kennel.fleet.datadog_account_info
"""

EXAMPLES = r"""
- name: Prove that the web host reports
  kennel.fleet.datadog_verify:
    hosts:
      - name: web1
        host: web1.example.com
        since: 1763942400
        tags: ['env:production', 'ansible_group:web']
        metrics:
          - name: my_metric
            interval: 45
            min: 0
            max: 1000
        present: [system.load.1, mysql.net.connections]
        service_checks: [mysql.can_connect]
    fleet: web
    timeout: 600
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
rows:
  description: What was found, one for each host and signal, in the order of host and signal. Also on failure.
  returned: always
  type: list
  elements: dict
  contains:
    host:
      description: Name in the inventory.
      type: str
    agent_host:
      description: Name in Datadog.
      type: str
    signal:
      description: Name of the metric or service check, or V(tags).
      type: str
    ok:
      description: Whether it is as expected.
      type: bool
    value:
      description: Newest value of a metric, or the status of a service check.
      type: raw
    age:
      description: Seconds since the newest point or run.
      type: float
    detail:
      description: What was found.
      type: str
    cause:
      description: Likely cause and mend, empty when it is as expected.
      type: str
table:
  description: The rows as aligned lines of at most 100 columns. Present metrics of one family share a line.
  returned: always
  type: list
  elements: str
missing:
  description: What is missing, each naming the host, the signal, the likely cause and the mend.
  returned: always
  type: list
  elements: str
"""

import time
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils import datadog_arrival_report as report
from ansible_collections.kennel.fleet.plugins.module_utils.datadog_arrival import (
    METRIC,
    PRESENT,
    SERVICE_CHECK,
    TAGS,
    Signal,
    Verdict,
    argument_problems,
    judge_check_by_metrics,
    judge_check_states,
    judge_points,
    judge_tags,
    read_check_states,
    read_hosts,
    read_series,
    resolution,
    series_query,
    wanted_signals,
    window_for,
)
from ansible_collections.kennel.fleet.plugins.module_utils.datadog_client import (
    Client,
    DatadogError,
    client_from_module,
    datadog_argument_spec,
)

HOSTS_PER_QUERY = 50
HOSTS_PER_PAGE = 1000
LONGEST_PAUSE = 20.0


class Watch:
    """What is known of each signal so far; every look asks for those that are not ok yet."""

    def __init__(self, client: Client, signals: list[Signal], freshness: float, fleet: str) -> None:
        self.client, self.freshness, self.fleet = client, freshness, fleet
        self.found = {signal: Verdict("unread", "Datadog has not been asked yet") for signal in signals}
        self.known_hosts: dict[str, set[str]] = {}
        self.error: DatadogError | None = None
        self._answered = False

    def pending(self, *kinds: str) -> list[Signal]:
        """Return the signals of KINDS, or of all, that are not ok yet."""
        return [s for s, verdict in self.found.items() if not verdict.ok and (not kinds or s.kind in kinds)]

    def look(self) -> None:
        """Ask once. An API that fails for a while is tolerated once it has answered; the next look comes anyway."""
        self.error = None
        try:
            self._look_at_metrics()
            self._look_at_tags()
            self._look_at_checks()
        except DatadogError as error:
            if not error.transient or not self._answered:
                raise
            self.error = error

    def _get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, **params)
        self._answered = True
        return answer

    def _look_at_metrics(self) -> None:
        queries: dict[tuple[str, int], list[Signal]] = {}
        for signal in self.pending(METRIC, PRESENT):
            queries.setdefault((signal.name, window_for(signal.interval)), []).append(signal)
        for (metric, window), signals in queries.items():
            hosts = sorted({signal.agent_host for signal in signals})
            points: dict[str, Any] = {}
            for start in range(0, len(hosts), HOSTS_PER_QUERY):
                query = series_query(metric, hosts[start : start + HOSTS_PER_QUERY], resolution(window))
                points.update(self._points(query, window))
            now = time.time()
            for signal in signals:
                seen = points.get(signal.agent_host.lower(), [])
                self.found[signal] = judge_points(signal, seen, now=now, freshness=self.freshness)

    def _points(self, query: str, window: int) -> dict[str, Any]:
        now = int(time.time())
        answer = self._get("query", query=query, **{"from": now - window, "to": now})
        # The API reports some failures of a query in an answer of success.
        if answer.get("status") == "error":
            raise DatadogError("request", str(answer.get("error")), mend=f"Check the query {query}.", endpoint="query")
        return read_series(answer)

    def _look_at_tags(self) -> None:
        signals = self.pending(TAGS)
        if signals:
            self.known_hosts = read_hosts(self._hosts())
        for signal in signals:
            self.found[signal] = judge_tags(signal, self.known_hosts.get(signal.agent_host.lower()))

    def _hosts(self) -> Iterator[dict[str, Any]]:
        start = 0
        while True:
            page = self._get("hosts", start=start, count=HOSTS_PER_PAGE)
            yield from page["host_list"]
            start += len(page["host_list"])
            if not page["host_list"] or start >= page.get("total_matching", 0):
                return

    def _look_at_checks(self) -> None:
        signals = self.pending(SERVICE_CHECK)
        states = read_check_states(self._monitors()) if signals else {}
        for signal in signals:
            if signal.name in states:
                seen = states[signal.name].get(signal.agent_host.lower(), [])
                self.found[signal] = judge_check_states(signal, seen)
            else:
                self.found[signal] = judge_check_by_metrics(signal, self._related(signal))

    def _monitors(self) -> list[dict[str, Any]]:
        """Return the fleet's monitors with the states of their groups; none where the key may not read them."""
        if not self.fleet:
            return []
        try:
            tags = f"managed_by:kennel,kennel_fleet:{self.fleet}"
            return list(self.client.pages("monitor", monitor_tags=tags, group_states="all"))
        except DatadogError as error:
            # A refusal right after other reads were allowed is about monitors, not about the keys.
            if error.status != 403 or not self._answered:
                raise
            return []

    def _related(self, check: Signal) -> list[Verdict]:
        return [
            verdict
            for signal, verdict in self.found.items()
            if (signal.host, signal.family) == (check.host, check.family) and signal.kind in (METRIC, PRESENT)
        ]


def watch(module: AnsibleModule, signals: list[Signal]) -> Watch:
    """Look until everything is there or the time is over; once in check mode."""
    client = client_from_module(module, attempts=3)
    state = Watch(client, signals, module.params["freshness"], module.params["fleet"])
    deadline = time.monotonic() + module.params["timeout"]
    pause = module.params["poll"]
    while True:
        state.look()
        left = deadline - time.monotonic()
        if not state.pending() or module.check_mode or left <= 0:
            return state
        # There is nothing to wait on: data reaches Datadog in its own time and can only be asked for.
        time.sleep(min(pause, left))
        pause = max(pause, min(1.5 * pause, LONGEST_PAUSE))


def main() -> None:
    texts = {"type": "list", "elements": "str", "default": []}
    metric = {
        "name": {"type": "str", "required": True},
        "interval": {"type": "float"},
        "min": {"type": "float"},
        "max": {"type": "float"},
    }
    host = {
        "name": {"type": "str", "required": True},
        "host": {"type": "str", "required": True},
        "since": {"type": "float"},
        "tags": texts,
        "metrics": {"type": "list", "elements": "dict", "default": [], "options": metric},
        "present": texts,
        "service_checks": texts,
    }
    module = AnsibleModule(
        argument_spec={
            **datadog_argument_spec(),
            "hosts": {"type": "list", "elements": "dict", "required": True, "options": host},
            "fleet": {"type": "str", "default": ""},
            "timeout": {"type": "float", "default": 300.0},
            "poll": {"type": "float", "default": 5.0},
            "freshness": {"type": "float", "default": 90.0},
        },
        supports_check_mode=True,
    )
    problems = argument_problems(module.params["hosts"])
    problems += [
        f"{name} is not above zero: give it in seconds." for name in ("poll", "freshness") if module.params[name] <= 0
    ]
    if problems:
        module.fail_json(msg="\n".join(problems), rows=[], table=[], missing=problems)
    try:
        state = watch(module, wanted_signals(module.params["hosts"]))
    except DatadogError as error:
        module.fail_json(msg=str(error), rows=[], table=[], missing=[])
    causes = report.explain(state.found, state.known_hosts)
    missing = report.missing(state.found, causes)
    result = {"rows": report.rows(state.found, causes), "table": report.table(state.found), "missing": missing}
    if missing and not module.check_mode:
        module.fail_json(msg=report.message(state.found, missing, module.params["timeout"], state.error), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
