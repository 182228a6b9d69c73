"""Monitoring of real MySQL, in the newest series, and of the distribution's MariaDB, with Database Monitoring."""

import json

import pytest
import yaml

VIA = {"socket": "--protocol=socket", "tcp": "--protocol=tcp --host=127.0.0.1"}
PREPARED = {"events_statements_current", "events_statements_history", "events_statements_history_long"}
CONSUMERS = "SELECT name FROM performance_schema.setup_consumers WHERE enabled = 'YES'"


def sql(host, statement, delimiter=";"):
    with host.sudo():
        return host.run("mysql --delimiter=%s -N -e %s", delimiter, statement).stdout.strip()


def is_mysql(host):
    return host.ansible.get_variables().get("mysql_flavour") == "mysql"


@pytest.fixture(params=VIA)
def as_user(host, request):
    """Return a function that runs a statement as the Agent's database user."""
    config = yaml.safe_load(host.run("sudo cat /etc/datadog-agent/conf.d/mysql.d/conf.yaml").stdout)
    password = config["instances"][0]["password"]
    command = f"MYSQL_PWD=%s mysql {VIA[request.param]} --user=datadog --batch --raw -N -e %s"
    return lambda statement: host.run(command, password, statement)


@pytest.fixture
def table(host):
    """Create the application's tables, and a function that changes one of them."""
    sql(host, "SET GLOBAL log_bin_trust_function_creators = 1; DROP TABLE IF EXISTS shop.goods, shop.sales")
    sql(host, "CREATE TABLE shop.goods (id INT PRIMARY KEY); INSERT INTO shop.goods VALUES (1), (2)")
    sql(host, "CREATE TABLE shop.sales (id INT); DROP FUNCTION IF EXISTS shop.sold")
    sql(
        host,
        "CREATE FUNCTION shop.sold() RETURNS INT DETERMINISTIC BEGIN INSERT INTO shop.sales VALUES (1); RETURN 1; END",
        delimiter="//",
    )


def test_requested_server_is_installed(host):
    version = sql(host, "SELECT VERSION()")
    assert ("MariaDB" not in version) is is_mysql(host)
    assert int(version.split(".")[0]) >= (9 if is_mysql(host) else 10)


def test_user_uses_the_current_authentication_plugin(host):
    method = sql(host, "SELECT plugin FROM mysql.user WHERE user = 'datadog'")
    assert method == ("caching_sha2_password" if is_mysql(host) else "mysql_native_password")
    assert sql(host, "SELECT host FROM mysql.user WHERE user = 'datadog'") == "localhost"
    assert sql(host, "SELECT max_user_connections FROM mysql.user WHERE user = 'datadog'") == "10"


def test_user_may_only_read_and_explain(host):
    grants = sql(host, "SHOW GRANTS FOR 'datadog'@'localhost'")
    assert ("REPLICATION CLIENT" if is_mysql(host) else "BINLOG MONITOR, SLAVE MONITOR") in grants
    assert sorted(line.split(" TO ")[0] for line in grants.splitlines()[1:]) == [
        "GRANT EXECUTE ON PROCEDURE `shop`.`explain_statement`",
        "GRANT EXECUTE ON `datadog`.*",
        "GRANT SELECT ON `mysql`.`innodb_index_stats`",
        "GRANT SELECT ON `performance_schema`.*",
    ]


def test_settings_and_consumers_survive_a_restart(host):
    with host.sudo():
        assert host.run("systemctl restart %s", "mysql" if is_mysql(host) else "mariadb").rc == 0
    settings = dict(line.split("\t") for line in sql(host, "SHOW GLOBAL VARIABLES").splitlines() if "\t" in line)
    assert settings["performance_schema"] == "ON"
    lengths = ("max_digest_length", "performance_schema_max_digest_length", "performance_schema_max_sql_text_length")
    assert [settings[name] for name in lengths] == ["4096"] * 3
    assert PREPARED | {"events_waits_current"} <= set(sql(host, CONSUMERS).split())


@pytest.mark.parametrize(
    "statement",
    [
        *(f"SELECT COUNT(*) FROM performance_schema.{table}" for table in sorted(PREPARED)),
        "SELECT COUNT(*) FROM performance_schema.events_statements_summary_by_digest",
        "SELECT COUNT(*) FROM performance_schema.events_waits_current",
        CONSUMERS,
    ],
)
def test_user_can_read_the_tables_of_database_monitoring(as_user, statement):
    done = as_user(statement)
    assert done.rc == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize(
    "call",
    [
        "USE shop; CALL explain_statement('SELECT * FROM goods WHERE id > 1')",
        "USE shop; CALL explain_statement('UPDATE goods SET id = 3 WHERE id = 1')",
        "CALL datadog.explain_statement('SELECT * FROM shop.goods')",
    ],
)
def test_user_can_explain_statements(as_user, table, call):
    done = as_user(call)
    assert done.rc == 0, done.stderr
    assert {"query_block", "query_plan"} & set(json.loads(done.stdout))


def test_explain_does_not_change_data(host, as_user, table):
    assert as_user("CALL shop.explain_statement('SELECT * FROM goods WHERE id = sold()')").rc == 0
    assert sql(host, "SELECT COUNT(*) FROM shop.sales") == "0"
    assert sql(host, "SELECT shop.sold(); SELECT COUNT(*) FROM shop.sales").split() == ["1", "1"]


def test_user_can_enable_consumers(host, as_user):
    sql(host, "UPDATE performance_schema.setup_consumers SET enabled = 'NO' WHERE name LIKE 'events_statements_%'")
    done = as_user("CALL datadog.enable_events_statements_consumers()")
    assert done.rc == 0, done.stderr
    assert set(sql(host, CONSUMERS).split()) >= PREPARED


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM shop.goods",
        "INSERT INTO shop.goods VALUES (9)",
        "CREATE TABLE datadog.mine (id INT)",
        "DROP PROCEDURE shop.explain_statement",
        "UPDATE performance_schema.setup_consumers SET enabled = 'NO'",
        "SELECT authentication_string FROM mysql.user",
    ],
)
def test_user_is_denied_everything_else(as_user, table, statement):
    done = as_user(statement)
    assert done.rc != 0
    assert "denied" in done.stderr


def test_agent_connects_to_every_server(host):
    status = json.loads(host.run("sudo -u dd-agent datadog-agent status --json").stdout)
    instances = status["runnerStats"]["Checks"]["mysql"]
    # Its own, the second one on the host with MariaDB, and the other host's.
    assert [instance["LastError"] for instance in instances.values()] == [""] * (2 if is_mysql(host) else 3)
    assert not any(instance["LastWarnings"] for instance in instances.values())


def test_check_reports_index_sizes_and_every_server(host, table):
    sql(host, "CREATE INDEX by_id ON shop.sales (id); ANALYZE TABLE shop.sales")
    said = host.run("sudo -u dd-agent datadog-agent check mysql --json").stdout
    # With several instances, the output starts with a line of text.
    runs = json.loads(said[said.index("[\n") :])
    names = [{metric["metric"] for metric in run["aggregator"]["metrics"]} for run in runs]
    assert "mysql.index.size" in names[0]
    servers = [tag for run in runs for check in run["aggregator"]["service_checks"] for tag in check["tags"]]
    other = host.ansible.get_variables()["groups"]["mysql_real"]
    assert {"server:/run/mysqld/mysqld.sock", "port:unix_socket", "port:3306"} <= set(servers)
    assert {f"server:{name}" for name in other} & set(servers)


def test_configuration_has_the_fields_that_the_integration_requires(host):
    config = yaml.safe_load(host.run("sudo cat /etc/datadog-agent/conf.d/mysql.d/conf.yaml").stdout)
    assert all(instance["host"] and instance["username"] == "datadog" for instance in config["instances"][:-1])
    assert config["instances"][0]["sock"] == "/run/mysqld/mysqld.sock"
    assert (config["instances"][-1]["port"], config["instances"][-1].get("sock")) == (3306, None)
    password = config["instances"][0]["password"]
    assert (len(password), set(map(chr, range(32, 127))) <= set(password)) == (128, True)
