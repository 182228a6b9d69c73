# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The metrics of the MySQL integration's own dashboards, under their real names, and `mysql.can_connect`."""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import Any

import psutil
import pymysql
from datadog_checks.base import AgentCheck, ConfigurationError, is_affirmative

LOCAL = ("localhost", "127.0.0.1", "::1")
SERVER_NAMES = ("mysqld", "mariadbd")
# How far a server's start by its own uptime may lie from that of its process: it recovers before it counts.
START_TOLERANCE = 120.0

RATES = {
    "mysql.net.connections": "Connections",
    "mysql.net.aborted_connects": "Aborted_connects",
    "mysql.net.aborted_clients": "Aborted_clients",
    "mysql.performance.queries": "Queries",
    "mysql.performance.questions": "Questions",
    "mysql.performance.slow_queries": "Slow_queries",
    "mysql.performance.com_select": "Com_select",
    "mysql.performance.com_insert": "Com_insert",
    "mysql.performance.com_update": "Com_update",
    "mysql.performance.com_delete": "Com_delete",
    "mysql.performance.bytes_received": "Bytes_received",
    "mysql.performance.bytes_sent": "Bytes_sent",
    "mysql.performance.created_tmp_tables": "Created_tmp_tables",
    "mysql.innodb.data_reads": "Innodb_data_reads",
    "mysql.innodb.data_writes": "Innodb_data_writes",
    "mysql.innodb.os_log_fsyncs": "Innodb_os_log_fsyncs",
}
GAUGES = {
    "mysql.net.max_connections": "Max_used_connections",
    "mysql.performance.threads_running": "Threads_running",
    "mysql.performance.threads_connected": "Threads_connected",
    "mysql.performance.table_locks_waited": "Table_locks_waited",
    "mysql.performance.open_files": "Open_files",
}


class MySqlCheck(AgentCheck):
    def __init__(self, name: str, init_config: dict[str, Any], instances: list[dict[str, Any]]) -> None:
        super().__init__(name, init_config, instances)
        self._sock = str(self.instance.get("sock") or "")
        self._host = str(self.instance.get("host") or self.instance.get("server") or "")
        self._port = int(self.instance.get("port") or (0 if self._sock else 3306))
        self._user = str(self.instance.get("username") or self.instance.get("user") or "")
        self._password = str(self.instance.get("password") or self.instance.get("pass") or "")
        if not (self._sock or self._host) or not self._user:
            raise ConfigurationError("mysql needs `host` or `sock`, and `username`")
        if self._password:
            self.register_secret(self._password)

    def check(self, _instance: dict[str, Any]) -> None:
        tags = [f"server:{self._sock or self._host}", f"port:{self._port or 'unix_socket'}"]
        try:
            connection = self._connect()
        except Exception as error:
            self.service_check("mysql.can_connect", self.CRITICAL, tags=tags, message=str(error))
            raise
        with closing(connection):
            self.service_check("mysql.can_connect", self.OK, tags=tags)
            status = self._pairs(connection, "SHOW GLOBAL STATUS")
            variables = self._pairs(connection, "SHOW GLOBAL VARIABLES")
        flavor = "mariadb" if "mariadb" in variables["version"].lower() else "mysql"
        # MariaDB from 10.8 on counts the log's fsyncs with all others only: there this is the upper bound.
        status.setdefault("Innodb_os_log_fsyncs", status.get("Innodb_data_fsyncs", "0"))
        self._submit(status, variables, [f"port:{self._port or 'unix_socket'}", f"dbms_flavor:{flavor}"])

    def _connect(self) -> Any:
        tls = self.instance.get("ssl")
        options: dict[str, Any] = {
            "user": self._user,
            "password": self._password,
            "connect_timeout": int(self.instance.get("connect_timeout") or 10),
            "read_timeout": 30,
            "ssl": {k: v for k, v in tls.items() if k in ("ca", "cert", "key", "check_hostname")} if tls else None,
        }
        if self._sock:
            return pymysql.connect(unix_socket=self._sock, **options)
        return pymysql.connect(host=self._host, port=self._port, **options)

    @staticmethod
    def _pairs(connection: Any, statement: str) -> dict[str, str]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return dict(cursor.fetchall())

    def _submit(self, status: dict[str, str], variables: dict[str, str], tags: list[str]) -> None:
        for submit, names in ((self.rate, RATES), (self.gauge, GAUGES)):
            for metric, name in names.items():
                if name in status:
                    submit(metric, float(status[name]), tags=tags)
        self.rate("mysql.performance.table_locks_waited.rate", float(status["Table_locks_waited"]), tags=tags)
        self.gauge("mysql.net.max_connections_available", float(variables["max_connections"]), tags=tags)
        buffer = float(variables.get("key_buffer_size") or 0)
        if buffer and "Key_blocks_unused" in status:
            unused = float(status["Key_blocks_unused"]) * float(variables["key_cache_block_size"])
            self.gauge("mysql.performance.key_cache_utilization", 1 - unused / buffer, tags=tags)
        if "Innodb_buffer_pool_pages_total" in status:
            page = float(status["Innodb_page_size"])
            total = float(status["Innodb_buffer_pool_pages_total"]) * page
            free = float(status["Innodb_buffer_pool_pages_free"]) * page
            self.gauge("mysql.innodb.buffer_pool_total", total, tags=tags)
            self.gauge("mysql.innodb.buffer_pool_free", free, tags=tags)
            self.gauge("mysql.innodb.buffer_pool_used", total - free, tags=tags)
            self.gauge("mysql.innodb.buffer_pool_utilization", (total - free) / total if total else 0.0, tags=tags)
        if not is_affirmative(self.instance.get("disable_process_metrics", False)):
            self._process_times(float(status["Uptime"]), tags)

    def _process_times(self, uptime: float, tags: list[str]) -> None:
        if not self._sock and self._host not in LOCAL:
            return
        process = server_process(time.time() - uptime)
        if process is None:
            self.log.debug("no process of the server found: no CPU times")
            return
        times = process.cpu_times()
        self.rate("mysql.performance.user_time", times.user, tags=tags)
        self.rate("mysql.performance.kernel_time", times.system, tags=tags)
        self.rate("mysql.performance.cpu_time", times.user + times.system, tags=tags)


def server_process(started: float) -> psutil.Process | None:
    """The local server's process: of those of this PID namespace, the one that started nearest to `started`.

    The pid file may be unreadable for the Agent, and where containers run the list of processes has their servers
    too: a nested namespace shows as a second number in NSpid, and the server's own uptime tells siblings apart.
    """
    candidates = []
    for process in psutil.process_iter(["name", "create_time"]):
        if process.info["name"] in SERVER_NAMES and _in_our_namespace(process.pid):
            candidates.append((abs(process.info["create_time"] - started), process.pid, process))
    nearest = min(candidates, default=None)
    return nearest[2] if nearest and nearest[0] <= START_TOLERANCE else None


def _in_our_namespace(pid: int) -> bool:
    def depth(who: int | str) -> int:
        with open(f"/proc/{who}/status", encoding="utf-8", errors="replace") as lines:
            return next((len(line.split()) for line in lines if line.startswith("NSpid:")), 0)

    try:
        return depth(pid) == depth(os.getpid())
    except OSError:
        return False  # It ended meanwhile.
