# Copyright: Kennel contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which settings hold secrets: by their name, as a key of Datadog's, or in an address."""

from __future__ import annotations

import re

SECRET_NAME = r"[\w.-]*(?:api_?key|app(?:lication)?_?key|pass(?:word|wd)?|token|secret|credential|private_?key)[\w.-]*"
DATADOG_KEY = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{40}|[0-9a-f]{32})(?![0-9A-Za-z])")
URL_PASSWORD = re.compile(r"(://[^\s:/@]+:)[^\s@]+@")


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name usually holds a secret."""
    return re.fullmatch(SECRET_NAME, name, re.IGNORECASE) is not None


def secret_places(value, path: str = "") -> list[str]:
    """The places, as dotted paths, of what looks like a secret: by its setting's name, as a key, or in an address.

    A path to a file is none, nor is what the Agent resolves itself, ``ENC[handle]``.
    """
    if isinstance(value, dict):
        pairs = [(str(key), item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    else:
        return []
    places = []
    for key, item in pairs:
        place = f"{path}.{key}" if path else key
        if isinstance(item, str) and item and not item.startswith(("ENC[", "/")):
            telling = is_secret_name(key) and not key.startswith("secret_backend_")
            if telling or DATADOG_KEY.fullmatch(item) or URL_PASSWORD.search(item):
                places.append(place)
        places += secret_places(item, place)
    return places
