# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A fake systemctl with one unit, whose state is in a file."""

from __future__ import annotations

import json
from pathlib import Path

SYSTEMCTL = """#!{python}
import fnmatch, json, os, sys, time
path = {state!r}
unit = json.load(open(path))
verb = sys.argv[1]
if verb == "show":
    for name, value in unit["facts"].items():
        print(f"{{name}}={{value}}")
    sys.exit()
if verb == "list-unit-files":
    asked = [pattern for pattern in sys.argv[2:] if not pattern.startswith("-")]
    for name in unit["companions"]:
        # Without a pattern systemctl lists every unit.
        if not asked or any(fnmatch.fnmatch(name, pattern) for pattern in asked):
            print(name, "enabled", "enabled")
    sys.exit()
unit["verbs"].append(" ".join([verb, *(name for name in sys.argv[2:] if name != f"{{unit['name']}}.service")]))
if verb == "disable" and f"{{unit['name']}}.service" not in sys.argv:
    unit["companions"] = [name for name in unit["companions"] if name not in sys.argv]
    json.dump(unit, open(path, "w"))
    sys.exit()
if verb == "daemon-reload":
    unit["facts"]["NeedDaemonReload"] = "no"
    json.dump(unit, open(path, "w"))
    sys.exit()
reads = unit["reads"] if os.path.exists(unit["reads"]) else ""
if verb in unit["broken"] or (verb.endswith("start") and reads and "bad" in open(reads).read()):
    json.dump(unit, open(path, "w"))
    sys.exit("Job for x.service failed.")
stamp = time.strftime("%a %Y-%m-%d %H:%M:%S.500000 UTC", time.gmtime(time.time() + 1))
unit["facts"].update({{
    "start": {{"ActiveState": "active", "ActiveEnterTimestamp": stamp}},
    "restart": {{"ActiveState": "active", "ActiveEnterTimestamp": stamp}},
    "stop": {{"ActiveState": "inactive", "ActiveEnterTimestamp": ""}},
    "enable": {{"UnitFileState": "enabled"}},
    "disable": {{"UnitFileState": "disabled"}},
}}[verb])
json.dump(unit, open(path, "w"))
"""
STARTED = "Tue 2026-11-24 00:37:53.214799 UTC"
STARTED_AT = 1795480673.214799


class Unit:
    """The unit in the fake systemctl."""

    def __init__(self, path: Path, name: str = "agent") -> None:
        self.path, self.name = path, name
        self.set(LoadState="loaded", ActiveState="active", UnitFileState="enabled", ActiveEnterTimestamp=STARTED)

    def set(
        self, broken: tuple[str, ...] = (), companions: tuple[str, ...] = (), reads: str = "", **facts: str
    ) -> None:
        before = json.loads(self.path.read_text())["facts"] if self.path.exists() else {}
        state = {"name": self.name, "facts": {**before, **facts}, "verbs": [], "broken": broken}
        state |= {"companions": companions, "reads": reads}
        self.path.write_text(json.dumps(state))

    @property
    def verbs(self) -> list[str]:
        return json.loads(self.path.read_text())["verbs"]
