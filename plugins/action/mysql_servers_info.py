# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plan the monitoring user of MySQL servers, or test that user. Documented in the module of the same name."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.accounts import account_questions
from ansible_collections.kennel.fleet.plugins.module_utils._mysql.servers import ABOUT, plans
from ansible_collections.kennel.fleet.plugins.plugin_utils.mysql_query import ask


class ActionModule(ActionBase):
    """Ansible's entry point."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result, variables = super().run(tmp, task_vars), task_vars or {}
        _valid, arguments = self.validate_argument_spec(
            {
                "servers": {"type": "list", "elements": "dict", "required": True},
                "passwords": {"type": "list", "elements": "str", "required": True, "no_log": True},
                "login_passwords": {"type": "list", "elements": "str", "no_log": True},
                "plans": {"type": "list", "elements": "dict"},
            }
        )
        if arguments["plans"] is None:
            known = self._plans(arguments, variables)
            # In check mode, a fresh host has no server yet.
            problems = [
                f"the server of {server['label']} {plan['problem']}"
                for server, plan in zip(arguments["servers"], known, strict=True)
                if plan["problem"] and (plan["answered"] or not variables["ansible_check_mode"])
            ]
        else:
            known, problems = arguments["plans"], self._unproven(arguments, variables)
        if problems:
            host = variables["inventory_hostname"]
            return {**result, "failed": True, "msg": "\n".join(f"{host}: {problem}" for problem in problems)}
        return {**result, "changed": False, "plans": known}

    def _plans(self, arguments: dict[str, Any], variables: dict[str, Any]) -> list[dict[str, Any]]:
        answers = []
        secrets = zip(arguments["passwords"], arguments["login_passwords"], strict=True)
        for server, (password, login_password) in zip(arguments["servers"], secrets, strict=True):
            create = server["create"]
            accounts = account_questions([{**server, "password": password}], server["salted"]) if create else []
            answers.append(
                ask(self, variables, server["login"], login_password if create else password, [*ABOUT, *accounts])
            )
        return plans(arguments["servers"], answers)

    def _unproven(self, arguments: dict[str, Any], variables: dict[str, Any]) -> list[str]:
        problems = []
        for server, password, plan in zip(
            arguments["servers"], arguments["passwords"], arguments["plans"], strict=True
        ):
            rows, said = ask(self, variables, server["user"], password, plan["statements"])
            if rows is None:
                problems.append(
                    f"a statement of the integration failed for {server['label']}: {said}. Check the user's password "
                    "and grants and, if it is a CALL, datadog_mysql_user_dbm_schemas."
                )
        return problems
