"""Parse the recipes in docs/recipes.md, to run them as written: their files and their commands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = ROOT / "docs" / "recipes.md"
INVENTORY = "inventory/production"


@dataclass
class Recipe:
    """A section's texts, by file, and its commands, each in one line."""

    title: str
    files: dict[str, str] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)


def recipes() -> dict[str, Recipe]:
    """Return the recipes by title."""
    found = {}
    for section in re.split(r"^## ", TEXT.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        recipe = Recipe(section.partition("\n")[0])
        for kind, block in re.findall(r"^```(\w+)\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            if kind == "sh":
                recipe.commands += block.replace("\\\n", " ").splitlines()
            else:
                first, _newline, rest = block.partition("\n")
                name = first.removeprefix("# ")
                recipe.files[name] = recipe.files.get(name, "") + rest
        found[recipe.title] = recipe
    return found


class Kitchen:
    """A folder that looks like a checkout, with a separate inventory.

    :arg names: names in recipes, such as hosts, and their replacements in the test.
    """

    def __init__(self, folder: Path, env: dict[str, str], names: dict[str, str] | None = None) -> None:
        self.folder, self.names = folder, names or {}
        self.env = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", **env}
        self.env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # The recipes use a vault whose password is typed in.
        (folder / "vault").write_text("the-vaults-own\n", encoding="utf-8")
        self.env["ANSIBLE_VAULT_PASSWORD_FILE"] = str(folder / "vault")
        self.inventory = folder / INVENTORY
        self.inventory.mkdir(parents=True)
        (folder / "playbooks").symlink_to(ROOT / "playbooks")

    def write(self, name: str, text: str, last: str = "recipe") -> None:
        """Append a text to a file of the recipe; group variables go next to the inventory's."""
        for word, mine in self.names.items():
            name, text = name.replace(word, mine), text.replace(word, mine)
        path = self.folder / name
        if path.parent.name in ("group_vars", "host_vars"):
            path = path.with_suffix("") / f"{last}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a recipe's command, with its typed input."""
        for word, mine in self.names.items():
            command = command.replace(word, mine)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command.replace("--ask-vault-pass", "")],
            cwd=self.folder, env=self.env, text=True, input=given, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
