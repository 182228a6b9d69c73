"""Measures how long setting up a host takes, and compares it with the minimum. Prints seconds, CPU seconds and ratios.

    python3 tests/bench.py [--rounds N] [--sizes 1 4] [--official CHECKOUT]

Each size of fleet starts with bare hosts for each method. Ratios are within one run of this script: to an empty play
(the cost of starting Ansible), and to a plain shell script that does the same work in one SSH call. CPU seconds are
those of this machine without the hosts, which are containers. With a checkout of github.com/DataDog/ansible-datadog,
its role does the same work: the Agent, six tags and one custom check.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench_plays import ROOT, Cost, cost, play

STATE = ROOT / ".kennel" / "bench"
SIZES = (1, 4)
EMPTY = "empty play"
# The limits, relative to an empty play on the same number of hosts: seconds, and CPU seconds.
GOALS = {(1, "converged"): (2.0, 2.0), (1, "first"): (3.5, None), (4, "converged"): (2.6, None)}
TAGS = ("env:bench", "team:web", "role:web", "zone:a", "os:linux", "owner:ops")

# The same work as the roles do on a host without MySQL, but without any checks.
SHELL = r"""
set -eu
install -d /usr/share/keyrings
python3 - http://packages:8081/DATADOG_APT_KEY_CURRENT.public /usr/share/keyrings/bench.gpg <<'PY'
import base64, sys, urllib.request
text = urllib.request.urlopen(sys.argv[1]).read().decode()
body = text.split("\n\n", 1)[1].split("\n=", 1)[0].split("\n-----END", 1)[0]
open(sys.argv[2], "wb").write(base64.b64decode(body))
PY
echo 'deb [signed-by=/usr/share/keyrings/bench.gpg] http://packages:8081/ stable 7' \
    > /etc/apt/sources.list.d/datadog.list
if ! dpkg -s datadog-agent > /dev/null 2>&1; then
    apt-get -qq update
    export DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes
    apt-get -qq install -y 'datadog-agent=1:7.99.0~lab-1' > /dev/null
fi
cd /etc/datadog-agent
cat > datadog.yaml <<YAML
api_key: "$KEY"
dd_url: "http://datadog:8080"
tags: ["env:bench"]
YAML
install -d conf.d/my_metric.d checks.d
printf 'instances:\n  - min_collection_interval: 45\n' > conf.d/my_metric.d/conf.yaml
cat > checks.d/my_metric.py <<'PY'
import random
from datadog_checks.base import AgentCheck
class MyMetric(AgentCheck):
    def check(self, instance):
        self.gauge("my_metric", random.uniform(0, 1000))
PY
chown -R dd-agent:dd-agent /etc/datadog-agent
chmod 640 datadog.yaml conf.d/my_metric.d/conf.yaml
systemctl enable --now datadog-agent > /dev/null 2>&1
systemctl restart datadog-agent
# The Agent's first run makes what its command line needs.
until [ -e auth_token ] && [ -e ipc_cert.pem ]; do sleep 0.1; done
runuser -u dd-agent -- datadog-agent check my_metric --json > /dev/null
"""


def playbook(path: str | Path, *arguments: str, mitogen: bool = False) -> Cost:
    """Run a playbook on the benchmark's lab."""
    variables = {"KENNEL_STATE": str(STATE)}
    if mitogen:
        import ansible_mitogen

        strategies = Path(ansible_mitogen.__file__).parent / "plugins" / "strategy"
        variables |= {"ANSIBLE_STRATEGY_PLUGINS": str(strategies), "ANSIBLE_STRATEGY": "mitogen_linear"}
    return play(path, *arguments, variables=variables)


def official(checkout: Path) -> Path:
    """Write the playbook in which Datadog's role does the work of playbooks/hosts.yml."""
    packages = "http://packages:8081/"
    variables = {
        "datadog_agent_version": "1:7.99.0~lab-1",
        "datadog_apt_repo": (f"deb [signed-by=/usr/share/keyrings/datadog-archive-keyring.gpg] {packages} stable 7"),
        "datadog_apt_default_keys": [
            {"key": "DATADOG_APT_KEY_CURRENT", "value": f"{packages}DATADOG_APT_KEY_CURRENT.public"}
        ],
        "datadog_config": {"dd_url": "http://datadog:8080", "tags": list(TAGS)},
        "datadog_checks": {"my_metric": {"init_config": {}, "instances": [{"min_collection_interval": 45}]}},
        "datadog_custom_checks": {"my_metric": str(ROOT / "roles/datadog_custom_check/files/my_metric.py")},
    }
    plays = [{"hosts": "monitored", "become": True, "vars": variables, "roles": [str(checkout.resolve())]}]
    path = STATE / "official.json"
    path.write_text(json.dumps(plays), encoding="utf-8")
    return path


def bare_hosts(count: int) -> dict[str, Any]:
    """Start the benchmark's lab with this number of bare hosts."""
    playbook("playbooks/lab_down.yml", "-e", "lab_keep_image=true")
    variables = {"datadog_tags_literals": list(TAGS), "datadog_tags_variables": {}, "datadog_tags_facts": {}}
    variables |= {"datadog_tags_groups": [], "datadog_tags_fleet": ""}
    names = [f"bench{number}" for number in range(count)]
    hosts = [{"name": name, "node": name, "groups": ["monitored"], "vars": variables} for name in names]
    playbook("playbooks/lab_up.yml", "-e", json.dumps({"lab_hosts": hosts}))
    return json.loads((STATE / "lab.json").read_text(encoding="utf-8"))


def shell(lab: dict[str, Any]) -> Cost:
    """Run the shell script on all hosts at once."""
    key = (STATE / "secrets" / "api_key").read_text(encoding="utf-8").strip()

    def one(host: dict[str, Any]) -> None:
        ssh = ["ssh", "-p", str(host["port"]), "-i", str(STATE / "id_ed25519"), "-o", "BatchMode=yes",
               "-o", f"UserKnownHostsFile={STATE / 'known_hosts'}", f"{host['user']}@{host['address']}"]  # fmt: skip
        script = f"KEY={key}\n{SHELL}"
        subprocess.run([*ssh, "sudo", "sh"], input=script, text=True, check=True, stdout=subprocess.DEVNULL)

    def all_hosts() -> None:
        with ThreadPoolExecutor(len(lab["hosts"])) as pool:
            list(pool.map(one, lab["hosts"]))

    return cost(all_hosts)


def measure(count: int, rounds: int, checkout: Path | None) -> dict[str, Cost]:
    """Return the median costs of each method, for a fleet of this size."""
    costs: dict[str, list[Cost]] = {}

    def note(name: str, found: Cost) -> None:
        costs.setdefault(name, []).append(found)
        print(f"  {count} host(s)  {name:<24} {found.seconds:6.1f} s  {found.cpu:6.1f} s CPU", flush=True)

    for _round in range(rounds):
        lab = bare_hosts(count)
        note("shell, first", shell(lab))
        note("shell, again", shell(lab))
        for mitogen in (False, True):
            bare_hosts(count)
            way = ", mitogen" if mitogen else ""
            note(f"check, bare{way}", playbook("playbooks/hosts.yml", "--check", mitogen=mitogen))
            note(f"first{way}", playbook("playbooks/hosts.yml", mitogen=mitogen))
            note(f"converged{way}", playbook("playbooks/hosts.yml", mitogen=mitogen))
            note(f"check, converged{way}", playbook("playbooks/hosts.yml", "--check", mitogen=mitogen))
            note(f"{EMPTY}{way}", playbook("tests/empty_play.yml", mitogen=mitogen))
        if checkout:
            bare_hosts(count)
            for name in ("official, first", "official, converged"):
                note(name, playbook(official(checkout)))
    return {name: Cost(*(median(found, part) for part in ("seconds", "cpu"))) for name, found in costs.items()}


def median(costs: list[Cost], part: str) -> float:
    return statistics.median(getattr(one, part) for one in costs)


def table(results: dict[int, dict[str, Cost]]) -> list[str]:
    """Return the results as lines of text."""
    lines = [
        f"{'hosts':>5}  {'run':<24} {'seconds':>8} {'CPU':>6} {'x empty play':>13} {'x its CPU':>10} {'x shell':>8}"
    ]
    for count, medians in results.items():
        for name, found in medians.items():
            script = medians["shell, first" if "first" in name or "bare" in name else "shell, again"]
            ratios = (found.seconds / medians[EMPTY].seconds, found.cpu / medians[EMPTY].cpu)
            goals = GOALS.get((count, name), ())
            missed = any(goal is not None and ratio > goal for ratio, goal in zip(ratios, goals, strict=False))
            goal = f"  goal {', CPU '.join(f'{one:g}' for one in goals if one)}" if goals else ""
            lines.append(
                f"{count:>5}  {name:<24} {found.seconds:>8.1f} {found.cpu:>6.1f} {ratios[0]:>13.1f} {ratios[1]:>10.1f}"
                f" {found.seconds / script.seconds:>8.1f}{goal}{' MISSED' if missed else ''}"
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=1, help="number of measurements; medians are shown")
    parser.add_argument(
        "--official", type=Path, metavar="CHECKOUT", help="a checkout of Datadog's role, to measure it as well"
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="numbers of hosts (%(default)s)"
    )
    given = parser.parse_args()
    try:
        results = {count: measure(count, given.rounds, given.official) for count in given.sizes}
    finally:
        playbook("playbooks/lab_down.yml", "-e", "lab_keep_image=true")
    print("", *table(results), sep="\n")


if __name__ == "__main__":
    main()
