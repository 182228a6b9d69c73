# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write the table of calls in lab/datadog/README.md: those that the stand-in Datadog serves, and how each is tested.

    python tests/contract/calls_table.py

The sources are the routes, the typed client's calls of the same families, the recordings that test_replay.py replays,
and the calls of tests in this folder.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datadog.api
from recordings import load
from released import API_CLIENT, DATADOGPY, api_client_recordings, datadogpy_recordings
from replay import SCOPES

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
README = ROOT / "lab" / "datadog" / "README.md"
BEGIN, END = "<!-- calls: written by tests/contract/calls_table.py -->", "<!-- end of calls -->"
# The HTTP method for each method of datadogpy, and whether it names an object.
METHODS = {
    "create": ("POST", False),
    "send": ("POST", False),
    "check": ("POST", False),
    "get": ("GET", True),
    "get_all": ("GET", False),
    "search": ("GET", False),
    "update": ("PUT", True),
    "delete": ("DELETE", True),
}

Call = tuple[str, str]


class Routes:
    """The calls of the stand-in Datadog."""

    def __init__(self) -> None:
        """Read the routes from an empty account."""
        sys.path[:0] = [str(ROOT / "lab" / "datadog"), str(ROOT / "plugins")]
        account, keys, store, api = (
            importlib.import_module(f"standin.{name}") for name in ("api.account", "api.keys", "store", "api")
        )
        with tempfile.TemporaryDirectory() as folder:
            made = account.Account.over(store.Store(Path(folder), 86400), keys.Keys("k", "a"))
            self._routes = [route for route in api.routes(made) if not route.path.startswith("/lab/")]

    def __iter__(self) -> Iterator[Call]:
        """Iterate over all calls, by path."""
        order = {"GET": 0, "POST": 1, "PUT": 2, "PATCH": 3, "DELETE": 4}
        calls = {self._call(route) for route in self._routes}
        return iter(sorted(calls, key=lambda call: (call[1], order[call[0]])))

    def _call(self, route: Any) -> Call:
        (method,) = route.methods - {"HEAD"}
        return method, re.sub(r"\{(\w+):\w+\}", r"{\1}", route.path)

    def find(self, method: str, path: str) -> Call | None:
        """Return the call that serves a request, or None."""
        for route in self._routes:
            if method in route.methods and route.path_regex.match(path):
                return self._call(route)
        return None


def typed(routes: Routes) -> tuple[dict[Call, tuple[str, str]], dict[str, list[str]]]:
    """Return the typed client's module and name for each served call, and the names of its other calls by resource."""
    names: dict[Call, tuple[str, str]] = {}
    others = defaultdict(list)
    for version in ("v1", "v2"):
        package = importlib.import_module(f"datadog_api_client.{version}.api")
        for module in pkgutil.iter_modules(package.__path__):
            family = importlib.import_module(f"{package.__name__}.{module.name}")
            for api in (one for name, one in vars(family).items() if isinstance(one, type) and name.endswith("Api")):
                settings = [one.settings for name, one in vars(api()).items() if name.endswith("_endpoint")]
                known = [(one, _served(routes, one)) for one in settings]
                names.update({call: (family.__name__, one["operation_id"]) for one, call in known if call})
                if any(call for _one, call in known):
                    for one in (one for one, call in known if not call):
                        resource = "/".join(one["endpoint_path"].split("/")[:4])
                        others[resource].append(one["operation_id"])
    return names, dict(sorted(others.items()))


def _served(routes: Routes, settings: dict[str, Any]) -> Call | None:
    path = re.sub(r"\{\w*(id|monitor)\w*\}", "1", settings["endpoint_path"])
    return routes.find(settings["http_method"], re.sub(r"\{\w+\}", "x", path))


def recorded(routes: Routes) -> dict[Call, Counter[str]]:
    """Count each call in the recordings, by client."""
    found: dict[Call, Counter[str]] = defaultdict(Counter)
    for name, paths in ((API_CLIENT, api_client_recordings()), (DATADOGPY, datadogpy_recordings())):
        for path in paths:
            for one in load(path):
                call = routes.find(one.method, one.path) if re.search(SCOPES[name], one.path) else None
                if call:
                    found[call][name.partition("-")[0].replace("_", "-")] += 1
    return found


def called(routes: Routes, names: dict[Call, tuple[str, str]]) -> dict[Call, list[str]]:
    """Return the clients with which tests in this folder make each call, according to their source."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(HERE.glob("test_*.py"))]
    found: dict[Call, list[str]] = defaultdict(list)
    for call, (family, name) in names.items():
        if any(family in text and re.search(rf"\.{name}\b", text) for text in texts):
            found[call].append(f"typed client, `{name}`")
    for resource, method in sorted(set(re.findall(r"\bapi\.([A-Z]\w+)\.(\w+)\(", "\n".join(texts)))):
        sent, single = METHODS.get(method, (None, False))
        base = getattr(getattr(datadog.api, resource, None), "_resource_name", None)
        call = routes.find(sent, f"/api/v1/{base}" + ("/1" if single else "")) if sent and base else None
        if call:
            found[call].append(f"`datadog.api.{resource}.{method}`")
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def table() -> str:
    """Return the table as Markdown."""
    routes = Routes()
    names, others = typed(routes)
    counts, calls = recorded(routes), called(routes, names)
    lines = ["| Call | Served | Tested against |", "|---|---|---|"]
    for call in routes:
        held = [f"{count} recorded of {client}" for client, count in counts.get(call, {}).items()] + calls.get(call, [])
        lines.append(f"| `{call[0]} {call[1]}` | yes | {'; '.join(held) or 'documentation'} |")
    outside = importlib.import_module("standin.api.outside").OUTSIDE
    for resource, missing in others.items():
        lines.append(f"| other calls under `{resource}` | no | a 404 for the typed client's {_listed(missing)} |")
    lines += [
        f"| `{'`, `'.join(f'{one}/...' for one in paths)}` | no | a 404 that says there are no {what} |"
        for what, paths in outside.items()
    ]
    return "\n".join(lines)


def written(text: str) -> str:
    """Return a text with the current table between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
