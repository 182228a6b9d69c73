"""Secrets in roles' inputs are never shown: not with -vvv, not in a diff, not when a task fails."""

from __future__ import annotations

import pytest

SHOP = {"name": "shop", "password": "shops-own-password", "priv": "shop.*:ALL"}
CHECK = {
    "name": "my_metric",
    "source": "my_metric.py",
    "metrics": ["my_metric"],
    "secrets": {
        "instances.0.community": "checks-own-community",
        "instances.0.headers": {"X-Custom": "checks-own-header"},
        "instances.0.url": "http://db1/?token=checks-own-token",
    },
}
# Left there by somebody else, in a different YAML style.
FORMER = """
instances: [{headers: {Authorization: formers-own-header}, 'api-key': "formers-own-key", port: 8080}]
# - authKey: formers-own-snmp
#   connection_string: Server=db1;Pwd=formers-own-password
"""


@pytest.mark.parametrize(
    ("user", "check", "said"),
    [
        (SHOP, CHECK, "failed=0"),
        # A privilege on a single database that only the server refuses.
        ({**SHOP, "priv": "shop.*:PROCESS"}, CHECK, "a user of mysql_users could not be created"),
        (SHOP, {**CHECK, "metrics": ["nope"]}, "the check my_metric does not report nope"),
    ],
    ids=["in order", "bad rights", "check without its metric"],
)
def test_secrets_in_inputs_are_never_shown(lab, user, check, said):
    extra = {
        "mysql_databases": [{"name": "shop"}],
        "mysql_users": [user],
        "datadog_custom_check_checks": [check],
        "datadog_agent_secrets": {"additional_endpoints": {"https://app.datadoghq.eu": ["second-accounts-key"]}},
    }
    folder = "/etc/datadog-agent/conf.d/my_metric.d"
    lab.on("fresh1", f"mkdir -p {folder}; cat >{folder}/conf.yaml <<'END'\n{FORMER}END\n")
    run = lab.play("hosts", "--limit=fresh1", "--diff", "-vvv", extra=extra)
    assert said in run.output
    # If the run reaches the check, its previous configuration is shown.
    assert ("port: 8080" in run.output) == (user == SHOP)
    for secret in ("shops-own", "checks-own", "second-accounts-key", "formers-own"):
        assert secret not in run.output
