"""The tour: completed on a lab, with its page and pictures written to the given folder."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


def documents() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (ROOT / "docs").rglob("*") if path.is_file()}


def test_tour_is_completed_and_written_to_the_given_folder(lab, tmp_path):
    run = lab.play("site")
    assert run.status == 0, run.output[-4000:]
    before = documents()
    # It stops at the first step that fails.
    tour = subprocess.run(
        [str(ROOT / "kennel"), "tour", "--out", str(tmp_path)], env=lab.env, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert tour.returncode == 0, tour.stdout[-4000:]
    text = (tmp_path / "tour.md").read_text(encoding="utf-8")
    shown = re.findall(r"!\[[^]]+\]\((tour/[a-z_]+\.png)\)", text)
    assert len(shown) == len(re.findall(r"!\[", (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")))
    assert sorted(shown) == sorted(f"tour/{path.name}" for path in (tmp_path / "tour").iterdir())
    for name in shown:
        picture = (tmp_path / name).read_bytes()
        assert picture.startswith(b"\x89PNG") and len(picture) > 10_000, name
    assert "MISSING" not in text
    assert documents() == before
