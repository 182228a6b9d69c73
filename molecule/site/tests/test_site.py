"""A host that site.yml has set up."""

import json
import re

import pytest
import yaml


@pytest.fixture
def settings(host):
    with host.sudo():
        return yaml.safe_load(host.file("/etc/datadog-agent/datadog.yaml").content_string)


def variables(host):
    return host.ansible.get_variables()


@pytest.fixture
def traced(host):
    """Return a host with the app."""
    if "apm" not in variables(host)["group_names"]:
        # Some hosts of the scenario intentionally have no app.
        pytest.skip("the app is for hosts in the group apm")
    return host


@pytest.fixture
def database(host):
    """Return a host with a MySQL server."""
    if "mysql" not in variables(host)["group_names"]:
        # Some hosts of the scenario intentionally have no server.
        pytest.skip("MySQL is for hosts in the group mysql")
    return host


def test_agent_runs_and_starts_at_boot(host):
    agent = host.service("datadog-agent")
    assert agent.is_running
    assert agent.is_enabled


def test_agent_has_the_expected_version(host):
    assert "7.99.0" in host.run("sudo -u dd-agent datadog-agent version").stdout


def test_only_the_agent_can_read_its_configuration(host):
    with host.sudo():
        for path in ("/etc/datadog-agent/datadog.yaml", "/etc/datadog-agent/conf.d/my_metric.d/conf.yaml"):
            found = host.file(path)
            assert (found.user, found.group, found.mode) == ("dd-agent", "dd-agent", 0o640)


def test_tags_come_from_the_inventory(host, settings):
    assert {"ansible_group:monitored", "env:lab"} <= set(settings["tags"])


def test_agent_reports_the_configured_hostname(host):
    wanted = variables(host).get("datadog_agent_hostname") or host.run("hostname").stdout.strip()
    assert host.run("sudo -u dd-agent datadog-agent hostname").stdout.strip() == wanted


def test_my_metric_runs_every_45_seconds(host):
    with host.sudo():
        conf = yaml.safe_load(host.file("/etc/datadog-agent/conf.d/my_metric.d/conf.yaml").content_string)
    assert [instance["min_collection_interval"] for instance in conf["instances"]] == [45]


def test_my_metric_is_between_0_and_1000(host):
    runs = json.loads(host.run("sudo -u dd-agent datadog-agent check my_metric --json").stdout)
    values = [point[1] for run in runs for metric in run["aggregator"]["metrics"] for point in metric["points"]]
    assert values
    assert all(0 <= value <= 1000 for value in values)


def test_checks_have_no_errors(host):
    status = json.loads(host.run("sudo -u dd-agent datadog-agent status --json").stdout)
    checks = status["runnerStats"]["Checks"]
    errors = [check["LastError"] for instances in checks.values() for check in instances.values() if check["LastError"]]
    assert "my_metric" in checks
    assert errors == []


def test_agent_accepts_traces_and_dogstatsd_metrics(settings):
    assert settings["apm_config"] == {"enabled": True, "receiver_port": 8126, "apm_dd_url": settings["dd_url"]}
    assert (settings["use_dogstatsd"], settings["dogstatsd_port"]) == (True, 8125)


def test_app_runs_and_starts_at_boot_only_in_group_apm(host):
    app, wanted = host.service("flask_apm"), "apm" in variables(host)["group_names"]
    assert (app.is_running, app.is_enabled) == (wanted, wanted)


def test_database_only_runs_in_group_mysql(host):
    wanted = "mysql" in variables(host)["group_names"]
    assert host.socket("unix:///run/mysqld/mysqld.sock").is_listening == wanted


def test_app_runs_as_its_own_user(traced):
    assert {process.user for process in traced.process.filter(comm="gunicorn")} == {"flask_apm"}
    assert traced.user("flask_apm").shell == "/usr/sbin/nologin"


def test_app_only_listens_on_loopback(traced):
    assert traced.socket("tcp://127.0.0.1:5050").is_listening
    assert not traced.socket("tcp://0.0.0.0:5050").is_listening
    ask = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=30).read().decode())"
    answers = {
        path: traced.check_output("python3 -c %s %s", ask, f"http://127.0.0.1:5050{path}").strip()
        for path in ("/", "/api/apm", "/api/trace", "/health", "/api/mysql")
    }
    assert answers["/"] == "Entrypoint to the Application"
    assert answers["/api/apm"] == "Getting APM Started"
    assert answers["/api/trace"] == "Posting Traces"
    assert json.loads(answers["/health"]) == {"status": "ok"}
    assert json.loads(answers["/api/mysql"])["user"] == "flask_apm@localhost"


def test_app_logs_trace_ids(traced):
    with traced.sudo():
        lines = traced.check_output("journalctl -u flask_apm -o cat -n 200").splitlines()
    asked = [line for line in lines if "GET /api/mysql 200" in line]
    assert asked
    assert re.search(r"dd\.service=flask-apm dd\.env=lab dd\.version=1\.0\.0 dd\.trace_id=[0-9a-f]{32} ", asked[-1])


def test_app_can_only_read_its_credentials(traced):
    with traced.sudo():
        credentials = traced.file("/etc/flask_apm.yaml")
        assert (credentials.user, credentials.group, credentials.mode) == ("flask_apm", "flask_apm", 0o600)
        assert traced.run("find /opt/flask_apm -not -user root -o -perm /022 -not -type l").stdout == ""
        assert traced.run("systemd-analyze security --threshold=30 flask_apm").rc == 0


def test_database_only_accepts_root_through_the_socket(database):
    with database.sudo():
        assert database.run("mysql -N -e 'SELECT @@performance_schema'").stdout.strip() == "1"
    assert database.run("mysql -u root -h 127.0.0.1 -e 'SELECT 1'").rc != 0
    assert not database.socket("tcp://0.0.0.0:3306").is_listening


def test_database_is_debian_13s(database):
    assert database.system_info.codename == "trixie"
    with database.sudo():
        assert database.run("mysql -N -e 'SELECT VERSION()'").stdout.startswith("11.8.")


def test_datadog_user_only_has_the_required_privileges(database):
    with database.sudo():
        grants = database.run("mysql -N -e \"SHOW GRANTS FOR 'datadog'@'localhost'\"").stdout
    assert "PROCESS" in grants
    assert "performance_schema" in grants
    for right in ("ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "SUPER", "GRANT OPTION"):
        assert right not in grants
    assert "MAX_USER_CONNECTIONS 5" in grants
