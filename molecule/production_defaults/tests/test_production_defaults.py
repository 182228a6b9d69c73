"""Production settings, as far as only a lab can test them: certificate checks, and all of inventory/example."""

import json

# Requests a URL, and trusts the host's authorities or, if a second argument is given, only those in that file.
ASK = (
    "import ssl, sys, urllib.request; "
    "context = ssl.create_default_context(cafile=sys.argv[2] if sys.argv[2:] else None); "
    "print(urllib.request.urlopen(sys.argv[1], context=context).status)"
)
OTHER_AUTHORITY = "/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt"


def test_clients_must_trust_the_authority(host):
    for name in ("api", "apt", "keys", "7-99-0-app.agent"):
        page = {"apt": "/dists/stable/InRelease", "keys": "/DATADOG_APT_KEY_C0962C7D.public"}.get(name, "/")
        assert host.run("python3 -c %s %s", ASK, f"https://{name}.datadoghq.com{page}").stdout.strip() == "200"
        refused = host.run("python3 -c %s %s %s", ASK, f"https://{name}.datadoghq.com{page}", OTHER_AUTHORITY)
        assert "CERTIFICATE_VERIFY_FAILED" in refused.stderr


def test_agent_had_no_failed_requests(host):
    forwarder = json.loads(host.run("sudo -u dd-agent datadog-agent status --json").stdout)["forwarderStats"]
    assert forwarder["Transactions"]["Errors"] == 0


def test_hosts_have_the_tags_of_the_example(datadog):
    hosts = {host["name"]: set().union(*host["tags_by_source"].values()) for host in datadog("v1/hosts")["host_list"]}
    assert hosts.keys() == {"web1", "db1"}
    assert all(tags >= {"env:production", "kennel_fleet:production"} for tags in hosts.values())
    assert "role:database" in hosts["db1"] - hosts["web1"]


def test_all_objects_of_the_example_exist(datadog):
    monitors = datadog("v1/monitor", monitor_tags="kennel_fleet:production")
    keys = {tag.removeprefix("kennel_key:") for monitor in monitors for tag in monitor["tags"] if "kennel_key:" in tag}
    assert keys >= {"my_metric", "mysql", "mysql_user_time", "errors", "disk", "mysql_alone"}
    assert len(datadog("v1/dashboard")["dashboards"]) == 2
    assert len(datadog("v2/downtime")["data"]) == 2
