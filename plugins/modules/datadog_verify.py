# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_verify
short_description: Verify that the data of hosts arrives in Datadog
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Polls Datadog until it shows everything that is expected of O(hosts). After O(timeout), the module fails and reports
    what is missing on which host, with the likely cause and the fix. It does not wait for data that cannot arrive,
    because the Agent is not running, the check fails there, or its monitor stays in Alert for O(alert_timeout).
  - Each poll covers all hosts. It needs one query for each metric and fifty hosts, one list of hosts and one list of
    monitors. Further polls only ask for what is still missing, at growing intervals of up to 20 seconds. Ten metrics
    that never arrive on fifty hosts need fewer than 200 queries in 300 seconds.
  - Datadog has no API to read service checks. The module uses the monitors of O(fleet) that watch them by host. For a
    service check without a monitor, it uses the metrics among O(hosts[].metrics) and O(hosts[].present) whose names
    start with the same word.
extends_documentation_fragment:
  - kennel.fleet.datadog
  - kennel.fleet.datadog_info
attributes:
  check_mode:
    description: Polls once without waiting, and does not fail if something is missing.
    support: full
options:
  hosts:
    description: Expected data of each host.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the host in the inventory, which messages use.
        type: str
        required: true
      host:
        description:
          - Host name under which the Agent reports, as C(datadog-agent hostname) prints it.
          - If not set, the name in O(hosts[].agent), or else O(hosts[].name).
        type: str
      since:
        description:
          - Start time of the Agent in seconds since the epoch. Only newer data counts.
          - If not set, the time in O(hosts[].agent). Without either, all data counts.
        type: float
      tags:
        description: Tags that the host must have in Datadog. It may have others.
        type: list
        elements: str
        default: []
      metrics:
        description: Metrics whose values and intervals are checked.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the metric.
            type: str
            required: true
          interval:
            description:
              - Interval between points in seconds. At least two points must have arrived, each interval may deviate by
                3 seconds or a tenth, and the newest point must be younger than two intervals.
              - If not set, only freshness and values are checked.
            type: float
          min:
            description: Lowest allowed value.
            type: float
          max:
            description: Highest allowed value.
            type: float
      present:
        description: Metrics that only need a recent point.
        type: list
        elements: str
        default: []
      service_checks:
        description: Service checks that must be OK.
        type: list
        elements: str
        default: []
      services:
        description: APM services whose traces must have arrived.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: Name of the service, as in the tag C(service).
            type: str
            required: true
          operation:
            description: Operation of its entry spans, such as V(flask.request).
            type: str
            required: true
          since:
            description:
              - Time of the first request to the service in seconds since the epoch. Older requests do not count.
              - If not set, the time at which M(kennel.fleet.datadog_agent_info) sent its requests, or the start time of
                the Agent.
            type: float
      agent:
        description:
          - Result of M(kennel.fleet.datadog_agent_info) for the host. It helps to find the causes of missing data, and
            the module does not wait for a host whose Agent is not running.
        type: dict
  agents:
    description: Same as O(hosts[].agent) for several hosts, by O(hosts[].name).
    type: dict
    default: {}
    version_added: 1.0.0
  fleet:
    description: Fleet whose monitors watch service checks, and that O(objects) belong to.
    type: str
    default: ""
  objects:
    description: Keys of the objects that must exist in O(fleet).
    type: dict
    suboptions:
      dashboards:
        description: Keys of dashboards that must exist.
        type: list
        elements: str
        default: []
      monitors:
        description: Keys of monitors that must exist and have been evaluated, whatever their state.
        type: list
        elements: str
        default: []
      evaluated:
        description:
          - Whether monitors must have been evaluated. Set this to V(false) if only a part of the fleet has been set up.
        type: bool
        default: true
      downtimes:
        description: Keys of downtimes that must be scheduled or active.
        type: list
        elements: str
        default: []
  reports:
    description:
      - Directory for reports of the rows, C(verify.json) and C(verify.xml) in JUnit format. The module creates it if
        necessary. It writes nothing in check mode.
    type: path
  timeout:
    description: Seconds to wait in total.
    type: float
    default: 300.0
  poll:
    description:
      - Seconds between the first two polls. The interval then grows by half each time, up to 20 seconds. A longer one
        does not grow.
    type: float
    default: 5.0
  freshness:
    description: Maximum age in seconds of a point or a run without an interval.
    type: float
    default: 90.0
  alert_timeout:
    description:
      - Seconds for which the monitor of a service check may stay in Alert before the module stops waiting for the
        check.
    type: float
    default: 60.0
    version_added: 1.0.0
  progress:
    description:
      - File to which the module appends a line after each poll. The action plugin sets this option, and displays the
        lines while the module waits.
    type: path
    version_added: 1.0.0
notes:
  - If the module runs on the controller, it displays its progress while it waits, such as
    C(28 of 29, waiting for web1 mysql.can_connect, 40 s).
seealso:
  - module: kennel.fleet.datadog_account_info
"""

EXAMPLES = r"""
- name: Verify that the web host reports
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
  description: Results, one for each host and signal, sorted by host and signal. Also returned on failure.
  returned: always
  type: list
  elements: dict
  contains:
    host:
      description: Name of the host in the inventory.
      type: str
    agent_host:
      description: Name of the host in Datadog.
      type: str
    signal:
      description: Name of the metric or service check, V(tags), V(Agent), or kind and name of a service or an object.
      type: str
    ok:
      description: Whether the signal is as expected.
      type: bool
    value:
      description: Newest value of a metric, or status of a service check.
      type: raw
    age:
      description: Age of the newest point or run in seconds.
      type: float
    detail:
      description: What was found.
      type: str
    cause:
      description: Likely cause and fix. Empty if the signal is as expected.
      type: str
    url:
      description: URL of the host or the object in Datadog. None if the object does not exist.
      type: str
table:
  description:
    - Rows as aligned lines of at most 71 columns, below the name of their host. Metrics of O(hosts[].present) with the
      same prefix share a line. With more than 5 hosts, a host that is as expected has one line.
  returned: always
  type: list
  elements: str
reports:
  description: Paths of the reports.
  returned: with O(reports)
  type: list
  elements: str
  version_added: 1.0.0
missing:
  description: What is missing. Each entry names the host, the signal, the likely cause and the fix.
  returned: always
  type: list
  elements: str
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._api.client import (
    DatadogError,
    client_from_module,
    datadog_argument_spec,
)
from ansible_collections.kennel.fleet.plugins.module_utils._api.module import write_reports
from ansible_collections.kennel.fleet.plugins.module_utils._verify import report
from ansible_collections.kennel.fleet.plugins.module_utils._verify.expected import KINDS
from ansible_collections.kennel.fleet.plugins.module_utils._verify.polling import Watch
from ansible_collections.kennel.fleet.plugins.module_utils._verify.signals import (
    argument_problems,
    wanted_signals,
    with_agents,
)

LONGEST_PAUSE = 20.0
# Defaults for an Agent that returned no status.
SILENT = {"active": True, "key": "", "delivery": {}, "checks": {}}


def watch(module: AnsibleModule) -> Watch:
    """Poll until everything has arrived, nothing more can arrive, or the time is up; once in check mode."""
    params = module.params
    # Fewer attempts than usual, because the loop below asks again.
    client = client_from_module(module, attempts=3)
    agents = {host["name"]: {**SILENT, **host["agent"]} for host in params["hosts"] if host["agent"]}
    signals = wanted_signals(params["hosts"], params["fleet"], params["objects"])
    evaluated = (params["objects"] or {}).get("evaluated", True)
    state = Watch(client, signals, params["freshness"], params["fleet"], agents, evaluated, params["alert_timeout"])
    begin = time.monotonic()
    pause = params["poll"]
    while True:
        state.look()
        spent = time.monotonic() - begin
        waiting, left = state.waiting(), params["timeout"] - spent
        if not waiting or module.check_mode or left <= 0:
            return state
        tell(params["progress"], report.progress(state.found, waiting, spent))
        # There is no event to wait for: a client can only poll for data.
        time.sleep(min(pause, left))
        pause = max(pause, min(1.5 * pause, LONGEST_PAUSE))


def tell(path: str | None, line: str) -> None:
    """Append a line to the file from which the action plugin reads the progress."""
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{line}\n")


def main() -> None:
    texts = {"type": "list", "elements": "str", "default": []}
    metric = {
        "name": {"type": "str", "required": True},
        "interval": {"type": "float"},
        "min": {"type": "float"},
        "max": {"type": "float"},
    }
    service = {
        "name": {"type": "str", "required": True},
        "operation": {"type": "str", "required": True},
        "since": {"type": "float"},
    }
    host = {
        "name": {"type": "str", "required": True},
        "host": {"type": "str"},
        "since": {"type": "float"},
        "tags": texts,
        "metrics": {"type": "list", "elements": "dict", "default": [], "options": metric},
        "present": texts,
        "service_checks": texts,
        "services": {"type": "list", "elements": "dict", "default": [], "options": service},
        "agent": {"type": "dict"},
    }
    objects = {
        **dict.fromkeys(KINDS, texts),
        "evaluated": {"type": "bool", "default": True},
    }
    module = AnsibleModule(
        argument_spec={
            **datadog_argument_spec(),
            "hosts": {"type": "list", "elements": "dict", "required": True, "options": host},
            "agents": {"type": "dict", "default": {}},
            "fleet": {"type": "str", "default": ""},
            "objects": {"type": "dict", "options": objects},
            "reports": {"type": "path"},
            "timeout": {"type": "float", "default": 300.0},
            "poll": {"type": "float", "default": 5.0},
            "freshness": {"type": "float", "default": 90.0},
            "alert_timeout": {"type": "float", "default": 60.0},
            "progress": {"type": "path"},
        },
        supports_check_mode=True,
    )
    module.params["hosts"] = with_agents(module.params["hosts"], module.params["agents"])
    problems = argument_problems(module.params["hosts"])
    times = ("poll", "freshness")
    problems += [f"{name} is not greater than 0. Set it in seconds." for name in times if module.params[name] <= 0]
    asked = module.params["objects"] or {}
    if any(asked.get(name) for name in KINDS) and not module.params["fleet"]:
        problems.append("objects needs fleet. Set it to the fleet that the objects belong to.")
    if problems:
        module.fail_json(msg="\n".join(problems), rows=[], table=[], missing=problems)
    try:
        begin = time.monotonic()
        state = watch(module)
    except DatadogError as error:
        module.fail_json(msg=str(error), rows=[], table=[], missing=[str(error)])
    causes = report.explain(state.found, state.known_hosts, state.agents)
    missing = report.missing(state.found, causes)
    rows = report.rows(state.found, causes, state.urls)
    result = {"rows": rows, "table": report.table(state.found), "missing": missing}
    if module.params["reports"] and not module.check_mode:
        result["reports"] = write_reports(module, module.params["reports"], report.files(rows), **result)
    if missing and not module.check_mode:
        module.fail_json(msg=report.message(state.found, missing, time.monotonic() - begin, state.error), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
