# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_agent_info
short_description: Ask a host's Datadog Agent for its status
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Tells whether the Agent of the host runs, since when, under which name it reports, and what it says of its API key,
    of what it sends and of its checks. Needs root, since only the Agent's own user may ask it.
  - A host without an Agent, or whose Agent does not answer, is not a failure. An Agent that was just started is given
    half a minute to answer.
  - Can send requests to services of the host first, so that the Agent has traces of them.
options:
  requests:
    description:
      - Addresses of services as the host itself has them. Each is asked three times. Any answer makes a trace, also an
        error.
    type: list
    elements: str
    default: []
    version_added: 1.0.0
attributes:
  check_mode:
    description: Can run in check mode, where it asks as ever.
    support: full
  diff_mode:
    description: Returns a difference in diff mode. It changes nothing, so there is none.
    support: none
seealso:
  - module: kennel.fleet.datadog_verify
"""

EXAMPLES = r"""
- name: Ask the Agent for its status
  kennel.fleet.datadog_agent_info:
  become: true
  register: agent

- name: Send requests to a traced service, and ask the Agent for its status
  kennel.fleet.datadog_agent_info:
    requests: ["http://127.0.0.1:5050/"]
  become: true

- name: Show the errors of its checks
  ansible.builtin.debug:
    var: agent.checks
"""

RETURN = r"""
active:
  description: Whether the service C(datadog-agent) runs.
  returned: always
  type: bool
since:
  description: When it was last started, in seconds of the epoch by the host's clock; V(0) if it does not run.
  returned: always
  type: float
  sample: 1764000000.25
hostname:
  description: Name under which the Agent reports, empty where it does not say.
  returned: always
  type: str
  sample: web1.example.com
key:
  description:
    - What the Agent says of its API key, of several keys the worst, empty where it does not say. A key that Datadog
      refuses is V(API Key invalid); the Agent asks when it starts, and every hour.
  returned: always
  type: str
  sample: API Key valid
delivery:
  description:
    - How often the Agent could not deliver since its start, by HTTP status and by kind of failure, such as
      V(DNSErrors). Empty where nothing waits to be sent again and nothing was refused.
  returned: always
  type: dict
  sample: {"503": 12, "ConnectionErrors": 3}
checks:
  description:
    - Error of each check whose last run failed, or that the Agent could not load or configure, by the check's name.
  returned: always
  type: dict
  sample: {"mysql": "Access denied for user 'datadog'@'localhost'"}
requested:
  description:
    - When the first of O(requests) was sent, in seconds of the epoch by the host's clock; null without any.
  returned: always
  type: float
  sample: 1764000120.5
  version_added: 1.0.0
unanswered:
  description: Why a request had no answer, or another one than success, by its address.
  returned: always
  type: dict
  sample: {"http://127.0.0.1:5050/": "Connection refused"}
  version_added: 1.0.0
"""

import json
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kennel.fleet.plugins.module_utils._host import agent_answers
from ansible_collections.kennel.fleet.plugins.module_utils._host.systemd_unit import read_unit
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.names import public_text

USER = "dd-agent"
# Seconds that the Agent's command line may take.
PATIENCE = 30
# Seconds after its start in which an Agent may not answer yet.
YOUNG = 30
# How often each address is asked, and how many seconds an answer may take.
TIMES = 3
ANSWER = 10


def send(addresses: list[str]) -> dict[str, str]:
    """Ask each address for its page, and return why one had no answer, or an error for one."""
    if not addresses:
        return {}
    # Few hosts have services to ask.
    import http.client
    import urllib.request

    # The services are on this host: no proxy is to stand between.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    failed = {}
    for address in TIMES * addresses:
        try:
            with opener.open(address, timeout=ANSWER) as answer:
                answer.read()
        except (OSError, ValueError, http.client.HTTPException) as error:
            failed[address] = public_text(str(error))
    return failed


def main() -> None:
    module = AnsibleModule(
        argument_spec={"requests": {"type": "list", "elements": "str", "default": []}}, supports_check_mode=True
    )
    addresses = module.params["requests"]
    requested = time.time() if addresses else None
    unanswered = send(addresses)
    unit = read_unit(module, "datadog-agent.service")

    def ask(*verb: str) -> str:
        prefix = ["runuser", "-u", USER, "--", "timeout", str(PATIENCE), "datadog-agent"]
        code, out, _err = module.run_command([*prefix, *verb], environ_update={"LC_ALL": "C.UTF-8"})
        return out if code == 0 else ""

    def answer() -> Any:
        try:
            return json.loads(ask("status", "--json"))
        except ValueError:
            return {}

    status = answer() if unit.active else {}
    while unit.active and not status and time.time() - unit.since < YOUNG:
        # There is nothing to wait on: the Agent answers once it has created the files that its command line needs.
        time.sleep(2)
        status = answer()
    module.exit_json(
        changed=False,
        active=unit.active,
        since=unit.since,
        hostname=ask("hostname").strip(),
        key=agent_answers.key_status(status),
        delivery=agent_answers.delivery_failures(status),
        # An error may quote an address with its password.
        checks={name: public_text(text) for name, text in agent_answers.check_errors(status).items()},
        requested=requested,
        unanswered=unanswered,
    )


if __name__ == "__main__":
    main()
