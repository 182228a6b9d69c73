# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The texts of problems have one form: a sentence that says what is wrong, and another that says what to do."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted(path.relative_to(ROOT) for path in ROOT.glob("plugins/*/**/*.py"))
DOCUMENTS = ("DOCUMENTATION", "EXAMPLES", "RETURN")
VERBS = (
    "add|allow|change|check|choose|correct|create|did you mean|fix|give|increase|install|look|lower|make|move|put|quote"
    "|reduce|remove|rename|run|save|set|shorten|upgrade|use|wait|write"
)
# "X is Y: write Z" in one sentence, or a second one without a full stop.
JOINED = re.compile(rf"[:;] (?:{VERBS}) |\. (?:{VERBS}) ")
UNENDED = re.compile(rf"\. (?:{VERBS}) [^\n]*[\w')\]}}]$", re.IGNORECASE)


def texts(path: Path) -> Iterator[str]:
    """Yield the texts in a file, except for docstrings and documentation, with {} for what is formatted into them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    apart: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in DOCUMENTS):
            apart.add(node.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            apart.update(node.values)
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in apart:
            yield node.value


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_problem_is_two_sentences(source: Path) -> None:
    assert [text for text in texts(ROOT / source) if JOINED.search(text) or UNENDED.search(text)] == []
