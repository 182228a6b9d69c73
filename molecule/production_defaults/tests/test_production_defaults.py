"""Hosts set up along the main road: what is on them and in Datadog has the real names, and no word of the lab."""

import json
import os
from pathlib import Path

import pytest
import requests
import yaml

STATE = Path(os.environ["KENNEL_STATE"])
# Asks with the certificate's check that any program on the host makes, or with another authority than the lab's.
ASK = (
    "import ssl, sys, urllib.request; "
    "context = ssl.create_default_context(cafile=sys.argv[2] if sys.argv[2:] else None); "
    "print(urllib.request.urlopen(sys.argv[1], context=context).status)"
)
OTHER_AUTHORITY = "/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt"


@pytest.fixture(scope="module")
def datadog():
    """Read the account as any client does."""
    url = json.loads((STATE / "lab.json").read_text(encoding="utf-8"))["datadog"]["url"]
    keys = {name: (STATE / "secrets" / name).read_text(encoding="utf-8") for name in ("api_key", "app_key")}
    session = requests.Session()
    session.trust_env = False
    session.headers.update({"DD-API-KEY": keys["api_key"], "DD-APPLICATION-KEY": keys["app_key"]})
    return lambda path, **params: session.get(f"{url}/api/{path}", params=params, timeout=30).json()


def test_names_are_answered_only_to_who_trusts_the_authority(host):
    for name in ("api", "apt", "keys", "7-99-0-app.agent"):
        page = {"apt": "/dists/stable/InRelease", "keys": "/DATADOG_APT_KEY_C0962C7D.public"}.get(name, "/")
        assert host.run("python3 -c %s %s", ASK, f"https://{name}.datadoghq.com{page}").stdout.strip() == "200"
        refused = host.run("python3 -c %s %s %s", ASK, f"https://{name}.datadoghq.com{page}", OTHER_AUTHORITY)
        assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr


def test_package_is_from_the_real_address(host):
    policy = host.run("apt-cache policy datadog-agent").stdout
    installed = policy.split("***")[1].splitlines()
    assert "https://apt.datadoghq.com stable/7" in installed[1]


def test_agent_is_told_a_site_and_no_address(host):
    with host.sudo():
        settings = yaml.safe_load(host.file("/etc/datadog-agent/datadog.yaml").content_string)
        found = host.run("grep -rlE 'datadog:8080|packages:8081|kennel[.]test' /etc/datadog-agent /etc/apt")
    assert settings["site"] == "datadoghq.com"
    assert "dd_url" not in settings
    assert settings["apm_config"] == {"enabled": True, "receiver_port": 8126}
    assert found.stdout == ""


def test_agent_delivers_under_the_real_names(host):
    forwarder = json.loads(host.run("sudo -u dd-agent datadog-agent status --json").stdout)["forwarderStats"]
    assert set(forwarder["APIKeyStatus"].values()) == {"API Key valid"}
    assert forwarder["Transactions"]["Success"] > 0
    assert forwarder["Transactions"]["Errors"] == 0


def test_datadog_knows_the_hosts_by_the_tags_of_the_example(datadog):
    hosts = {host["name"]: set().union(*host["tags_by_source"].values()) for host in datadog("v1/hosts")["host_list"]}
    assert hosts.keys() == {"web1", "db1"}
    assert all(tags >= {"env:production", "kennel_fleet:production"} for tags in hosts.values())
    assert "role:database" in hosts["db1"] - hosts["web1"]


def test_what_watches_them_is_there(datadog):
    monitors = datadog("v1/monitor", monitor_tags="kennel_fleet:production")
    keys = {tag.removeprefix("kennel_key:") for monitor in monitors for tag in monitor["tags"] if "kennel_key:" in tag}
    assert keys >= {"my_metric", "mysql", "mysql_user_time", "errors", "disk"}
    assert len(datadog("v1/dashboard")["dashboards"]) == 2
    assert len(datadog("v2/downtime")["data"]) == 2
