# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""List databases and open accounts of a server. Documented in the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.accounts import account_problems, account_questions
from ansible_collections.kennel.fleet.plugins.plugin_utils.mysql_query import ask

# Accounts that could log in remotely without a password.
OPEN = (
    "SELECT user, host FROM mysql.user "
    "WHERE user IN ('root', '') AND host NOT IN ('localhost', '127.0.0.1', '::1') AND authentication_string = ''"
)
SCHEMAS = "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA"


class ActionModule(ActionBase):
    """Ansible's entry point."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result, variables = super().run(tmp, task_vars), task_vars or {}
        _valid, arguments = self.validate_argument_spec(
            {
                "users": {"type": "list", "elements": "dict", "required": True},
                "login_unix_socket": {"type": "path", "required": True},
            }
        )
        host, users = variables["inventory_hostname"], arguments["users"]
        login = {"socket": arguments["login_unix_socket"], "files": True}
        rows, said = ask(self, variables, login, "", [OPEN, SCHEMAS, *account_questions(users, host)])
        if rows is None:
            problems = [
                f"root cannot read the accounts through mysql_socket: {said.rpartition(']: ')[2]}. Check that path."
            ]
        else:
            problems = account_problems(users, rows[2:])
        if problems or rows is None:
            return {**result, "failed": True, "msg": "\n".join(f"{host}: {problem}" for problem in problems)}
        return {**result, "changed": False, "open": rows[0], "databases": [row["name"] for row in rows[1]]}
