# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pre-commit runs the linters of ./kennel test lint, and workflows run existing suites."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# These take minutes, or need a language that not everybody has.
LEFT_OUT = {"Vagrantfile", "ansible-test sanity"}


def test_hooks_are_the_suites_linters() -> None:
    suite = (ROOT / "tests" / "run").read_text(encoding="utf-8")
    body = suite[suite.index("run_lint() {") : suite.index("run_molecule() {")]
    linters = {quoted or plain for quoted, plain in re.findall(r'quiet (?:"([^"]+)"|(\w[\w-]*))', body)}
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert {hook["name"] for hook in local["hooks"]} == linters - LEFT_OUT


def test_every_action_is_pinned_to_a_commit_with_its_version() -> None:
    texts = [path.read_text(encoding="utf-8") for path in (*WORKFLOWS, ROOT / "docs" / "ci.md")]
    used = [line for text in texts for line in re.findall(r"uses: .*", text)]
    assert used
    assert [line for line in used if not re.fullmatch(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


def test_matrix_has_every_core_of_the_suite() -> None:
    suite = (ROOT / "tests" / "run").read_text(encoding="utf-8")
    matrix = yaml.safe_load((ROOT / ".github" / "workflows" / "cores.yml").read_text(encoding="utf-8"))
    cores = re.search(r"cores=\((\w[\w ]*)\)", suite)
    assert cores and matrix["jobs"]["test"]["strategy"]["matrix"]["core"] == cores[1].split()
