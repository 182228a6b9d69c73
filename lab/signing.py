"""The throwaway keys of the lab's package repository: one that signs it, and others, as Datadog has.

They contain nothing of Datadog; only the file names are those under which Datadog serves its keys.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from common import run

SIGNER = "Kennel lab packages <kennel@localhost>"
LIFETIME = "5y"


class Spare(NamedTuple):
    """A key that signs nothing: its algorithms, and its creation time if it is not now."""

    algorithm: str
    subkey: str = ""
    made: str = ""


# Named like Datadog's own key files (facts: keys.datadoghq.com, datadog-signing-keys 1.4.1). As with Datadog's, some
# have a subkey that signs, and the last one has expired.
SIGNING_FILES = ("CURRENT", "06462314")
SPARES = {
    "F14F620E": Spare("rsa3072", "rsa3072"),
    "C0962C7D": Spare("rsa3072"),
    "382E94DE": Spare("ed25519", "ed25519", made="20160101T000000!"),
}


class ArchiveKeys:
    """GnuPG with the lab's keys. Missing ones are created and kept in `folder`."""

    def __init__(self, gpg: Callable[..., str], folder: Path) -> None:
        self.gpg, self._folder = gpg, folder

    def public(self) -> dict[str, str]:
        """Return the armored public keys by file name."""
        signer = self.gpg("--armor", "--export", SIGNER)
        spares = {name: (self._folder / f"{name}.asc").read_text(encoding="ascii") for name in SPARES}
        return {
            f"DATADOG_APT_KEY_{name}.public": text
            for name, text in (dict.fromkeys(SIGNING_FILES, signer) | spares).items()
        }

    def debsig(self, folder: Path) -> list[str]:
        """Write each key to FOLDER/ID/debsig.gpg, and return the IDs, which are those of the signing keys."""
        ids = []
        for user in (SIGNER, *map(user_id, SPARES)):
            listed = [line.split(":") for line in self.gpg("--with-colons", "--list-keys", user).splitlines()]
            key_id = [fields[4] for fields in listed if fields[0] in ("pub", "sub")][-1]
            target = folder / key_id / "debsig.gpg"
            target.parent.mkdir(parents=True)
            self.gpg("--output", str(target), "--export", user)
            ids.append(key_id)
        return ids


def user_id(name: str) -> str:
    return f"Kennel lab spare {name} <kennel@localhost>"


def complete(cache: Path) -> bool:
    """Whether all keys exist."""
    return all(
        path.is_file() for path in (cache / "signing-key.asc", *(cache / "keys" / f"{name}.asc" for name in SPARES))
    )


@contextmanager
def archive_keys(cache: Path) -> Iterator[ArchiveKeys]:
    """Yield the keys of the repository, which the first call creates. Only the public part of spare keys is kept."""
    secret, folder = cache / "signing-key.asc", cache / "keys"
    folder.mkdir(exist_ok=True)
    # Temporary, with a short path: the path of the agent's socket in it must be shorter than about 100 characters.
    home = tempfile.mkdtemp(prefix="kennel-gpg-")

    def gpg(*arguments: str) -> str:
        return run("gpg", "--homedir", home, "--batch", "--quiet", "--no-tty", "--yes", *arguments)

    def make(user: str, algorithm: str, usage: str, *, subkey: str = "", made: str = "") -> None:
        open_secret = (
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            *(("--faked-system-time", made) if made else ()),
        )
        gpg(*open_secret, "--quick-gen-key", user, algorithm, usage, LIFETIME)
        if subkey:
            listed = gpg("--with-colons", "--list-keys", user).splitlines()
            fingerprint = next(line.split(":")[9] for line in listed if line.startswith("fpr:"))
            gpg(*open_secret, "--quick-add-key", fingerprint, subkey, "sign", LIFETIME)

    try:
        if secret.is_file():
            gpg("--import", str(secret))
        else:
            make(SIGNER, "ed25519", "sign")
            keep(secret, gpg("--armor", "--export-secret-keys", SIGNER))
        for name, spare in SPARES.items():
            kept = folder / f"{name}.asc"
            if kept.is_file():
                gpg("--import", str(kept))
            else:
                make(
                    user_id(name),
                    spare.algorithm,
                    "cert" if spare.subkey else "sign",
                    subkey=spare.subkey,
                    made=spare.made,
                )
                keep(kept, gpg("--armor", "--export", user_id(name)))
        yield ArchiveKeys(gpg, folder)
    finally:
        run("gpgconf", "--homedir", home, "--kill", "gpg-agent")
        shutil.rmtree(home, ignore_errors=True)


def keep(path: Path, text: str) -> None:
    """Write a private file atomically."""
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text(text, encoding="ascii")
    fresh.replace(path)
