"""TLS that the server speaks itself: a certificate and its key, from two PEM files. Knows `ssl`."""

import ssl
from pathlib import Path


def context(certificate: str, key: str) -> ssl.SSLContext:
    """What Tornado needs to serve TLS 1.2 and 1.3 with this certificate (and the chain after it).

    Raises OSError with the file's name when one cannot be read, ValueError with a sentence when it
    is not what it should be, or when the two do not belong together."""
    if "-----BEGIN CERTIFICATE-----" not in _read(certificate):
        raise ValueError(f"There is no certificate in {certificate}: it must be a PEM file.")
    if "PRIVATE KEY-----" not in _read(key):
        raise ValueError(f"There is no private key in {key}: it must be a PEM file.")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION  # costs us far more than whoever asks for it
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(certificate, key, password=_refuse)
    except _Encrypted:
        raise ValueError(f"The key in {key} is encrypted: nobody is here to decrypt it.") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ValueError(f"The key in {key} is not that of {certificate}.") from None
        raise ValueError(f"{certificate} and {key} are damaged: {error.reason}.") from None
    return made


class _Encrypted(Exception):
    """OpenSSL asks for a passphrase."""


def _refuse() -> str:
    raise _Encrypted


def _read(file: str) -> str:
    return Path(file).read_text("ascii", "replace")
