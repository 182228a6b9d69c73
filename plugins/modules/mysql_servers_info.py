# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_servers_info
short_description: Ask MySQL servers what they are, or prove a monitoring user
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Asks each server for its version and for the rights of the monitoring user, and plans from the answers what the role
    C(datadog_mysql_user) does there. Fails where a server does not answer, or an account would lose rights.
  - With O(plans), logs in as the monitoring user and runs what Datadog's integration runs. Fails if a statement fails.
  - Asks by M(community.mysql.mysql_query), on the host whose Agent observes the servers.
options:
  servers:
    description: Servers as M(kennel.fleet.check_inputs) returns them for the role C(datadog_mysql_user).
    type: list
    elements: dict
    required: true
  passwords:
    description: The monitoring user's password on each server.
    type: list
    elements: str
    required: true
  login_passwords:
    description: >-
      Password of who creates the user on each server, empty where root needs none. Required without O(plans).
    type: list
    elements: str
  plans:
    description: What this module returned before. Then it proves the user.
    type: list
    elements: dict
attributes:
  check_mode:
    description: Returns in check mode what it returns without it, if the task has C(check_mode=false).
    support: full
  diff_mode:
    description: Changes nothing, so that there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Ask each server what it is
  kennel.fleet.mysql_servers_info:
    servers: "{{ checked.inputs.datadog_mysql_user.servers }}"
    passwords: ["{{ vault_datadog_mysql_user_password }}"]
    login_passwords: [""]
  register: asked

- name: Run what the integration runs, as the user
  kennel.fleet.mysql_servers_info:
    servers: "{{ checked.inputs.datadog_mysql_user.servers }}"
    passwords: ["{{ vault_datadog_mysql_user_password }}"]
    plans: "{{ asked.plans }}"
"""

RETURN = r"""
plans:
  description: For each server what to do there, without secrets.
  returned: success
  type: list
  elements: dict
  sample: [{service: mariadb, sha2: false, procedures: 0, answered: true}]
"""
