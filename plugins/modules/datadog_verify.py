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
    naming what is missing on which host, the likely cause and the fix. It ends sooner where nothing more can come,
    since the Agent does not run, a check fails there, or its monitor stays in Alert for O(alert_timeout).
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
          - If not set, what the Agent says, or else O(hosts[].name).
        type: str
      since:
        description:
          - Time of the Agent's start, in seconds since the epoch. Only what is newer counts.
          - If not set, what the Agent says. Without that, everything counts.
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
      services:
        description:
          - Services whose traces must have arrived.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description:
              - Name of the service, as the tag C(service) has it.
            type: str
            required: true
          operation:
            description:
              - Operation of its entry spans, such as V(flask.request).
            type: str
            required: true
          since:
            description:
              - Time since which it was asked, in seconds since the epoch. Older requests do not count.
              - If not set, when M(kennel.fleet.datadog_agent_info) has sent its requests, or the Agent's start.
            type: float
      agent:
        description:
          - What M(kennel.fleet.datadog_agent_info) has returned for the host. It shows causes of what is missing, and
            nothing is waited for where the Agent does not run.
        type: dict
  agents:
    description:
      - The same for several hosts, by O(hosts[].name).
    type: dict
    default: {}
    version_added: 1.0.0
  fleet:
    description:
      - Fleet whose monitors watch service checks, and whose O(objects) are looked for.
    type: str
    default: ""
  objects:
    description:
      - Keys of the objects that O(fleet) must have.
    type: dict
    suboptions:
      dashboards:
        description:
          - Keys of dashboards that must exist.
        type: list
        elements: str
        default: []
      monitors:
        description:
          - Keys of monitors that must exist and have been evaluated, whatever their state.
        type: list
        elements: str
        default: []
      evaluated:
        description:
          - Whether monitors must have been evaluated. If not all of the fleet is set up, some cannot have been.
        type: bool
        default: true
      downtimes:
        description:
          - Keys of downtimes that must be scheduled or active.
        type: list
        elements: str
        default: []
  reports:
    description:
      - Folder to write the rows to, as C(verify.json) and, in the form of JUnit, C(verify.xml). It is created if it
        does not exist. Nothing is written in check mode.
    type: path
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
  alert_timeout:
    description:
      - Seconds for which the monitor of a service check may stay in Alert. After them, the check is not waited for.
    type: float
    default: 60.0
    version_added: 1.0.0
  progress:
    description:
      - File to which a line is appended after each look, with what is waited for. The action of the same name sets it,
        and shows the lines while it waits.
    type: path
    version_added: 1.0.0
notes:
  - While it waits, the controller shows how much is there and what is missing, such as
    C(28 of 29, waiting for web1 mysql.can_connect, 40 s), where the module runs on the controller itself.
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
      description: Name of the metric or service check, V(tags), V(Agent), or kind and name of a service or an object.
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
      description: Likely cause and fix, empty when it is as expected.
      type: str
    url:
      description: Address of the page of the host or the object in Datadog. None for an object that does not exist.
      type: str
table:
  description:
    - The rows as aligned lines of at most 71 columns, below the name of their host. Present metrics of one family share
      a line. With more than 5 hosts, one that is as expected has one line.
  returned: always
  type: list
  elements: str
reports:
  description: Paths of the reports that were written.
  returned: with O(reports)
  type: list
  elements: str
  version_added: 1.0.0
missing:
  description: What is missing, each naming the host, the signal, the likely cause and the fix.
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
# An Agent that says nothing about itself.
SILENT = {"active": True, "key": "", "delivery": {}, "checks": {}}


def watch(module: AnsibleModule) -> Watch:
    """Look until everything is there, cannot come any more, or the time is over; once in check mode."""
    params = module.params
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
        # There is nothing to wait on: data reaches Datadog in its own time and can only be asked for.
        time.sleep(min(pause, left))
        pause = max(pause, min(1.5 * pause, LONGEST_PAUSE))


def tell(path: str | None, line: str) -> None:
    """Append a line to the file from which the action reads how far this is."""
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
    problems += [
        f"{name} is not above zero. Write it in seconds." for name in ("poll", "freshness") if module.params[name] <= 0
    ]
    asked = module.params["objects"] or {}
    if any(asked.get(name) for name in KINDS) and not module.params["fleet"]:
        problems.append("objects needs fleet. Name the fleet that they belong to.")
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
