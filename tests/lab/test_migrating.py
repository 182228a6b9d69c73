"""A host that the official role set up, migrated with the variables in docs/migrating.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from conftest import ROOT

HOST = "fresh2"
PASSWORD = "geheim-in-a-check"
CHECK = """from datadog_checks.base import AgentCheck


class QueueDepth(AgentCheck):
    def check(self, instance):
        self.gauge("queue_depth", 7, tags=instance["tags"])
"""
# Variables as users of the official role have them. {code} is the path of the check's file.
OFFICIAL = """
datadog_url: http://datadog:8080
datadog_apt_repo: "deb [signed-by=/usr/share/keyrings/datadog-archive-keyring.gpg] http://packages:8081/ stable 7"
datadog_agent_version: "7.99.0~lab-1"
datadog_agent_allow_downgrade: false
datadog_enabled: true
datadog_additional_groups: adm, systemd-journal
datadog_disable_untracked_checks: true
datadog_additional_checks: [memcached]
datadog_config:
  hostname: moved.kennel.test
  tags: [role:shop, owner:team-a]
  log_level: warn
  apm_config: {apm_dd_url: "http://datadog:8080", ignore_resources: [GET /health]}
datadog_checks:
  queue_depth:
    init_config:
    instances:
      - {min_collection_interval: 20, tags: ["queue:mail"], password: "PASSWORD"}
  app:
    init_config:
    instances:
    logs: [{type: file, path: /var/log/app.log, service: app, source: app}]
datadog_custom_checks:
  queue_depth: "{code}"
"""
# As role version 5.6 leaves a host: files, owners, modes, contents. Unlisted checks and the oldest form are manual.
LAY_DOWN = """set -eu
# The names of the lab's network come a moment after its hosts.
timeout 60 sh -c 'until getent hosts packages; do sleep 1; done'
dpkg --purge datadog-agent </dev/null
rm -rf /etc/datadog-agent /opt/datadog-agent /etc/apt/sources.list.d/*datadog*
install -m 0644 /dev/stdin /etc/apt/sources.list.d/ansible_datadog_custom.list <<'END'
deb [signed-by=/usr/share/keyrings/datadog-archive-keyring.gpg] http://packages:8081/ stable 7
END
key=http://packages:8081/DATADOG_APT_KEY_CURRENT.public
python3 -c 'import sys, urllib.request as r; print(r.urlopen(sys.argv[1]).read().decode())' $key |
    sed '1,/^$/d; /^[=-]/,$d' | base64 --decode >/usr/share/keyrings/datadog-archive-keyring.gpg
touch /usr/share/keyrings/datadog-archive-keyring.gpg~
apt-get update </dev/null
apt-get install --yes datadog-agent=1:7.99.0~lab-1 </dev/null
usermod --append --groups adm dd-agent
cd /etc/datadog-agent
install -o dd-agent -g dd-agent -m 0640 /dev/stdin datadog.yaml <<'END'
# Ansible managed

site: datadoghq.com

dd_url: http://datadog:8080

api_key: API_KEY


remote_updates: True

apm_config:
    apm_dd_url: http://datadog:8080
    ignore_resources:
    - GET /health
hostname: moved.kennel.test
log_level: warn
tags:
- role:shop
- owner:team-a

END
install -o root -g dd-agent -m 0640 /dev/stdin system-probe.yaml <<'END'
# Ansible managed

END
install -o dd-agent -g dd-agent -m 0644 /dev/stdin install_info <<'END'
---
install_method:
  tool: ansible
  tool_version: ansible-2.19.14
  installer_version: datadog_role-5.6.0
END
for check in queue_depth app memcached nginx; do
    install -d -o dd-agent -g dd-agent -m 0755 conf.d/$check.d
    install -o dd-agent -g dd-agent -m 0640 /dev/stdin conf.d/$check.d/conf.yaml <<'END'
# Ansible managed

init_config: null
instances: null
logs: []
END
done
cp -p conf.d/app.d/conf.yaml conf.d/app.yaml
install -o dd-agent -g dd-agent -m 0755 /dev/stdin checks.d/queue_depth.py <<'END'
CHECK
END
systemctl restart datadog-agent
"""
LOOK = """
cat /etc/datadog-agent/datadog.yaml
echo ---
cat /etc/datadog-agent/conf.d/queue_depth.d/conf.yaml
echo ---
cat /etc/datadog-agent/conf.d/app.d/conf.yaml
echo ---
cd /etc/datadog-agent
printf '"%s"\\n' "$(find conf.d -name '*.yaml*' ! -name '*.default' ! -name '*.example' | sort | xargs)"
echo ---
printf '"%s"\\n' "$(id -nG dd-agent)"
echo ---
printf '"%s"\\n' "$(grep -h packages /etc/apt/sources.list /etc/apt/sources.list.d/*)"
echo ---
printf '"%s"\\n' "$(dpkg-query -Wf '${Version}' datadog-agent)"
"""


@dataclass
class Moved:
    """The runs on the host, and its state afterwards."""

    check: Any
    first: Any
    second: Any
    settings: dict[str, Any]
    queue: dict[str, Any]
    app: dict[str, Any]
    files: str
    groups: str
    entries: str
    version: str


@pytest.fixture(scope="module")
def variables(lab, tmp_path_factory) -> dict[str, Any]:
    """Write the official role's variables, and next to them the file printed in docs/migrating.md."""
    code = tmp_path_factory.mktemp("files") / "queue_depth.py"
    code.write_text(CHECK, encoding="utf-8")
    official = yaml.safe_load(OFFICIAL.replace("{code}", str(code)).replace("PASSWORD", PASSWORD))
    text = (ROOT / "docs" / "migrating.md").read_text(encoding="utf-8")
    return official | yaml.safe_load(re.search(r"^```yaml\n(# group_vars.*?)^```", text, re.MULTILINE | re.DOTALL)[1])


@pytest.fixture(scope="module")
def moved(lab, variables):
    """A migrated host of the official role. It is bare again afterwards."""
    key = (lab.state / "secrets" / "api_key").read_text(encoding="utf-8").strip()
    laid = lab.on(HOST, LAY_DOWN.replace("API_KEY", key).replace("CHECK", CHECK.rstrip("\n")))
    assert laid.returncode == 0, laid.stderr[-2000:]

    def hosts(*arguments):
        return lab.play("hosts", f"--limit={HOST}", "--diff", *arguments, extra=variables)

    runs = hosts("--check"), hosts(), hosts()
    yield Moved(*runs, *yaml.safe_load_all(lab.on(HOST, LOOK).stdout))
    lab.on(HOST, "dpkg --purge datadog-agent; rm -rf /etc/datadog-agent /opt/datadog-agent")


def test_migration_succeeds_as_check_mode_predicts(moved):
    assert moved.check.status == 0, moved.check.output[-3000:]
    assert moved.first.status == 0, moved.first.output[-3000:]
    assert moved.check.changed_tasks() == moved.first.changed_tasks()


def test_second_run_changes_nothing(moved):
    assert moved.second.status == 0, moved.second.output[-3000:]
    assert moved.second.changed_tasks() == []


def test_one_repository_entry_remains_and_the_version_is_kept(lab, moved):
    assert (
        moved.entries
        == "deb [signed-by=/usr/share/keyrings/datadog-archive-keyring.gpg] http://packages:8081/ stable 7"
    )
    assert moved.version == "1:7.99.0~lab-1"
    assert lab.on(HOST, "apt-get update").returncode == 0


def test_datadog_yaml_keeps_its_settings_and_adds_explicit_defaults(moved, variables):
    said = {
        **variables["datadog_config"],
        "site": "datadoghq.com",
        "dd_url": "http://datadog:8080",
        "remote_updates": True,
    }
    settings = dict(moved.settings)
    assert len(settings.pop("api_key")) == 32
    assert set(said.pop("tags")) < set(settings.pop("tags"))
    apm = said.pop("apm_config")
    assert settings.pop("apm_config") == {**apm, "enabled": True, "receiver_port": 8126}
    assert settings == {**said, "use_dogstatsd": True, "dogstatsd_port": 8125}


def test_checks_keep_their_configurations_and_no_others_run(moved, variables):
    queue, app = variables["datadog_checks"]["queue_depth"], variables["datadog_checks"]["app"]
    assert moved.queue == {**queue, "init_config": {}}
    assert moved.app == {**app, "init_config": {}, "instances": []}
    assert moved.files.split() == [
        "conf.d/app.d/conf.yaml",
        "conf.d/memcached.d/conf.yaml",
        "conf.d/nginx.d/conf.yaml.disabled",
        "conf.d/queue_depth.d/conf.yaml",
    ]


def test_agent_runs_with_its_users_groups(lab, moved):
    assert moved.groups.split() == ["dd-agent", "adm", "systemd-journal"]
    lines = lab.on(
        HOST, "cat /proc/$(systemctl show -P MainPID datadog-agent)/status; id -G dd-agent"
    ).stdout.splitlines()
    [has] = [line.split()[1:] for line in lines if line.startswith("Groups:")]
    assert set(has) == set(lines[-1].split())


def test_check_submits_its_metric(lab, moved):
    assert '"queue_depth"' in lab.on(HOST, "runuser -u dd-agent -- datadog-agent check queue_depth --json").stdout


def test_output_contains_no_secrets(lab, moved):
    output = moved.check.output + moved.first.output + moved.second.output
    assert [secret[:4] for secret in [PASSWORD, *lab.secrets()] if secret in output] == []
    assert "(changed)" not in output


def test_new_group_alone_causes_a_restart(lab, moved, variables):
    def started():
        return lab.on(HOST, "systemctl show -P ActiveEnterTimestampMonotonic datadog-agent").stdout

    before = started()
    extra = {**variables, "datadog_additional_groups": ["adm", "systemd-journal", "games"]}
    check, run = [lab.play("hosts", f"--limit={HOST}", *mode, extra=extra) for mode in (["--check"], [])]
    assert (check.status, run.status) == (0, 0)
    assert check.changed_tasks() == run.changed_tasks() != []
    assert started() != before


def test_missing_group_is_refused_before_any_change(lab, moved, variables):
    run = lab.play("preflight", f"--limit={HOST}", extra={**variables, "datadog_additional_groups": "adm,no_such"})
    assert run.status != 0
    assert f"{HOST}: datadog_agent_groups: the group 'no_such' does not exist on the host" in run.output
