"""What a user would look for on a host that site.yml has set up."""

import json

import pytest
import yaml


@pytest.fixture
def settings(host):
    with host.sudo():
        return yaml.safe_load(host.file("/etc/datadog-agent/datadog.yaml").content_string)


def variables(host):
    return host.ansible.get_variables()


def test_agent_runs_now_and_after_a_reboot(host):
    agent = host.service("datadog-agent")
    assert agent.is_running
    assert agent.is_enabled


def test_agent_says_its_version(host):
    assert "7.99.0" in host.run("sudo -u dd-agent datadog-agent version").stdout


def test_configuration_is_private_to_the_agent(host):
    with host.sudo():
        for path in ("/etc/datadog-agent/datadog.yaml", "/etc/datadog-agent/conf.d/my_metric.d/conf.yaml"):
            found = host.file(path)
            assert (found.user, found.group, found.mode) == ("dd-agent", "dd-agent", 0o640)


def test_tags_come_from_the_inventory(host, settings):
    assert {"ansible_group:monitored", "env:lab"} <= set(settings["tags"])


def test_agent_reports_under_the_name_that_it_was_given(host):
    wanted = variables(host).get("datadog_agent_hostname") or host.run("hostname").stdout.strip()
    assert host.run("sudo -u dd-agent datadog-agent hostname").stdout.strip() == wanted


def test_my_metric_runs_every_45_seconds(host):
    with host.sudo():
        conf = yaml.safe_load(host.file("/etc/datadog-agent/conf.d/my_metric.d/conf.yaml").content_string)
    assert [instance["min_collection_interval"] for instance in conf["instances"]] == [45]


def test_my_metric_lies_between_0_and_1000(host):
    runs = json.loads(host.run("sudo -u dd-agent datadog-agent check my_metric --json").stdout)
    values = [point[1] for run in runs for metric in run["aggregator"]["metrics"] for point in metric["points"]]
    assert values
    assert all(0 <= value <= 1000 for value in values)


def test_no_check_has_an_error(host):
    status = json.loads(host.run("sudo -u dd-agent datadog-agent status --json").stdout)
    checks = status["runnerStats"]["Checks"]
    errors = [check["LastError"] for instances in checks.values() for check in instances.values() if check["LastError"]]
    assert "my_metric" in checks
    assert errors == []


def test_database_answers_root_through_the_socket_alone(host):
    if "mysql" not in variables(host)["group_names"]:
        assert not host.socket("unix:///run/mysqld/mysqld.sock").is_listening
        return
    with host.sudo():
        assert host.run("mysql -N -e 'SELECT @@performance_schema'").stdout.strip() == "1"
    assert host.run("mysql -u root -h 127.0.0.1 -e 'SELECT 1'").rc != 0
    assert not host.socket("tcp://0.0.0.0:3306").is_listening


def test_datadog_user_has_the_rights_it_needs_and_no_others(host):
    if "mysql" not in variables(host)["group_names"]:
        return
    with host.sudo():
        grants = host.run("mysql -N -e \"SHOW GRANTS FOR 'datadog'@'localhost'\"").stdout
    assert "PROCESS" in grants
    assert "performance_schema" in grants
    for right in ("ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "SUPER", "GRANT OPTION"):
        assert right not in grants
    assert "MAX_USER_CONNECTIONS 5" in grants
