# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_accounts_info
short_description: Look at databases and accounts of the MySQL or MariaDB server of a host
version_added: 1.0.0
author: Kennel contributors (@kennel)
description:
  - Lists the databases, and accounts that could log in from elsewhere without a password. Refuses users that somebody
    else has made and that would lose rights.
  - Asks by M(community.mysql.mysql_query), as root, through the socket.
options:
  users:
    description: Users as C(mysql_users) of the role C(mysql) has them.
    type: list
    elements: dict
    required: true
  login_unix_socket:
    description: The server's socket.
    type: path
    required: true
attributes:
  check_mode:
    description: Returns in check mode what it returns without it, if the task has C(check_mode=false).
    support: full
  diff_mode:
    description: Changes nothing, so that there is no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Look at the accounts
  kennel.fleet.mysql_accounts_info:
    users: "{{ mysql_users }}"
    login_unix_socket: /run/mysqld/mysqld.sock
  register: looked
"""

RETURN = r"""
open:
  description: Accounts that could log in from elsewhere without a password, each with C(user) and C(host).
  returned: success
  type: list
  elements: dict
  sample: [{user: root, host: "%"}]
databases:
  description: Names of the databases that there are.
  returned: success
  type: list
  elements: str
  sample: [mysql, shop]
"""
