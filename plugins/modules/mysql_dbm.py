# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prepare a MySQL or MariaDB server for Database Monitoring, or undo that."""

from __future__ import annotations

DOCUMENTATION = r"""
module: mysql_dbm
short_description: Prepare a MySQL or MariaDB server for Datadog Database Monitoring
version_added: 0.1.0
description:
  - Configures the server, enables its statement consumers, and creates the schema and the procedures that the Agent
    uses to explain statements.
  - If the configuration files of the server already contain all settings, the module leaves them alone. Otherwise it
    writes a separate file. It restarts the server only if a setting in effect is lower than the desired one.
  - If the text of a procedure differs, the module replaces it. Accounts that may execute it keep that right.
  - The module logs in through the socket of the server.
author: Kennel contributors (@kennel)
options:
  state:
    description:
      - V(absent) removes the file and the procedures that this module created, and the schema C(datadog) if it is empty
        then. It does not restart the server, so settings stay in effect until the next restart.
    type: str
    choices: [present, absent]
    default: present
  settings:
    description: Settings for the section C(mysqld) of the server's configuration.
    type: dict
    default: {}
  settings_file:
    description:
      - The file to write if the other files of the server do not contain all settings. Its folder must exist.
      - Required with V(state=present). Without it, V(state=absent) leaves the settings alone, since another server of
        this host may read the same file.
    type: path
  service:
    description: The systemd service of the server, without the suffix C(.service).
    type: str
    required: true
  schemas:
    description: The schemas whose statements the Agent may explain. They must exist.
    type: list
    elements: str
    default: []
  pending:
    description:
      - Settings that an earlier task writes, and with which it restarts the server. Only check mode uses them, since
        neither has happened then.
    type: dict
    default: {}
  login_unix_socket:
    description: The socket of the server.
    type: path
    default: /run/mysqld/mysqld.sock
  login_user:
    description: The account to log in with.
    type: str
    default: root
    version_added: 1.0.0
  login_password:
    description: The password of the account, if O(config_file) does not contain it.
    type: str
    version_added: 1.0.0
  config_file:
    description: The file with root's password, if root needs one. The file does not have to exist.
    type: path
    default: ~/.my.cnf
requirements:
  - PyMySQL
attributes:
  check_mode:
    support: full
    description: Reports what would change and changes nothing, even if the server is not installed yet.
  diff_mode:
    support: full
    description: Shows the differences in the file and in each procedure.
"""

EXAMPLES = r"""
- name: Prepare the server for Database Monitoring
  kennel.fleet.mysql_dbm:
    settings:
      performance_schema: "ON"
      max_digest_length: 4096
    settings_file: /etc/mysql/mysql.conf.d/zz-kennel-dbm.cnf
    service: mysql
    schemas: [shop]
"""

RETURN = r"""
actions:
  description: What the module did, or would do in check mode.
  returned: always
  type: list
  elements: str
  sample: [restart mysql, create `datadog`.`explain_statement`]
"""

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.kennel.fleet.plugins.module_utils._host import safe_files
from ansible_collections.kennel.fleet.plugins.module_utils._mysql import dbm as mysql_dbm
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.masking import masked_diff
from ansible_collections.kennel.fleet.plugins.module_utils._secrets.yaml_files import HEADER

PYMYSQL_ERROR = None
try:
    import pymysql
except ImportError:
    pymysql = None
    PYMYSQL_ERROR = traceback.format_exc()

ROUTINES = """SELECT routine_schema, routine_name, routine_comment, security_type, routine_definition
FROM information_schema.routines WHERE routine_type = 'PROCEDURE'
AND (routine_comment LIKE %s OR routine_name = 'explain_statement' OR routine_schema = %s)"""
GRANTEES = """SELECT user, host FROM mysql.procs_priv
WHERE db = %s AND routine_name = %s AND routine_type = 'PROCEDURE' AND proc_priv LIKE '%%Execute%%'"""
CONTENTS = """SELECT table_name FROM information_schema.tables WHERE table_schema = %s
UNION SELECT routine_name FROM information_schema.routines WHERE routine_schema = %s
UNION SELECT event_name FROM information_schema.events WHERE event_schema = %s"""


class Server:
    """Compares the server on this host with what is wanted, and changes it."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.params = module.params
        self.actions: list[str] = []
        self.diffs: list[dict[str, str]] = []
        pending = self.params["pending"] if module.check_mode else {}
        self.pending = {name.replace("-", "_"): str(value) for name, value in pending.items()}
        self.before: str | None = None  # the content of the settings file before this run changed it
        self.connect()
        self.version = self.query("SELECT VERSION()")[0][0]

    def connect(self) -> None:
        password = self.params["login_password"]
        self.connection = pymysql.connect(
            unix_socket=self.params["login_unix_socket"],
            user=self.params["login_user"],
            # Arguments take precedence over the file.
            **({"password": password} if password else {}),
            read_default_file=self.params["config_file"],
            charset="utf8mb4",
            autocommit=True,
        )

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return [tuple(value.decode() if isinstance(value, bytes) else value for value in row) for row in cursor]

    def change(self, action: str, *statements: str, label: str = "", before: str = "", after: str = "") -> None:
        """Record a change and, unless in check mode, make it."""
        self.actions.append(action)
        if label:
            self.diffs.append(masked_diff(label, before, after, {}))
        for statement in () if self.module.check_mode else statements:
            self.query(statement)

    def present(self) -> None:
        problem = mysql_dbm.version_problem(self.version)
        if problem:
            self.module.fail_json(msg=problem)
        self.refuse_missing_schemas()
        self.write_settings()
        self.restart_if_needed()
        self.create_procedures()
        self.enable_consumers()

    def absent(self) -> None:
        schema = mysql_dbm.SCHEMA
        path = self.params["settings_file"]
        # The file goes first: once there are no procedures, no later run looks for it.
        said = safe_files.remove_file(self.module, path) if path else None
        if said is not None:
            self.change(f"remove {path}", label=path, before=said)
        ours = [item for item in self.procedures() if item.ours]
        self.remove(ours)
        gone = {item.name for item in ours if item.schema == schema}
        # A schema in which this module created nothing belongs to somebody else.
        if gone and not {name for (name,) in self.query(CONTENTS, schema, schema, schema)} - gone:
            self.change(f"drop schema {schema}", f"DROP SCHEMA IF EXISTS `{schema}`")

    def options_given(self) -> dict[str, str]:
        sbin = ["/usr/sbin"]
        program = self.module.get_bin_path("mariadbd", opt_dirs=sbin) or self.module.get_bin_path("mysqld", True, sbin)
        said = self.module.run_command([program, "--print-defaults"], check_rc=True)[1]
        return mysql_dbm.options_given(said) | self.pending

    def write_settings(self) -> None:
        """Write the settings file, unless the other files of the server contain all settings."""
        path, settings = self.params["settings_file"], self.params["settings"]
        before = safe_files.read_text(path)
        if not before and not mysql_dbm.lacking(settings, self.options_given()):
            return
        after = mysql_dbm.settings_text(settings, HEADER)
        if safe_files.ensure_file(self.module, path, after, owner="root", group="root", mode="0644"):
            self.before = before
            self.change(f"write {path}", label=path, before=before, after=after)
        lacking = [] if self.module.check_mode else mysql_dbm.lacking(settings, self.options_given())
        if lacking:
            self.restore_settings()
            self.module.fail_json(
                msg=f"A file that the server reads after {path} overrides it: {', '.join(lacking)}. The server was not "
                "restarted. Remove these settings from that file. If the role mysql wrote them, change mysql_settings."
            )

    def restore_settings(self) -> None:
        """Restore the settings file after a failure: as long as there are no procedures, no run would remove it."""
        path = self.params["settings_file"]
        if self.before:
            safe_files.ensure_file(self.module, path, self.before, owner="root", group="root", mode="0644")
        elif self.before is not None:
            safe_files.remove_file(self.module, path)

    def running_settings_lacking(self) -> list[str]:
        running = {name.lower(): value for name, value in self.query("SHOW GLOBAL VARIABLES")}
        return mysql_dbm.lacking(mysql_dbm.for_restart(self.params["settings"]), running | self.pending)

    def restart_if_needed(self) -> None:
        if not self.running_settings_lacking():
            return
        service = self.params["service"]
        self.change(f"restart {service}")
        if self.module.check_mode:
            return
        systemctl = self.module.get_bin_path("systemctl", required=True)
        status, out, err = self.module.run_command([systemctl, "restart", f"{service}.service"])
        if status != 0:
            self.restore_settings()
            self.module.run_command([systemctl, "restart", f"{service}.service"])
            self.module.fail_json(
                msg=f"{service} did not restart with datadog_mysql_user_dbm_settings: {(err or out).strip()}. "
                f"{self.params['settings_file']} was restored. On the host, 'journalctl -u {service} -n 50' shows why."
            )
        self.connect()
        lacking = self.running_settings_lacking()
        if lacking:
            self.restore_settings()
            self.module.fail_json(
                msg=f"{service} was restarted, but {', '.join(lacking)}. "
                "On the host, check the options in its unit and the settings that SET PERSIST has stored."
            )

    def procedures(self) -> list[mysql_dbm.Found]:
        rows = self.query(ROUTINES, f"{mysql_dbm.MARK} %", mysql_dbm.SCHEMA)
        return [mysql_dbm.Found(*(value or "" for value in row)) for row in rows]

    def schemas(self) -> set[str]:
        return {name for (name,) in self.query("SELECT schema_name FROM information_schema.schemata")}

    def refuse_missing_schemas(self) -> None:
        there = self.schemas()
        missing = [name for name in self.params["schemas"] if name not in there]
        # In check mode, an earlier task may not have created them.
        if missing and not self.module.check_mode:
            self.module.fail_json(
                msg=f"This server does not have the schema {', '.join(missing)}. Create it, for example with "
                "mysql_databases, or remove it from datadog_mysql_user_dbm_schemas."
            )

    def create_procedures(self) -> None:
        if mysql_dbm.SCHEMA not in self.schemas():
            self.change(f"create schema {mysql_dbm.SCHEMA}", f"CREATE SCHEMA IF NOT EXISTS `{mysql_dbm.SCHEMA}`")
        found = self.procedures()
        differing, stale = mysql_dbm.compare(mysql_dbm.wanted_procedures(self.params["schemas"]), found)
        self.remove(stale)
        bodies = {item.place: item.body for item in found}
        for wanted in differing:
            there = wanted.place in bodies
            grantees = self.query(GRANTEES, wanted.schema, wanted.name) if there else []
            self.change(
                f"{'replace' if there else 'create'} {wanted.place}",
                *([f"DROP PROCEDURE IF EXISTS {wanted.place}"] if there else []),
                wanted.create(unless_there=mysql_dbm.skips_what_is_there(self.version)),
                # Dropping a procedure revokes its grants.
                *(f"GRANT EXECUTE ON PROCEDURE {wanted.place} TO {self.account(*names)}" for names in grantees),
                label=wanted.place,
                before=bodies.get(wanted.place, ""),
                after=wanted.body,
            )

    def account(self, user: str, host: str) -> str:
        # Roles of MariaDB have no host.
        at = f"@{self.connection.escape(host)}" if host else ""
        return f"{self.connection.escape(user)}{at}"

    def remove(self, procedures: list[mysql_dbm.Found]) -> None:
        for item in procedures:
            statement = f"DROP PROCEDURE IF EXISTS {item.place}"
            self.change(f"drop {item.place}", statement, label=item.place, before=item.body)

    def enable_consumers(self) -> None:
        off = self.query("SELECT name FROM performance_schema.setup_consumers WHERE enabled = 'NO'")
        if {name for (name,) in off} & set(mysql_dbm.CONSUMERS):
            procedure = mysql_dbm.enabling()
            self.change("enable the consumers", f"CALL {procedure.place}()")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"choices": ["present", "absent"], "default": "present"},
            "settings": {"type": "dict", "default": {}},
            "settings_file": {"type": "path"},
            "service": {"required": True},
            "schemas": {"type": "list", "elements": "str", "default": []},
            "pending": {"type": "dict", "default": {}},
            "login_unix_socket": {"type": "path", "default": "/run/mysqld/mysqld.sock"},
            "login_user": {"default": "root"},
            "login_password": {"no_log": True},
            "config_file": {"type": "path", "default": "~/.my.cnf"},
        },
        required_if=[("state", "present", ["settings_file"])],
        supports_check_mode=True,
    )
    if pymysql is None:
        if module.check_mode:
            module.exit_json(changed=True, actions=[])
        module.fail_json(msg=missing_required_lib("PyMySQL"), exception=PYMYSQL_ERROR)
    try:
        server = Server(module)
    except pymysql.MySQLError as error:
        # In check mode, a new host has no server yet: a real run would make all changes.
        if module.check_mode:
            module.exit_json(changed=True, actions=[])
        socket = module.params["login_unix_socket"]
        user = module.params["login_user"]
        module.fail_json(msg=f"{user} cannot log in through {socket}: {error}. Check datadog_mysql_user_socket.")
    try:
        with safe_files.refusals(module):
            getattr(server, module.params["state"])()
    except pymysql.MySQLError as error:
        module.fail_json(
            msg=f"The server refused a statement after {', '.join(server.actions) or 'no change'}: {error}. "
            "If this is a read-only replica, run the role on its source first: replication copies the changes."
        )
    module.exit_json(changed=bool(server.actions), actions=server.actions, diff=server.diffs)


if __name__ == "__main__":
    main()
