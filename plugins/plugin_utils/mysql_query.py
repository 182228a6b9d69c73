# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run statements on a host with community.mysql.mysql_query, for action plugins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.plugins.action import ActionBase

Rows = list[list[dict[str, Any]]]


def ask(
    action: ActionBase, task_vars: Mapping[str, Any], login: Mapping[str, Any], password: str, statements: list[str]
) -> tuple[Rows | None, str]:
    """Return the rows of each statement, or None and the error.

    :arg login: as `_mysql.servers.servers` returns it: ``user``, ``socket`` or ``host`` and ``port``, the integration's
        ``ssl`` as ``tls``, and whether to read root's option ``files``.
    """
    tls = login.get("tls") or {}
    arguments = {
        "query": statements,
        "login_user": login.get("user"),
        "login_password": password,
        "login_unix_socket": login.get("socket"),
        "login_host": login.get("host"),
        "login_port": login.get("port"),
        "ca_cert": tls.get("ca"),
        "client_cert": tls.get("cert"),
        "client_key": tls.get("key"),
        "check_hostname": tls.get("check_hostname"),
        "config_file": None if login.get("files") else "/nonexistent",
    }
    given = {name: value for name, value in arguments.items() if value not in (None, "")}
    # Statements contain hashes of passwords, and a module logs its arguments in the host's journal without no_log.
    action._task.no_log, before = True, action._task.no_log
    try:
        answer = action._execute_module("community.mysql.mysql_query", module_args=given, task_vars=dict(task_vars))
    finally:
        action._task.no_log = before
    return answer.get("query_result"), str(answer.get("msg") or "")
