"""python3 -m standin.packages: serve the repository of the stand-in Agent's packages until SIGTERM."""

import argparse
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from .server import add_arguments, serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="standin.packages", description="The lab's package repository.")
    add_arguments(parser, port=8081)
    parser.add_argument("--folder", type=Path, required=True, help="folder of the repository")
    options = parser.parse_args()
    serve(Starlette(routes=[Mount("/", StaticFiles(directory=options.folder))]), options)


if __name__ == "__main__":
    main()
