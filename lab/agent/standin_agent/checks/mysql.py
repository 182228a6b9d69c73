"""The metrics of the MySQL integration's own dashboards, under their real names, and `mysql.can_connect`."""

from contextlib import closing
from typing import Any

import psutil
import pymysql
from datadog_checks.base import AgentCheck, ConfigurationError

LOCAL = ("localhost", "127.0.0.1", "::1")
SERVER_NAMES = ("mysqld", "mariadbd")

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
    "mysql.performance.table_locks_waited.rate": "Table_locks_waited",
    "mysql.innodb.data_reads": "Innodb_data_reads",
    "mysql.innodb.data_writes": "Innodb_data_writes",
    "mysql.innodb.os_log_fsyncs": "Innodb_os_log_fsyncs",
}
GAUGES = {
    "mysql.net.max_connections": "Max_used_connections",
    "mysql.net.max_connections_available": "max_connections",
    "mysql.performance.threads_running": "Threads_running",
    "mysql.performance.threads_connected": "Threads_connected",
    "mysql.performance.table_locks_waited": "Table_locks_waited",
    "mysql.performance.open_files": "Open_files",
}


class MySqlCheck(AgentCheck):
    def __init__(self, name: str, init_config: dict[str, Any], instances: list[dict[str, Any]]) -> None:
        super().__init__(name, init_config, instances)
        self._sock = str(self.instance.get("sock") or "")
        self._host = str(self.instance.get("host") or "")
        self._port = int(self.instance.get("port") or (0 if self._sock else 3306))
        if not (self._sock or self._host) or not self.instance.get("username"):
            raise ConfigurationError("mysql needs `host` or `sock`, and `username`")
        if self.instance.get("password"):
            self.register_secret(self.instance["password"])

    def check(self, _instance: dict[str, Any]) -> None:
        port = f"port:{self._port or 'unix_socket'}"
        tags = [f"server:{self._sock or self._host}", port]
        try:
            connection = pymysql.connect(
                **({"unix_socket": self._sock} if self._sock else {"host": self._host, "port": self._port}),
                user=self.instance["username"],
                password=str(self.instance.get("password") or ""),
                connect_timeout=int(self.instance.get("connect_timeout") or 10),
                read_timeout=30,
            )
        except Exception as error:
            self.service_check("mysql.can_connect", self.CRITICAL, tags=tags, message=str(error))
            raise
        with closing(connection), connection.cursor() as cursor:
            self.service_check("mysql.can_connect", self.OK, tags=tags)
            found: dict[str, str] = {}
            for statement in ("SHOW GLOBAL VARIABLES", "SHOW GLOBAL STATUS"):
                cursor.execute(statement)
                found.update(cursor.fetchall())
        # MariaDB from 10.8 on counts the log's fsyncs with all others only: there this is the upper bound.
        found.setdefault("Innodb_os_log_fsyncs", found.get("Innodb_data_fsyncs", "0"))
        flavor = "mariadb" if "mariadb" in found["version"].lower() else "mysql"
        self._submit(found, [port, f"dbms_flavor:{flavor}"])

    def _submit(self, found: dict[str, str], tags: list[str]) -> None:
        for submit, names in ((self.rate, RATES), (self.gauge, GAUGES)):
            for metric, name in names.items():
                if name in found:
                    submit(metric, float(found[name]), tags=tags)
        if buffer := float(found.get("key_buffer_size", 0)):
            unused = float(found["Key_blocks_unused"]) * float(found["key_cache_block_size"])
            self.gauge("mysql.performance.key_cache_utilization", 1 - unused / buffer, tags=tags)
        page = float(found["Innodb_page_size"])
        total, free = (float(found[f"Innodb_buffer_pool_pages_{name}"]) * page for name in ("total", "free"))
        self.gauge("mysql.innodb.buffer_pool_total", total, tags=tags)
        self.gauge("mysql.innodb.buffer_pool_free", free, tags=tags)
        self.gauge("mysql.innodb.buffer_pool_used", total - free, tags=tags)
        self.gauge("mysql.innodb.buffer_pool_utilization", (total - free) / total, tags=tags)
        # A scan, since the server's pid file may be unreadable for the Agent. A lab host runs one server.
        local = (process for process in psutil.process_iter(["name"]) if process.info["name"] in SERVER_NAMES)
        if (self._sock or self._host in LOCAL) and (process := next(local, None)):
            times = process.cpu_times()
            self.rate("mysql.performance.user_time", times.user, tags=tags)
            self.rate("mysql.performance.kernel_time", times.system, tags=tags)
            self.rate("mysql.performance.cpu_time", times.user + times.system, tags=tags)
