"""The lab's stand-in for the Datadog Agent: it runs real check classes and sends what they report."""

from pathlib import Path


def _package_version() -> str:
    """The Debian version without its epoch, written beside this file by lab/packages.py."""
    try:
        return Path(__file__).with_name("VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return "7.99.0~lab-1"


PACKAGE_VERSION = _package_version()
AGENT_VERSION = PACKAGE_VERSION.partition("~")[0]
