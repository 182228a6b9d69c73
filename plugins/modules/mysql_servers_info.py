# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_servers_info
short_description: Plan the monitoring user of MySQL servers, or test that user
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Queries the version of each server and the privileges of the monitoring user, and plans what the role
    C(datadog_mysql_user) has to do there. Fails if a server does not answer or an account would lose privileges.
  - With O(plans), logs in as the monitoring user and runs the statements of Datadog's integration. Fails if one of them
    fails.
  - Uses M(community.mysql.mysql_query) on the host whose Agent monitors the servers.
options:
  servers:
    description: Servers, as M(kennel.fleet.check_inputs) returns them for the role C(datadog_mysql_user).
    type: list
    elements: dict
    required: true
  passwords:
    description: Password of the monitoring user on each server.
    type: list
    elements: str
    required: true
  login_passwords:
    description: >-
      Password of the account that creates the user on each server. Empty if root needs none. Required without O(plans).
    type: list
    elements: str
  plans:
    description: Plans that this module returned before. If set, the module tests the user.
    type: list
    elements: dict
extends_documentation_fragment: kennel.fleet.datadog_info
attributes:
  check_mode:
    description: Works the same in check mode if the task sets C(check_mode=false), since the module changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Plan the monitoring user of each server
  kennel.fleet.mysql_servers_info:
    servers: "{{ checked.inputs.datadog_mysql_user.servers }}"
    passwords: ["{{ vault_datadog_mysql_user_password }}"]
    login_passwords: [""]
  register: asked

- name: Test the user with the statements of the integration
  kennel.fleet.mysql_servers_info:
    servers: "{{ checked.inputs.datadog_mysql_user.servers }}"
    passwords: ["{{ vault_datadog_mysql_user_password }}"]
    plans: "{{ asked.plans }}"
"""

RETURN = r"""
plans:
  description: Plan for each server, without secrets.
  returned: success
  type: list
  elements: dict
  sample: [{service: mariadb, sha2: false, procedures: 0, answered: true}]
"""
