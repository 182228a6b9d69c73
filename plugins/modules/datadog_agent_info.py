# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: datadog_agent_info
short_description: Get the status of the Datadog Agent on a host
version_added: 0.1.0
author: Kennel contributors (@kennel)
description:
  - Returns whether the Agent is running, when it was started, the host name under which it reports, and what it says
    about its API key, its deliveries and its checks. Requires root, since only the Agent's user may query it.
  - Does not fail if the host has no Agent or the Agent does not answer. An Agent that was just started has 30 seconds
    to answer.
  - Can first send requests to services on the host, so that the Agent receives traces from them.
options:
  requests:
    description:
      - URLs of services, as seen from the host. The module requests each one three times. Any response produces a
        trace, even an error.
    type: list
    elements: str
    default: []
    version_added: 1.0.0
extends_documentation_fragment: kennel.fleet.datadog_info
seealso:
  - module: kennel.fleet.datadog_verify
"""

EXAMPLES = r"""
- name: Get the status of the Agent
  kennel.fleet.datadog_agent_info:
  become: true
  register: agent

- name: Send requests to a traced service, then get the status of the Agent
  kennel.fleet.datadog_agent_info:
    requests: ["http://127.0.0.1:5050/"]
  become: true

- name: Show the errors of checks
  ansible.builtin.debug:
    var: agent.checks
"""

RETURN = r"""
active:
  description: Whether the service C(datadog-agent) is running.
  returned: always
  type: bool
since:
  description: Time of its last start in seconds since the epoch, by the host's clock. V(0) if it is not running.
  returned: always
  type: float
  sample: 1764000000.25
hostname:
  description: Host name under which the Agent reports. Empty if unknown.
  returned: always
  type: str
  sample: web1.example.com
key:
  description:
    - The Agent's status of its API key, or of the worst one if it has several. Empty if unknown. For a key that Datadog
      rejects, it is V(API Key invalid). The Agent validates its keys when it starts and then every hour.
  returned: always
  type: str
  sample: API Key valid
delivery:
  description:
    - Number of failed deliveries since the Agent was started, by HTTP status and by type of failure, such as
      V(DNSErrors). Empty if nothing is queued for a retry and nothing was rejected.
  returned: always
  type: dict
  sample: {"503": 12, "ConnectionErrors": 3}
checks:
  description: Error of each check whose last run failed, or that the Agent could not load or configure, by check name.
  returned: always
  type: dict
  sample: {"mysql": "Access denied for user 'datadog'@'localhost'"}
requested:
  description: Time of the first of O(requests) in seconds since the epoch, by the host's clock. None without requests.
  returned: always
  type: float
  sample: 1764000120.5
  version_added: 1.0.0
unanswered:
  description: Errors of requests that had no response or an unsuccessful one, by URL.
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
# Timeout of the Agent's command line in seconds.
PATIENCE = 30
# Seconds after its start during which an Agent may not answer yet.
YOUNG = 30
# Number of requests to each URL, and the timeout of each in seconds.
TIMES = 3
ANSWER = 10


def send(addresses: list[str]) -> dict[str, str]:
    """Request each URL, and return the error of each that had no response or an unsuccessful one."""
    if not addresses:
        return {}
    # Few hosts have services to request, so these are not imported for the others.
    import http.client
    import urllib.request

    # The services are on this host: do not use a proxy.
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
        # There is no event to wait for: the Agent answers once it has created the files that its command line needs.
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
