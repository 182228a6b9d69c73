# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Imports of filters: Ansible imports all filters of a collection in every process that uses one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FILTERS = sorted(
    f"ansible_collections.kennel.fleet.plugins.filter.{path.stem}"
    for path in (Path(__file__).parents[4] / "plugins" / "filter").glob("*.py")
)
# The API client and its libraries.
DEAR = ("requests", "urllib3", "datadog")
PROGRAM = """
import importlib, json, sys
sys.path[:0] = json.loads(sys.argv[1])
for name in json.loads(sys.argv[2]):
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def imported(*names: str) -> set[str]:
    arguments = [json.dumps([entry for entry in sys.path if entry]), json.dumps(names)]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(run.stdout))


def test_filters_do_not_import_the_api_client() -> None:
    assert len(FILTERS) > 5
    assert imported(*FILTERS) & {*DEAR} == set()


def test_client_imports_its_libraries_when_created() -> None:
    utils = "ansible_collections.kennel.fleet.plugins.module_utils._api"
    assert imported(f"{utils}.client", f"{utils}.module") & {*DEAR} == set()
    assert imported(f"{utils}.transport") >= {*DEAR}
