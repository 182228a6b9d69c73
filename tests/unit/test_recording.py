# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Terminal recordings: drawn from a run's final screen, without resources from other hosts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]


def texts(path: Path) -> str:
    """Return the texts in a picture."""
    return " ".join("".join(ElementTree.parse(path).getroot().itertext()).replace("\xa0", " ").split())


def test_picture_has_the_final_screen_of_a_run(tmp_path: Path) -> None:
    said = r"printf 'going\r\033[Kdone \033[31mred\033[0m\n'; exit 3"
    command = [sys.executable, str(ROOT / "tests" / "recording.py"), str(tmp_path / "x.svg"), "sh", "-c", said]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 3, done.stderr
    drawn = texts(tmp_path / "x.svg").partition("exit 3")[2]
    assert "done red" in drawn and "going\r" not in drawn


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.svg")), ids=str)
def test_pictures_load_nothing_from_other_hosts(path: Path) -> None:
    links = re.findall(r"(?:href=|url\()[\"']?(\w+://[^\"')]+)", path.read_text(encoding="utf-8"))
    assert links == [] and "./kennel up" in texts(path)
