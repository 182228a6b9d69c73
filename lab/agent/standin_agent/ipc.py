"""How the command line reaches the running Agent: by two files that its first run makes, and a local socket.

The files and their errors are the real ones (datadog-agent 7.66 and later, comp/core/ipc and pkg/api/security). The
real Agent listens with TLS on a TCP port; this one's socket can be opened by its user and root alone, and wants the
token.
"""

import contextlib
import datetime
import hmac
import ipaddress
import os
import secrets
from collections.abc import Callable
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any

from standin_agent.config import Config

ARTIFACTS = {"auth_token": "auth token", "ipc_cert.pem": "IPC certificate"}
SHORTEST_TOKEN = 32
# Seconds: for an answer, and for a caller to say what it wants.
PATIENCE, SILENCE = 10, 5


class IpcError(Exception):
    """The running Agent cannot be asked; the text says why."""


def create(config: Config) -> None:
    """Make what is missing of the two files, for this user alone. Only a run of the daemon does so."""
    for name, make in (("auth_token", _token), ("ipc_cert.pem", _certificate)):
        path = config.artifact(name)
        if not path.exists():
            fresh = path.with_name(f".{path.name}.new")
            fresh.unlink(missing_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(make())
            fresh.rename(path)


def read(config: Config) -> str:
    """The token, where both files can be read. Raises IpcError."""
    found = {name: _read(config.artifact(name), name) for name in ARTIFACTS}
    token = found["auth_token"].decode(errors="replace").strip()
    if len(token) < SHORTEST_TOKEN:
        raise IpcError(f"invalid authentication token: must be at least {SHORTEST_TOKEN} characters in length")
    return token


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        what = "authentication token" if name == "auth_token" else "IPC certificate"
        raise IpcError(
            f"unable to fetch {ARTIFACTS[name]} (please check that the Agent is running, this file is normally "
            f"generated during the first run of the Agent service): unable to read {what} file: open {path}: "
            f"{(error.strerror or str(error)).lower()}"
        ) from None


def ask(config: Config, question: str) -> Any:
    """What the running Agent answers. Raises IpcError."""
    token = read(config)
    try:
        with Client(str(config.socket)) as agent:
            agent.send((token, question))
            if agent.poll(PATIENCE):
                return agent.recv()
            problem = "it does not answer"
    except PermissionError:
        problem = f"permission denied on {config.socket}, run this as root or dd-agent"
    except (OSError, EOFError) as error:
        problem = str(error) or "it refuses the authentication token"
    raise IpcError(f"could not reach agent: {problem}\nMake sure the agent is running before requesting the {question}")


def listen(config: Config) -> Listener:
    """The socket on which `answer` answers."""
    # To open a socket is to write to it: by systemd's umask, only the Agent's user and root may.
    config.socket.unlink(missing_ok=True)
    return Listener(str(config.socket), backlog=8)


def answer(listener: Listener, token: str, answers: dict[str, Callable[[], Any]]) -> None:
    """Answer whoever knows the token, for ever."""
    while True:
        # A caller that goes away, says nothing or asks for what is not there must not end the answering.
        with contextlib.suppress(Exception), listener.accept() as caller:
            if caller.poll(SILENCE):
                given, question = caller.recv()
                if hmac.compare_digest(given, token):
                    caller.send(answers[question]())


def _token() -> bytes:
    return secrets.token_hex(SHORTEST_TOKEN).encode()


def _certificate() -> bytes:
    """A certificate of this host for itself, with its key."""
    # The package of the distribution; only the first run needs it.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Kennel lab, not Datadog")])
    now = datetime.datetime.now(datetime.timezone.utc)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .issuer_name(name)
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.TraditionalOpenSSL
    encoding = serialization.Encoding.PEM
    return certificate.public_bytes(encoding) + key.private_bytes(encoding, form, serialization.NoEncryption())
