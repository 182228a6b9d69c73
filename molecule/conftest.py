"""The account of the scenarios genuine and production_defaults: a real one if KENNEL_GENUINE is set, else the lab's."""

import json
import os
from pathlib import Path

import pytest
import requests

# Tests parse Ansible's default output.
os.environ["ANSIBLE_STDOUT_CALLBACK"] = "ansible.builtin.default"
GENUINE = "KENNEL_GENUINE" in os.environ


@pytest.fixture(scope="session")
def site():
    """Return the site that Agents report to."""
    return (os.environ.get("DD_SITE") if GENUINE else None) or "datadoghq.com"


@pytest.fixture(scope="session")
def datadog(site):
    """Return a function that queries the API, as any client does."""
    session = requests.Session()
    if GENUINE:
        url, api_key, app_key = f"https://api.{site}", os.environ["DD_API_KEY"], os.environ["DD_APP_KEY"]
    else:
        state = Path(os.environ["KENNEL_STATE"])
        url = json.loads((state / "lab.json").read_text(encoding="utf-8"))["datadog"]["url"]
        api_key, app_key = ((state / "secrets" / name).read_text(encoding="utf-8") for name in ("api_key", "app_key"))
        session.trust_env = False
    session.headers.update({"DD-API-KEY": api_key, "DD-APPLICATION-KEY": app_key})
    return lambda path, **params: session.get(f"{url}/api/{path}", params=params, timeout=30).json()
