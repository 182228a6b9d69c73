"""python3 -m standin: serve the stand-in Datadog until SIGTERM."""

import argparse
import os
from pathlib import Path

from .api.keys import Keys
from .app import make
from .server import add_arguments, serve
from .store import LARGEST, Store


def main() -> None:
    parser = argparse.ArgumentParser(prog="standin", description="The lab's stand-in Datadog.")
    add_arguments(parser, port=8080)
    parser.add_argument("--data", type=Path, required=True, help="folder of the database")
    parser.add_argument("--keys", type=Path, required=True, help='JSON file {"api_key": ..., "app_key": ...}')
    parser.add_argument("--retention-hours", type=float, default=24, help="how long points are kept (%(default)s)")
    parser.add_argument(
        "--largest", type=int, default=LARGEST, metavar="BYTES", help="how large the database may grow (%(default)s)"
    )
    parser.add_argument(
        "--evaluate-every", type=float, default=5, help="seconds between looks at monitors (%(default)s)"
    )
    options = parser.parse_args()
    try:
        keys = Keys.load(options.keys)
    except (OSError, ValueError) as error:
        parser.error(f"--keys: {error}")
    os.umask(0o077)
    options.data.mkdir(parents=True, exist_ok=True)
    store = Store(options.data, int(options.retention_hours * 3600), options.largest)
    serve(make(store, keys, options.evaluate_every), options)


if __name__ == "__main__":
    main()
