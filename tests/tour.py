"""Take the tour on a running lab, and write docs/tour.md with pictures and figures from it.

    python tests/tour.py --state FOLDER [--out FOLDER]

Runs the playbooks as a user would, opens the page in Chromium, and queries the API. Temporary changes (an interval,
thresholds, the lab's clock) are reverted. Takes about eight minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
import requests
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Path(__file__).with_name("tour.md.j2")
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


class Walk:
    """A lab, a browser tab with its page, and the playbooks."""

    def __init__(self, state: Path, tab: Page, pictures: Path) -> None:
        self.lab = json.loads((state / "lab.json").read_text(encoding="utf-8"))
        self.url, self.fleet = self.lab["datadog"]["url"], self.lab["name"]
        self._state, self._tab, self._pictures = state, tab, pictures
        self._session = requests.Session()
        # The stand-in is on loopback, so proxies do not apply.
        self._session.trust_env = False
        # Calls are minutes apart, after which a kept connection is closed.
        self._session.headers["Connection"] = "close"
        for header, name in (("DD-API-KEY", "api_key"), ("DD-APPLICATION-KEY", "app_key")):
            self._session.headers[header] = (state / "secrets" / name).read_text(encoding="utf-8").strip()

    def ask(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
        """Call the API."""
        answer = self._session.request(method, f"{self.url}{path}", json=body, params=params, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def play(self, playbook: str, *arguments: str) -> str:
        """Run a playbook as the tour describes, and return its output."""
        print(f"==> ansible-playbook playbooks/{playbook}.yml {' '.join(arguments)}", flush=True)
        env = {**os.environ, "KENNEL_STATE": str(self._state), "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        env |= {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
        command = [str(PLAYBOOK), f"playbooks/{playbook}.yml", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=env, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        return done.stdout

    def on(self, host: str, command: str) -> str:
        """Run a command on a host over SSH, and return its output."""
        found = next(one for one in self.lab["hosts"] if one["name"] == host)
        options = ["-p", str(found["port"]), "-i", str(self._state / "id_ed25519"), "-o", "BatchMode=yes"]
        options += ["-o", f"UserKnownHostsFile={self._state / 'known_hosts'}"]
        ssh = ["ssh", *options, f"{found['user']}@{found['address']}", command]
        return subprocess.run(ssh, check=True, text=True, capture_output=True).stdout.strip()

    def picture(self, name: str, path: str, *, whole: bool = True) -> None:
        """Take a screenshot of a page."""
        print(f"==> {name}.png", flush=True)
        self._tab.goto(self.url + path, wait_until="networkidle")
        # Charts are drawn after the page has loaded, and nothing signals the last one.
        self._tab.wait_for_timeout(1500)
        self._tab.screenshot(path=self._pictures / f"{name}.png", full_page=whole)

    def spacing(self, host: str, seconds: int) -> list[int]:
        """Return the seconds between the newest points of my_metric on a host."""
        now = int(time.time())
        query = f"avg:my_metric{{host:{host}}}.rollup(avg, 1)"
        series = self.ask("GET", "/api/v1/query", query=query, **{"from": now - seconds, "to": now})["series"]
        stamps = [round(stamp / 1000) for stamp, value in series[0]["pointlist"] if value is not None] if series else []
        return [later - earlier for earlier, later in pairwise(stamps)]

    def mail(self, wanted: Callable[[dict[str, Any]], bool], minutes: int = 2) -> dict[str, Any]:
        """Wait for a mail, and return the newest that matches."""
        for _look in range(12 * minutes):
            found = [mail for mail in self.ask("GET", "/lab/mailbox")["messages"] if wanted(mail)]
            if found:
                return found[-1]
            # Monitors are evaluated every few seconds, and polling is the only way to know.
            time.sleep(5)
        sys.exit(f"a mail that the tour shows has not arrived within {minutes} minutes: check the monitors on the page")

    def transition(self, kind: str, step: Callable[[], Any]) -> dict[str, Any]:
        """Perform a step, and return a mail that my_metric's monitor sends after it, such as Warn."""
        before = {mail["id"] for mail in self.ask("GET", "/lab/mailbox")["messages"]}
        step()
        return self.mail(
            lambda mail: mail["id"] not in before and mail["transition"] == kind and "my_metric" in mail["subject"]
        )


def host_of(walk: Walk, group: str) -> dict[str, Any]:
    """Return the last host of a group, with the name that it reports."""
    found = [one for one in walk.lab["hosts"] if group in one["groups"]][-1]
    return {**found, "reports": walk.on(found["name"], "sudo -u dd-agent datadog-agent hostname")}


def follow(walk: Walk) -> dict[str, Any]:
    """Perform every step, and return the template's variables."""
    told: dict[str, Any] = {"fleet": walk.fleet, "when": datetime.now(timezone.utc), "hosts": walk.lab["hosts"]}
    traced, plain = host_of(walk, "apm"), host_of(walk, "monitored")
    told.update(traced=traced, plain=plain)
    monitors = {m["name"]: m for m in walk.ask("GET", "/api/v1/monitor", monitor_tags=f"kennel_fleet:{walk.fleet}")}
    boards = walk.ask("GET", "/api/v1/dashboard")["dashboards"]
    board = {
        key: next(b["url"] for b in boards if f"kennel_key:{key}" in b["description"]) for key in ("timeboard", "apm")
    }
    told["monitor"] = next(m for m in monitors.values() if "kennel_key:my_metric" in m["tags"])

    told["verify"] = _table(walk.play("verify"))
    told["tags"] = sorted(walk.ask("GET", f"/api/v1/tags/hosts/{traced['reports']}")["tags"])
    walk.picture("hosts", "/?group=ansible_group&metric=system.cpu.user")
    told["grants"] = walk.on(traced["name"], "sudo mysql -N -e \"SHOW GRANTS FOR 'datadog'@'localhost'\"")
    told["grants"] = re.sub(r"IDENTIFIED (BY|VIA|WITH).*$", r"IDENTIFIED \1 ...", told["grants"], flags=re.MULTILINE)
    walk.picture("mysql", "/metrics/mysql.performance.queries")

    told["every_45"] = walk.spacing(plain["reports"], 300)[-4:]
    short = walk.play("hosts", "-e", "datadog_custom_check_interval=20", "--limit", plain["name"], "--diff")
    told["diff"] = "\n".join(line for line in short.splitlines() if re.match(r"[-+] .*min_collection_interval", line))
    # Enough time for three points at the new interval.
    time.sleep(75)
    told["every_20"] = walk.spacing(plain["reports"], 62)
    walk.picture("my_metric", "/metrics/my_metric")
    walk.play("hosts", "--limit", plain["name"])

    walk.picture("timeboard", board["timeboard"])
    shared = walk.play("snapshot", "-e", "to=@someone@example.com")
    told["shared"] = re.search(r"(Shared[^\n]*)", shared)[1]
    walk.picture("events", "/events", whole=False)

    def thresholds(warning: int, alert: int) -> None:
        walk.play("objects", "-e", f"datadog_objects_warning={warning}", "-e", f"datadog_objects_alert={alert}")

    # First every host is OK, so that each one notifies next.
    thresholds(1000, 1001)
    # Enough time for two evaluations of the monitor.
    time.sleep(12)
    told["warning"] = walk.transition("Warn", lambda: thresholds(1, 1000))
    told["alert"] = walk.transition("Triggered", lambda: thresholds(1, 2))
    walk.picture("monitor", f"/monitors/{told['monitor']['id']}", whole=False)
    walk.play("objects")
    # A monitor only misses data that it has seen since its last change: enough time for two evaluations.
    time.sleep(12)
    try:
        # Eleven minutes pass instantly, without data.
        ahead = {"advance": 660}
        told["no_data"] = walk.transition("No Data", lambda: walk.ask("PUT", "/lab/clock", ahead))
    finally:
        walk.ask("PUT", "/lab/clock", {"offset": 0})
    told["downtimes"] = [
        walk.mail(lambda m, when=when: "Downtime" in m["transition"] and when in m["body"])
        for when in ("night", "weekend")
    ]
    walk.picture("downtimes", "/downtimes")
    walk.picture("mailbox", "/mailbox", whole=False)

    walk.picture("service", "/services/flask-apm", whole=False)
    query = {"filter[query]": "service:flask-apm resource_name:*mysql*", "filter[from]": "now-1h", "page[limit]": 1}
    span = walk.ask("GET", "/api/v2/spans/events", **query)["data"][0]["attributes"]
    walk.picture("trace", f"/trace/{span['trace_id']}")
    walk.picture("apm", board["apm"])
    told["resources"] = walk.ask("GET", "/lab/apm/resources", service="flask-apm")
    # With the default thresholds, the average goes above 500 and back every few minutes.
    told["recovery"] = walk.mail(lambda mail: mail["transition"] == "Recovered" and "my_metric" in mail["subject"], 10)
    return told


def _table(output: str) -> str:
    """Return the table in verify's output, unindented. It starts with the fleet, and ends at an empty line."""
    return textwrap.dedent(re.search(r"^ *fleet .*?(?=\n\n)", output, re.MULTILINE | re.DOTALL)[0])


def main() -> None:
    """Take the tour, and write it."""
    parser = argparse.ArgumentParser(description="Walk the exercise and write docs/tour.md.")
    parser.add_argument("--state", required=True, type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        sys.exit("the screenshots need a browser. Run apt-get install chromium.")
    pictures = given.out / "tour"
    pictures.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        # Its sandbox needs namespaces, which root in a container does not get.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
        told = follow(Walk(given.state.resolve(), tab, pictures))
        browser.close()
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(**told)
    (given.out / "tour.md").write_text(text.rstrip() + "\n", encoding="utf-8")
    print(f"Written: {given.out / 'tour.md'}")


if __name__ == "__main__":
    main()
