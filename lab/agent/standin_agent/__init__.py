"""The lab's stand-in for the Datadog Agent: it runs real check classes and sends what they report."""

from pathlib import Path

# The Debian version without its epoch, written by lab/packages.py.
_written = Path(__file__).with_name("VERSION")
PACKAGE_VERSION = _written.read_text(encoding="ascii").strip() if _written.exists() else "7.99.0~lab-1"
AGENT_VERSION = PACKAGE_VERSION.partition("~")[0]
# How many of an API key's last characters are shown: four in the newest source (7.84), five before.
KEY_TAIL = 4 if tuple(map(int, AGENT_VERSION.split("."))) >= (7, 84) else 5
