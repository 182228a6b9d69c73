"""Run a command in a terminal of 80 columns, and write its final output as an SVG picture.

    python tests/recording.py docs/tour/up.svg ./kennel up

This creates the pictures in README.md, from real runs. They load nothing from other hosts.
"""

from __future__ import annotations

import html
import io
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COLUMNS = 80
# Rows of the picture, their height in pixels as rich draws them, and the speed at which longer output scrolls.
ROWS, LINE, LINES_A_SECOND = 30, 24.4, 6
# Rich's default template loads a font from the internet.
PICTURE = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>TITLE</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
<g class="{unique_id}-moving">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</g>
</svg>
"""


def left_over(said: str) -> list[str]:
    """Return a terminal's lines after all temporary output was erased."""
    lines = said.replace("\r\n", "\n").split("\n")
    return [line.rpartition("\x1b[K")[2].rpartition("\r")[2].rstrip() for line in lines]


def scrolling(picture: str) -> str:
    """Return the picture as a terminal that scrolls, unless the reader prefers reduced motion."""
    found = re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', picture)
    whole = float(found[1]) if found else 0.0
    hidden = whole - ROWS * LINE
    if hidden <= 0:
        return picture
    for height in set(re.findall(r'height="([\d.]+)"', picture)):
        if float(height) > ROWS * LINE / 2:
            picture = picture.replace(f'height="{height}"', f'height="{float(height) - hidden:.1f}"')
    seconds = hidden / LINE / LINES_A_SECOND
    style = (
        f"@keyframes kennel {{ 0%, 5% {{ transform: none }} 80%, 100% {{ transform: translateY(-{hidden:.1f}px) }} }}\n"
        f".kennel-moving {{ animation: kennel {seconds / 0.75:.0f}s linear infinite }}\n"
        "@media (prefers-reduced-motion: reduce) { .kennel-moving { animation: none } }\n"
    )
    picture = picture.replace(found[0], found[0].replace(found[1], f"{whole - hidden:.1f}"))
    return picture.replace("</style>", f"{style}</style>", 1)


def main() -> None:
    """Run the command, and draw it."""
    target, command = Path(sys.argv[1]), sys.argv[2:]
    heard: list[bytes] = []

    def read(terminal: int) -> bytes:
        heard.append(os.read(terminal, 65536))
        return heard[-1]

    os.environ |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    status = os.waitstatus_to_exitcode(pty.spawn(command, read))
    lines = left_over(b"".join(heard).decode())
    # The checkout's folder differs for every reader.
    text = "\n".join(lines).replace(str(Path.cwd()), "~/kennel").rstrip()
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), highlight=False)
    console.print(Text.from_ansi(f"$ {' '.join(command)}\n{text}"), soft_wrap=False)
    form = PICTURE.replace("TITLE", html.escape(" ".join(command)))
    picture = console.export_svg(title=" ".join(command), theme=MONOKAI, code_format=form, unique_id="kennel")
    assert not re.search(r"url\(['\"]?http", picture)
    target.write_text(scrolling(picture), encoding="utf-8")
    sys.exit(status)


if __name__ == "__main__":
    main()
