"""Real MySQL, of the newest series, observed as its own server demands it."""

import json


def sql(host, statement):
    with host.sudo():
        return host.run("mysql -N -e %s", statement).stdout.strip()


def test_server_is_real_mysql(host):
    assert "mariadb" not in sql(host, "SELECT VERSION()").lower()
    assert int(sql(host, "SELECT VERSION()").split(".")[0]) >= 9


def test_user_logs_in_with_the_current_method(host):
    assert sql(host, "SELECT plugin FROM mysql.user WHERE user = 'datadog'") == "caching_sha2_password"
    assert sql(host, "SELECT max_user_connections FROM mysql.user WHERE user = 'datadog'") == "5"


def test_user_may_read_and_no_more(host):
    grants = sql(host, "SHOW GRANTS FOR 'datadog'@'localhost'")
    assert "REPLICATION CLIENT" in grants
    assert "PROCESS" in grants
    assert "SELECT ON `performance_schema`" in grants
    assert "INSERT" not in grants


def test_agent_connects(host):
    status = json.loads(host.run("sudo -u dd-agent datadog-agent status --json").stdout)
    instances = status["runnerStats"]["Checks"]["mysql"]
    assert [instance["LastError"] for instance in instances.values()] == [""]
