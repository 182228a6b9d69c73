"""Write roles/ROLE/README.md from each role's argument specs, or with --check, list the ones that are stale."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
NOTE = "<!-- Written by tests/role_readme.py from meta/argument_specs.yml. -->"


class Loader(yaml.SafeLoader):
    """A YAML loader that also knows Ansible's tag for text that is not templated."""


Loader.add_constructor("!unsafe", lambda _loader, node: node.value)


def plain(text: str) -> str:
    """Convert Ansible's markup to Markdown: C(x), V(x), O(x) and RV(x) become code."""
    return re.sub(r"\b(?:C|V|O|RV)\(([^)]*)\)", r"`\1`", text)


def sentences(description: str | list[str]) -> str:
    """Return a description as one paragraph."""
    return plain(" ".join([description] if isinstance(description, str) else description))


def code(value: Any) -> str:
    """Return a default as one line of YAML, or a reference if it is long."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False).removesuffix("\n...\n").strip()
    return f"`{text}`" if len(text) <= 60 else "see `defaults/`"


def default(name: str, option: dict[str, Any], defaults: dict[str, Any]) -> str:
    """Describe the value of a variable that is not set."""
    if option.get("required"):
        return "required"
    if "default" in option:
        return f"default {code(option['default'])}"
    return "default: see the description" if name in defaults else "optional"


def items(options: dict[str, Any], defaults: dict[str, Any], indent: str = "") -> list[str]:
    """Yield a list of variables, with the fields of their items below them."""
    lines = []
    for name, option in options.items():
        kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
        facts = [kind, default(name, option, defaults)]
        if "choices" in option:
            facts.insert(1, " or ".join(f"`{choice}`" for choice in option["choices"]))
        if option.get("no_log"):
            facts.append("secret")
        lines.append(f"{indent}- **`{name}`** ({', '.join(facts)}): {sentences(option['description'])}")
        lines += items(option.get("options", {}), {}, indent + "  ")
    return lines


def outputs(folder: Path) -> list[str]:
    """List the role's public variables that it sets, each with the comment above it."""
    path = folder / "vars" / "main.yml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found = re.findall(r"^((?:# .*\n)+)((?!__)\w+):", text, re.MULTILINE)
    return [f"- **`{name}`**: {' '.join(re.findall(r'# (.*)', comment))}" for comment, name in found]


def readme(folder: Path) -> str:
    """Return the text of a role's README."""
    spec = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"][
        "main"
    ]
    defaults = {}
    for path in sorted([*folder.glob("defaults/main.yml"), *folder.glob("defaults/main/*.yml")]):
        defaults |= yaml.load(path.read_text(encoding="utf-8"), Loader)
    lines = [f"# {folder.name}", "", NOTE, "", f"{plain(spec['short_description'])}.", ""]
    lines += [f"{plain(sentence)}" for sentence in spec["description"]]
    lines += ["", "## Variables", "", *items(spec["options"], defaults)]
    if found := outputs(folder):
        lines += ["", "## Outputs", "", *found]
    lines += ["", "## Example", "", "```yaml", spec["examples"].rstrip(), "```", ""]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Write or check the READMEs; return 1 if a file is stale."""
    if arguments not in ([], ["--check"]):
        print(f"usage: {sys.argv[0]} [--check]", file=sys.stderr)
        return 2
    stale = False
    for folder in sorted(path.parents[1] for path in ROOT.glob("roles/*/meta/argument_specs.yml")):
        path, text = folder / "README.md", readme(folder)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if arguments:
            print(f"{path.relative_to(ROOT)} is stale: run python {Path(__file__).relative_to(ROOT)}")
        else:
            path.write_text(text, encoding="utf-8")
    return int(stale and bool(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
