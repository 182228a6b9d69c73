# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_checks_info
short_description: Run checks of the Datadog Agent once and return what they give
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Runs C(datadog-agent check NAME) for each of O(checks), apart from the Agent that runs. Nothing is sent to Datadog.
  - That needs files which the Agent makes when it is first started. Where they are missing, they are waited for.
  - A check that gives none of a metric in one run, as rates do not, is run once more with C(--check-rate).
  - Needs root, since only the Agent's own user may run a check.
options:
  checks:
    description: Metrics that a check must give, by the check's name. Without any, it must run.
    type: dict
    required: true
  wait:
    description: Seconds to wait for an Agent that was started for the first time, for all checks together.
    type: int
    default: 60
  timeout:
    description: Seconds that one check may take.
    type: int
    default: 60
attributes:
  check_mode:
    description: Can run in check mode, where it runs the checks as ever.
    support: full
  diff_mode:
    description: Returns a difference in diff mode. It changes nothing, so there is none.
    support: none
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

- name: Refuse a check that does not give its metrics
  ansible.builtin.assert:
    that: run.problems | length == 0
    fail_msg: "{{ run.problems | join('\n') }}"
"""

RETURN = r"""
checks:
  description:
    - What each check gave, by its name. C(metrics) are the names of its metrics, sorted; C(errors) are those of its
      instances, or why it did not run.
  returned: always
  type: dict
  sample: {"queue_length": {"metrics": ["queue.length"], "errors": []}}
problems:
  description: A sentence for each check that does not give its metrics, with the reason.
  returned: always
  type: list
  elements: str
  sample: ["the check queue_length gives no queue.length: ConnectionRefusedError: port 6379"]
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
