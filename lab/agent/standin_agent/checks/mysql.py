"""The metrics of the MySQL integration's own dashboards, under their real names, and `mysql.can_connect`.

What it refuses, asks and says is what integrations-core does, mysql 15 and 16: config.py, config_models/instance.py,
mysql.py, queries.py and index_metrics.py. Not here: Database Monitoring, custom queries, metrics of replication.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pymysql
from datadog_checks.base import AgentCheck, ConfigurationError, is_affirmative
from datadog_checks.base.utils.db.utils import resolve_db_host

# Where the server's process is looked for. Others have it on another host.
LOCAL = ("localhost", "127.0.0.1", "0.0.0.0")
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


# Asked for every 300 seconds, of so many indexes, the largest; those of a table's partitions count as one, in bytes.
INDEX_INTERVAL, INDEX_LIMIT = 300, 1000
_SIZES = """SELECT database_name AS db, SUBSTRING_INDEX(table_name, '#p#', 1) AS tbl, index_name AS idx,
    SUM(stat_value) * @@innodb_page_size AS bytes FROM mysql.innodb_index_stats WHERE stat_name = 'size'
    GROUP BY db, tbl, idx ORDER BY bytes DESC LIMIT {limit}"""
INDEX_QUERIES = {
    ("mysql.index.size",): _SIZES,
    (
        "mysql.index.reads",
        "mysql.index.updates",
        "mysql.index.deletes",
    ): f"""SELECT db, tbl, idx, count_read, count_update, count_delete
        FROM performance_schema.table_io_waits_summary_by_index_usage JOIN ({_SIZES}) AS known
        ON (object_schema, object_name, index_name) = (db, tbl, idx)""",
}
USERS = """SELECT processlist_user, processlist_host, processlist_db, processlist_state, COUNT(processlist_user)
    FROM performance_schema.threads WHERE processlist_user IS NOT NULL AND processlist_state IS NOT NULL
    GROUP BY processlist_user, processlist_host, processlist_db, processlist_state"""
USER_TAGS = ("processlist_user", "processlist_host", "processlist_db", "processlist_state")
# What the options of sizes add, each with the tags of its rows. They count the tables on which the user has a right.
SIZES = {
    "schema_size_metrics": (
        ("mysql.info.schema.size",),
        ("schema",),
        """SELECT table_schema, IFNULL(SUM(data_length + index_length) / 1048576, 0)
        FROM information_schema.TABLES GROUP BY table_schema""",
    ),
    "table_size_metrics": (
        ("mysql.info.table.index_size", "mysql.info.table.data_size"),
        ("schema", "table"),
        """SELECT table_schema, table_name, IFNULL(index_length / 1048576, 0), IFNULL(data_length / 1048576, 0)
        FROM information_schema.TABLES
        WHERE table_schema NOT IN ('mysql', 'performance_schema', 'information_schema', 'sys')""",
    ),
}
# What `extra_performance_metrics` adds: heavy on a server with many statements.
EXTRA = {
    "mysql.performance.query_run_time.avg": """SELECT CONCAT('schema:', schema_name),
        ROUND(SUM(sum_timer_wait) / SUM(count_star) / 1000000)
        FROM performance_schema.events_statements_summary_by_digest
        WHERE schema_name IS NOT NULL GROUP BY schema_name""",
    "mysql.performance.digest_95th_percentile.avg_us": """SELECT '', ROUND(MAX(avg_timer_wait) / 1000000)
        FROM performance_schema.events_statements_summary_by_digest""",
}
TEXTS = ("host", "sock", "username", "password", "defaults_file", "charset", "reported_hostname", "service")


class MySqlCheck(AgentCheck):
    def __init__(self, name: str, init_config: dict[str, Any], instances: list[dict[str, Any]]) -> None:
        super().__init__(name, init_config, instances)
        given = self.instance
        self._sock = given.get("sock", "")
        self._host = given.get("host", given.get("server", ""))
        self._port = int(given.get("port", 0))
        self._user = given.get("username", given.get("user", ""))
        self._password = str(given.get("password", given.get("pass", "")))
        self._options = given.get("options") or {}
        self._defaults_file = given.get("defaults_file", "")
        if not (self._host and self._user) and not self._defaults_file:
            raise ConfigurationError("mysql needs a host and a username, or a defaults_file instead of both")
        if self._sock and self._host:
            self.log.warning("sock and host are both given: the socket is used")
        if self._password:
            self.register_secret(self._password)
        self._name = str(given.get("reported_hostname") or resolve_db_host(self._host))
        self._tags = [*(given.get("tags") or []), f"database_hostname:{self._name}", f"database_instance:{self._name}"]
        self._tags.append(f"dd.internal.resource:database_instance:{self._name}")
        self._index_asked = float("-inf")

    def check(self, _instance: dict[str, Any]) -> None:
        self._refuse_types()
        with self._connect() as connection, connection.cursor() as cursor:
            found: dict[str, str] = {}
            for statement in ("SHOW GLOBAL VARIABLES", "SHOW GLOBAL STATUS"):
                cursor.execute(statement)
                found.update(cursor.fetchall())
            self._learn(found)
            self._submit(found)
            self._submit_cpu(found, connection)
            self._ask(cursor, found)

    def _refuse_types(self) -> None:
        """What the model refuses. The real one does so at the first run, too, not when the check is made."""
        wrong = [name for name in TEXTS if self.instance.get(name) is not None and type(self.instance[name]) is not str]
        if wrong or any(not isinstance(tag, str) for tag in self.instance.get("tags") or []):
            raise ConfigurationError(f"mysql: {', '.join(wrong) or 'tags'} should be text: put it in quotes")

    @contextmanager
    def _connect(self) -> Iterator[pymysql.connections.Connection]:
        tags = [f"port:{self._port or 'unix_socket'}", *self._tags, f"server:{self._sock or self._host}"]
        where: dict[str, Any] = {"unix_socket": self._sock} if self._sock else {"host": self._host}
        where |= {"port": self._port} if self._port else {}
        where |= {"user": self._user, "password": self._password}
        if self._defaults_file:
            where = {"read_default_file": self._defaults_file}
        given = self.instance
        try:
            connection = pymysql.connect(
                **where,
                ssl=given.get("ssl") or None,
                connect_timeout=given.get("connect_timeout", 10),
                read_timeout=given.get("read_timeout", 30),
                autocommit=True,
            )
        except Exception as error:
            self.service_check("mysql.can_connect", self.CRITICAL, tags=tags, hostname=self._name, message=str(error))
            raise
        with closing(connection):
            self.service_check("mysql.can_connect", self.OK, tags=tags, hostname=self._name)
            yield connection

    def _learn(self, found: dict[str, str]) -> None:
        """Know the server by its kind and, from MySQL, its id, from its first answer on."""
        self._mariadb = "mariadb" in found["version"].lower()
        known = [f"dbms_flavor:{'mariadb' if self._mariadb else 'mysql'}"]
        known += [f"server_uuid:{found['server_uuid']}"] if found.get("server_uuid") and not self._mariadb else []
        self._tags = list(dict.fromkeys([*self._tags, *known]))

    def _ask(self, cursor: Any, found: dict[str, str]) -> None:
        """The other statements, each of which takes a right of its own."""
        on = {name: is_affirmative(found.get(name, "").lower()) for name in ("log_bin", "performance_schema")}
        cursor.execute("SELECT engine FROM information_schema.ENGINES WHERE engine = 'InnoDB' AND support != 'no'")
        if cursor.fetchall():
            self._rows(cursor, "SHOW ENGINE INNODB STATUS", "PROCESS")
            for (value,) in self._rows(
                cursor, "SELECT `count` FROM information_schema.INNODB_METRICS WHERE name = 'lock_deadlocks'"
            ):
                self.monotonic_count("mysql.innodb.deadlocks", value, tags=self._tags, hostname=self._name)
        if on["log_bin"] and is_affirmative(self._options.get("binlog_size_metrics", True)):
            logs = self._rows(cursor, "SHOW BINARY LOGS", "REPLICATION CLIENT")
            self.gauge("mysql.binlog.disk_use", sum(row[1] for row in logs), tags=self._tags, hostname=self._name)
        if is_affirmative(self._options.get("replication", self.instance.get("dbm", False))):
            self._rows(cursor, "SHOW REPLICA STATUS", "REPLICATION CLIENT")
        if on["performance_schema"]:
            for row in self._rows(cursor, USERS):
                tags = [f"{name}:{value}" for name, value in zip(USER_TAGS, row, strict=False)]
                self._gauge("mysql.performance.user_connections", row[-1], tags)
        if on["performance_schema"] and is_affirmative(self._options.get("extra_performance_metrics", False)):
            self._extra(cursor)
        self._submit_sizes(cursor)
        index = self.instance.get("index_metrics") or {}
        interval = index.get("collection_interval", INDEX_INTERVAL)
        if is_affirmative(index.get("enabled", True)) and time.monotonic() - self._index_asked >= interval:
            self._index_asked = time.monotonic()
            limit = int(index.get("limit", INDEX_LIMIT))
            for names, statement in INDEX_QUERIES.items():
                for schema, table, index_name, *values in self._rows(cursor, statement.format(limit=limit)):
                    for name, value in zip(names, values, strict=True):
                        self._gauge(name, value, [f"db:{schema}", f"table:{table}", f"index:{index_name}"])

    def _submit_sizes(self, cursor: Any) -> None:
        for option, (names, tags, statement) in SIZES.items():
            if is_affirmative(self._options.get(option, False)):
                rows = self._rows(cursor, statement)
                if not rows:
                    self.warning("%s: information_schema shows the user no table", option)
                for row in rows:
                    own = [f"{tag}:{value}" for tag, value in zip(tags, row, strict=False)]
                    for name, value in zip(names, row[len(tags) :], strict=True):
                        self._gauge(name, value, own)

    def _extra(self, cursor: Any) -> None:
        self.warning(
            "extra_performance_metrics is deprecated and will go: ask for what it gives by custom_queries instead"
        )
        for name, statement in EXTRA.items():
            for tag, value in self._rows(cursor, statement):
                self._gauge(name, value or 0, [tag] if tag else [])

    def _rows(self, cursor: Any, statement: str, right: str = "") -> list[tuple[Any, ...]]:
        """The rows, or none with a warning that names the right, or with a line in the log: the rest is still asked."""
        try:
            cursor.execute(statement)
            return list(cursor.fetchall())
        except pymysql.MySQLError as error:
            if right:
                self.warning("%s is refused, grant %s: %s", statement, right, error)
            else:
                self.log.error("a query of the mysql check failed: %s", error)
            return []

    def _gauge(self, name: str, value: Any, tags: list[str]) -> None:
        self.gauge(name, float(value), tags=[*self._tags, *tags], hostname=self._name)

    def _submit(self, found: dict[str, str]) -> None:
        for submit, names in ((self.rate, RATES), (self.gauge, GAUGES)):
            for metric, name in names.items():
                if name in found:
                    submit(metric, float(found[name]), tags=self._tags, hostname=self._name)
        if buffer := float(found.get("key_buffer_size", 0)):
            unused = float(found["Key_blocks_unused"]) * float(found["key_cache_block_size"])
            self._gauge("mysql.performance.key_cache_utilization", 1 - unused / buffer, [])
        page = float(found["Innodb_page_size"])
        total, free = (float(found[f"Innodb_buffer_pool_pages_{name}"]) * page for name in ("total", "free"))
        self._gauge("mysql.innodb.buffer_pool_total", total, [])
        self._gauge("mysql.innodb.buffer_pool_free", free, [])
        self._gauge("mysql.innodb.buffer_pool_used", total - free, [])
        self._gauge("mysql.innodb.buffer_pool_utilization", (total - free) / total, [])

    def _submit_cpu(self, found: dict[str, str], connection: Any) -> None:
        if not (self._host in LOCAL or connection.port == 0):
            return
        process = _process(found.get("pid_file", ""))
        times = process.cpu_times() if process else None
        if times and times.user and times.system:
            values = {"user_time": times.user, "kernel_time": times.system, "cpu_time": times.user + times.system}
            for name, value in values.items():
                self.rate(f"mysql.performance.{name}", value, tags=self._tags, hostname=self._name)


def _process(pid_file: str) -> psutil.Process | None:
    """The server's process: by its pid file, which the Agent may not be able to read, or else any server's."""
    try:
        return psutil.Process(int(Path(pid_file).read_text(encoding="utf-8")))
    except (OSError, ValueError, psutil.NoSuchProcess):
        servers = [process for process in psutil.process_iter(["name"]) if process.info["name"] in SERVER_NAMES]
        return servers[-1] if servers else None
