# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_accounts_info
short_description: List databases and open accounts of a MySQL or MariaDB server
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Lists the databases, and the accounts that could log in remotely without a password. Fails for users that somebody
    else created and that would lose privileges.
  - Uses M(community.mysql.mysql_query) as root, through the socket.
options:
  users:
    description: Users in the format of C(mysql_users) of the role C(mysql).
    type: list
    elements: dict
    required: true
  login_unix_socket:
    description: Unix socket of the server.
    type: path
    required: true
extends_documentation_fragment: kennel.fleet.datadog_info
attributes:
  check_mode:
    description: Works the same in check mode if the task sets C(check_mode=false), since the module changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: List databases and open accounts
  kennel.fleet.mysql_accounts_info:
    users: "{{ mysql_users }}"
    login_unix_socket: /run/mysqld/mysqld.sock
  register: looked
"""

RETURN = r"""
open:
  description: Accounts that could log in remotely without a password, each with C(user) and C(host).
  returned: success
  type: list
  elements: dict
  sample: [{user: root, host: "%"}]
databases:
  description: Names of the databases.
  returned: success
  type: list
  elements: str
  sample: [mysql, shop]
"""
