"""The Agent's Go checks. A custom check that is called like one of them never runs, unless its configuration says
`loader: python`. Their names and where they are from are in go_checks.txt.
"""

from pathlib import Path

# Those that this stand-in has, by the module and class that report what they report.
HERE = {
    "cpu": ("system", "CpuCheck"),
    "disk": ("system", "DiskCheck"),
    "load": ("system", "LoadCheck"),
    "memory": ("system", "MemoryCheck"),
    "network": ("system", "NetworkCheck"),
    "uptime": ("system", "UptimeCheck"),
}
# All others load and report nothing.
NOT_HERE = ("silent", "SilentCheck")
_lines = Path(__file__).with_suffix(".txt").read_text(encoding="ascii").splitlines()
NAMES = frozenset(line for line in _lines if line and not line.startswith("#"))
