"""Hosts with production settings: addresses are Datadog's own, and nothing refers to the lab.

The scenario production_defaults uses the lab's account, and genuine (KENNEL_GENUINE) a real one.
"""

import json
import os

import pytest
import yaml

# The value of datadog_objects_fleet.
FLEET = os.environ.get("KENNEL_FLEET") or "kennel-genuine" if "KENNEL_GENUINE" in os.environ else "production"


@pytest.fixture
def as_agent(host):
    """Run a command as the Agent's user."""
    with host.sudo("dd-agent"):
        yield host.check_output


def test_package_comes_from_datadogs_repository(host):
    policy = host.run("apt-cache policy datadog-agent").stdout
    installed = policy.split("***")[1].splitlines()
    assert "https://apt.datadoghq.com stable/7" in installed[1]


def test_agent_is_configured_by_site_only(host, site):
    with host.sudo():
        settings = yaml.safe_load(host.file("/etc/datadog-agent/datadog.yaml").content_string)
        found = host.run("grep -rlE 'datadog:8080|packages:8081|kennel[.]test' /etc/datadog-agent /etc/apt")
    assert settings["site"] == site
    assert "dd_url" not in settings
    assert settings["apm_config"] == {"enabled": True, "receiver_port": 8126}
    assert found.stdout == ""


def test_agent_sends_data_with_a_valid_key(as_agent):
    forwarder = json.loads(as_agent("datadog-agent status --json"))["forwarderStats"]
    assert set(forwarder["APIKeyStatus"].values()) == {"API Key valid"}
    assert forwarder["Transactions"]["Success"] > 0


def test_host_has_its_fleets_tag(as_agent, datadog):
    name = as_agent("datadog-agent hostname").strip()
    tags = {host["name"]: set().union(*host["tags_by_source"].values()) for host in datadog("v1/hosts")["host_list"]}
    assert f"kennel_fleet:{FLEET}" in tags[name]


def test_monitors_and_dashboard_exist(datadog):
    monitors = datadog("v1/monitor", monitor_tags=f"kennel_fleet:{FLEET}")
    keys = {tag.removeprefix("kennel_key:") for monitor in monitors for tag in monitor["tags"] if "kennel_key:" in tag}
    assert keys >= {"my_metric", "agent", "mysql", "mysql_user_time"}
    assert any(f"({FLEET})" in dashboard["title"] for dashboard in datadog("v1/dashboard")["dashboards"])
