"""Check that the package repository, its keys and the account are reachable; if not, print why in one line and fail.

The account is that of DD_API_KEY, DD_APP_KEY and DD_SITE. Other addresses are defaults of the role datadog_agent.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import requests
import yaml

ROLE = Path(__file__).parents[2] / "roles" / "datadog_agent" / "defaults" / "main.yml"
SECONDS = 15


def get(url: str, **headers: str) -> str:
    """Return the problem with the response from a URL, or an empty string."""
    try:
        status = requests.get(url, headers=headers, timeout=SECONDS, allow_redirects=False).status_code
    except requests.RequestException as error:
        return f"{url} cannot be reached ({type(error).__name__})"
    return "" if status == 200 else f"{url} answers {status}"


def problems() -> Iterator[str]:
    """Yield a problem, or an empty string, for each of them."""
    role = yaml.safe_load(ROLE.read_text(encoding="utf-8"))
    yield get(f"{role['datadog_agent_apt_url']}dists/{role['datadog_agent_apt_suite']}/InRelease")
    yield get(role["datadog_agent_apt_key_urls"][0])
    keys = {name: os.environ.get(name, "").strip() for name in ("DD_API_KEY", "DD_APP_KEY")}
    if missing := [name for name, key in keys.items() if not key]:
        yield f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set: export the keys of an account"
        return
    api = f"https://api.{os.environ.get('DD_SITE') or 'datadoghq.com'}/api/v1"
    api_key = {"DD-API-KEY": keys["DD_API_KEY"]}
    refused = get(f"{api}/validate", **api_key)
    yield refused and f"DD_API_KEY: {refused}"
    if not refused:
        app_key = get(f"{api}/monitor?page_size=1", **api_key, **{"DD-APPLICATION-KEY": keys["DD_APP_KEY"]})
        yield app_key and f"DD_APP_KEY: {app_key}"


if __name__ == "__main__":
    if found := "; ".join(filter(None, problems())):
        print(f"genuine: {found}")
        sys.exit(1)
