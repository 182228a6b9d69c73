# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_checks_info
short_description: Run checks of the Datadog Agent once and return their metrics
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Runs C(datadog-agent check NAME) for each of O(checks), independently of the running Agent. Nothing is sent to
    Datadog.
  - This requires files that the Agent creates when it starts for the first time. The module waits for them.
  - If a metric is missing after one run, as rates are, the module runs the check once more with C(--check-rate).
  - Requires root, since only the Agent's user may run a check.
options:
  checks:
    description: Metrics that each check must report, by check name. With an empty list, the check only has to run.
    type: dict
    required: true
  wait:
    description: Seconds to wait for an Agent that was started for the first time, in total for all checks.
    type: int
    default: 60
  timeout:
    description: Timeout of each check in seconds.
    type: int
    default: 60
extends_documentation_fragment: kennel.fleet.datadog_info
seealso:
  - module: kennel.fleet.datadog_agent_info
"""

EXAMPLES = r"""
- name: Run the check
  kennel.fleet.datadog_checks_info:
    checks:
      queue_length: [queue.length]
  become: true
  register: run

- name: Fail if the check does not report its metrics
  ansible.builtin.assert:
    that: run.problems | length == 0
    fail_msg: "{{ run.problems | join('\n') }}"
"""

RETURN = r"""
checks:
  description:
    - Results by check name. C(metrics) contains the sorted names of its metrics. C(errors) contains the errors of its
      instances, or the reason why the check did not run.
  returned: always
  type: dict
  sample: {"queue_length": {"metrics": ["queue.length"], "errors": []}}
problems:
  description: One message for each check that does not report its metrics, with the reason.
  returned: always
  type: list
  elements: str
  sample:
    - >-
      the check queue_length does not report queue.length: ConnectionRefusedError: port 6379. Fix that, and run again.
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host.check_runs import CheckRuns, problem


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "checks": {"type": "dict", "required": True},
            "wait": {"type": "int", "default": 60},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    wanted = module.params["checks"]
    checks = CheckRuns(module, wait=module.params["wait"], timeout=module.params["timeout"])
    runs = {name: checks.run(name, metrics or []) for name, metrics in wanted.items()}
    module.exit_json(
        changed=False,
        checks={name: {"metrics": list(run.metrics), "errors": list(run.errors)} for name, run in runs.items()},
        problems=list(filter(None, (problem(name, wanted[name] or [], run) for name, run in runs.items()))),
    )


if __name__ == "__main__":
    main()
