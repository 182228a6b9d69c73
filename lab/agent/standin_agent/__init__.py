"""The lab's stand-in for the Datadog Agent: it runs real check classes and sends what they report."""

from pathlib import Path

# The Debian version without its epoch, written by lab/packages.py.
_written = Path(__file__).with_name("VERSION")
PACKAGE_VERSION = _written.read_text(encoding="ascii").strip() if _written.exists() else "7.99.0~lab-1"
AGENT_VERSION = PACKAGE_VERSION.partition("~")[0]
