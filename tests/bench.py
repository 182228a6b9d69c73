"""How long a host takes to set up, beside what it could take at best. Prints seconds and ratios.

    python3 tests/bench.py [--rounds N]

Each size of fleet gets bare hosts for each way of running. Ratios are within one run of this script: against an empty
play (what starting Ansible costs) and against a bare shell script that does the same work through one SSH call.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
STATE = ROOT / ".kennel" / "bench"
BIN = Path(sys.executable).parent
SIZES = (1, 4)

# What the roles do to a host without MySQL, once and for all, without any of their care.
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
runuser -u dd-agent -- datadog-agent check my_metric --json > /dev/null
"""


def environment(*, mitogen: bool) -> dict[str, str]:
    env = {**os.environ, "KENNEL_STATE": str(STATE), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    if mitogen:
        import ansible_mitogen

        env["ANSIBLE_STRATEGY_PLUGINS"] = str(Path(ansible_mitogen.__file__).parent / "plugins" / "strategy")
        env["ANSIBLE_STRATEGY"] = "mitogen_linear"
    return env


def playbook(path: str, *arguments: str, mitogen: bool = False) -> float:
    """Run it and return its seconds; stop everything, with its output, if it fails."""
    start = time.monotonic()
    done = subprocess.run(
        [str(BIN / "ansible-playbook"), path, *arguments], cwd=ROOT, env=environment(mitogen=mitogen), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{path} {' '.join(arguments)} failed:\n{done.stdout[-4000:]}")
    return time.monotonic() - start


def bare_hosts(count: int) -> dict[str, Any]:
    """The bench's lab with so many hosts that have nothing on them."""
    playbook("playbooks/lab_down.yml", "-e", "lab_keep_image=true")
    hosts = [{"name": f"bench{number}", "node": f"bench{number}", "groups": ["monitored"]} for number in range(count)]
    playbook("playbooks/lab_up.yml", "-e", json.dumps({"lab_hosts": hosts}))
    return json.loads((STATE / "lab.json").read_text(encoding="utf-8"))


def shell(lab: dict[str, Any]) -> float:
    """The same work by the shell script, all hosts at once."""
    key = (STATE / "secrets" / "api_key").read_text(encoding="utf-8").strip()

    def one(host: dict[str, Any]) -> None:
        ssh = ["ssh", "-p", str(host["port"]), "-i", str(STATE / "id_ed25519"), "-o", "BatchMode=yes",
               "-o", f"UserKnownHostsFile={STATE / 'known_hosts'}", f"{host['user']}@{host['address']}"]  # fmt: skip
        script = f"KEY={key}\n{SHELL}"
        subprocess.run([*ssh, "sudo", "sh"], input=script, text=True, check=True, stdout=subprocess.DEVNULL)

    start = time.monotonic()
    with ThreadPoolExecutor(len(lab["hosts"])) as pool:
        list(pool.map(one, lab["hosts"]))
    return time.monotonic() - start


def measure(count: int, rounds: int) -> dict[str, float]:
    """Median seconds by what was run, for a fleet of this size."""
    times: dict[str, list[float]] = {}

    def note(name: str, seconds: float) -> None:
        times.setdefault(name, []).append(seconds)
        print(f"  {count} host(s)  {name:<24} {seconds:6.1f} s", flush=True)

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
            note(f"empty play{way}", playbook("tests/empty_play.yml", mitogen=mitogen))
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=1, help="how often everything is measured; medians are shown")
    rounds = parser.parse_args().rounds
    try:
        results = {count: measure(count, rounds) for count in SIZES}
    finally:
        playbook("playbooks/lab_down.yml", "-e", "lab_keep_image=true")
    print(f"\n{'hosts':>5}  {'run':<24} {'seconds':>8} {'x empty play':>13} {'x shell':>8}")
    for count, medians in results.items():
        for name, seconds in medians.items():
            script = medians["shell, first" if "first" in name or "bare" in name else "shell, again"]
            ratios = f"{seconds / medians['empty play']:>13.1f} {seconds / script:>8.1f}"
            print(f"{count:>5}  {name:<24} {seconds:>8.1f} {ratios}")


if __name__ == "__main__":
    main()
