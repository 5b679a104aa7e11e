"""The settings of `quire`: what they are, what they mean, and which source wins.

A setting is a field of `Settings` and nothing else: its option, its QUIRE_ variable, its place in
quire.toml, its line in --show-config and its test in tests/test_docs.py follow from that. Knows
nothing of what is done with them. A setting has to be argued for (each says why it is one); the
rest are constants where they are used.
"""

import ipaddress
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from collab.limits import Limits
from collab.web.proxies import Proxies

DEFAULT = "default"

_T = TypeVar("_T")


def _setting(default: _T, read: Callable[[object], _T], text: str) -> _T:
    """A field with its help, and how to read it from text or TOML (ValueError: it is wrong)."""
    value: _T = field(default=default, metadata={"read": read, "help": text})
    return value


def _text(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value
    raise ValueError("must be a text that is not empty")


def _file(value: object) -> str:
    if isinstance(value, str):
        return value
    raise ValueError("must be the name of a file")


def _number(least: int, most: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        text = str(value).replace("_", "")
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            raise ValueError(f"must be a whole number from {least} to {most}")
        if not least <= int(text) <= most:
            raise ValueError(f"must be from {least} to {most}")
        return int(text)

    return read


def _yes_or_no(value: object) -> bool:
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if (answer := known.get(str(value).lower())) is None:
        raise ValueError("must be true or false")
    return answer


def _one_of(*choices: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return str(value)

    return read


def _origins(value: object) -> tuple[str, ...]:
    """A list, or a text with commas; each as browsers write an origin: no path, no last slash."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        raise ValueError("must be a list of origins")
    origins = tuple(str(origin).strip() for origin in listed if str(origin).strip())
    for origin in origins:
        scheme, separator, host = origin.partition("://")
        if scheme not in ("http", "https") or not separator or not host or set(host) & set("/?#@ "):
            raise ValueError("must be origins such as https://docs.example.org,http://[::1]:8080")
    return origins


def _proxies(value: object) -> tuple[str, ...]:
    """A list, or a text with commas: addresses, or networks such as 10.0.0.0/8."""
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list | tuple):
        raise ValueError("must be a list of addresses")
    proxies = tuple(str(proxy).strip() for proxy in listed if str(proxy).strip())
    try:
        Proxies(proxies)
    except ValueError as error:
        raise ValueError(f"must be addresses or networks such as 10.0.0.0/8 ({error})") from None
    return proxies


_NUMBERS = {limit.name: _number(1, limit.metadata["most"]) for limit in fields(Limits)}


def _limits(value: object) -> dict[str, int]:
    """Of a table, or of texts such as "connections=5000,idle_seconds=60": those that it names."""
    listed = value.split(",") if isinstance(value, str) else value
    if isinstance(listed, list | tuple):
        words = [word.strip() for text in listed for word in str(text).split(",") if word.strip()]
        listed = {name: number for name, _, number in (word.partition("=") for word in words)}
    if not isinstance(listed, Mapping):
        raise ValueError("must be limits such as connections=5000,idle_seconds=60")
    numbers = {}
    for name, number in listed.items():
        if name not in _NUMBERS:
            raise ValueError(f"has no limit {name!r}, only {', '.join(_NUMBERS)}")
        try:
            numbers[name] = _NUMBERS[name](number)
        except ValueError as error:
            raise ValueError(f"{name} {error}") from None
    return numbers


@dataclass(frozen=True)
class Settings:
    """Everything that can be set. Field by field: default, and why it is a setting."""

    # Where one listens is the first thing that differs between a laptop and a server.
    host: str = _setting("127.0.0.1", _text, "Address to listen on.")
    port: int = _setting(4700, _number(0, 65535), "Port to listen on; 0 takes any free one.")
    # The one thing to back up: people have to be able to say where it is.
    store: str = _setting("quire-data/quire.db", _text, "File that keeps the documents.")
    # There are no accounts: nobody should be open to a network without having said so.
    open: bool = _setting(
        False,
        _yes_or_no,
        "Let in everybody who can reach the address, where that is not this machine alone.",
    )
    # Editors in somebody's own pages are what a backend is for, and their hosts are theirs.
    origins: tuple[str, ...] = _setting(
        (), _origins, "Web pages that may connect, besides Quire's own: their origins."
    )
    # Small servers have no proxy in front that could speak TLS for them.
    certificate: str = _setting(
        "", _file, "Certificate by which to serve HTTPS: a PEM file, with the chain after it."
    )
    key: str = _setting("", _file, "Private key of the certificate: a PEM file.")
    # Nobody but the operator knows who stands in front; anybody can claim to.
    proxies: tuple[str, ...] = _setting(
        (), _proxies, "Reverse proxies whose X-Forwarded- headers are believed: their addresses."
    )
    # Bounds what one peer can make the process hold; big documents pasted at once need more.
    max_message: int = _setting(
        8 << 20, _number(1 << 16, 1 << 30), "Largest message of an editor, in bytes."
    )
    # Log collectors want JSON whatever stderr is, and people sometimes pipe what they read.
    log: str = _setting(
        "auto",
        _one_of("auto", "human", "json"),
        "How to write the log: for a human, as JSON lines, or by where it goes.",
    )
    # They are for whoever looks at Quire for the first time; and who asks nobody echoes anybody.
    examples: bool = _setting(
        False, _yes_or_no, "Serve small pages to read and to copy, at /examples."
    )
    # Has to be shorter than the idle time of whatever proxy stands in front.
    ping_interval: int = _setting(
        25,
        _number(1, 3600),
        "Seconds between pings that keep connections alive and find dead ones.",
    )
    # What people wrote and took back may have to go some day: how soon is for them to say.
    thin: str = _setting(
        "never",
        _one_of("never", "hour", "day"),
        "Of the past of documents, keep one moment an hour or a day, and what has a name.",
    )
    thin_after: int = _setting(
        30, _number(0, 36_500), "Days in which everything is kept before it is thinned."
    )
    # With keys there are users; whoever keeps them says where.
    keys: str = _setting(
        "", _file, "File with the keys that sign tokens, the newest first; without, no users."
    )
    # Whether an audience is to be seen is a matter of taste, and of what the document is.
    readers: str = _setting(
        "shown",
        _one_of("shown", "hidden", "apart"),
        "Those who may only read: shown to the others, hidden, or apart: they see nobody either.",
    )
    # What is plenty for one machine is an attack on another.
    limits: Limits = field(
        default=Limits(),
        metadata={
            "read": _limits,
            "help": "Limits by name, such as connections=5000; --show-config lists them.",
        },
    )
    # A machine has the memory that it has; whoever runs out of it is ended by the kernel, at once.
    max_memory: int = _setting(
        4 << 30, _number(1 << 28, 1 << 50), "Memory of the server's process, in bytes (RLIMIT_AS)."
    )


def load(
    flags: Mapping[str, Any], environ: Mapping[str, str], path: Path
) -> tuple[Settings, dict[str, str]]:
    """The settings, and for each the name of its source: an option, a variable, `path`, `default`.
    Limits come one by one, as "limits.connections".

    `flags` holds the options by field name (None or an empty tuple: not given), `path` is the
    settings file, which need not exist. Raises ValueError with a sentence that names the source
    of a value that cannot be, and OSError when the file is there but cannot be read.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    file = _read_file(path)
    for setting in fields(Settings):
        name = setting.name
        given = {
            option(name): flags.get(name),
            variable(name): environ.get(variable(name)),
            str(path): file.get(name),
        }
        found = _read(setting, {source: v for source, v in given.items() if v not in (None, ())})
        if name == "limits":
            each = {limit.name: DEFAULT for limit in fields(Limits)}
            numbers: dict[str, int] = {}
            for source, some in reversed(found):
                numbers |= some
                each |= dict.fromkeys(some, source)
            values[name] = Limits(**numbers)
            sources |= {f"{name}.{limit}": source for limit, source in each.items()}
        else:
            sources[name], values[name] = found[0] if found else (DEFAULT, setting.default)
    if bool(values["certificate"]) != bool(values["key"]):
        missing = "key" if values["certificate"] else "certificate"
        raise ValueError(f"{option(missing)} is missing: a certificate and its key come together.")
    return Settings(**values), sources


def _read(setting: Field[Any], given: Mapping[str, object]) -> list[tuple[str, Any]]:
    """What each source gives; but for limits, which add up, only the first one counts."""
    found = []
    for source, value in given.items():
        try:
            found.append((source, setting.metadata["read"](value)))
        except ValueError as error:
            where = source if source.startswith(("--", "QUIRE_")) else f"{source}: {setting.name}"
            raise ValueError(f"{where} {error}, not {value!r}.") from None
        if setting.name != "limits":
            break
    return found


def option(name: str) -> str:
    """The command-line option of a setting."""
    return "--limit" if name == "limits" else "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return "QUIRE_" + name.upper()


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}.") from None
    known = [setting.name for setting in fields(Settings)]
    for name in content:
        if name not in known:
            raise ValueError(f"{path}: there is no setting {name!r}; known: {', '.join(known)}.")
    return content


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address to listen on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
