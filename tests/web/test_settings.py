"""Where settings come from, and what happens to bad ones."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from collab.limits import Limits
from collab.web.settings import Settings, is_loopback, load, option, variable

NO_FILE = Path("nowhere/quire.toml")


def test_defaults() -> None:
    """With nothing said, everything is at its default, and says so."""
    settings, sources = load({}, {}, NO_FILE)
    assert Settings() == settings
    names = {field.name for field in dataclasses.fields(Settings)} - {"limits"}
    limits = {f"limits.{field.name}" for field in dataclasses.fields(Limits)}
    assert dict.fromkeys(names | limits, "default") == sources
    assert (
        Settings(store="quire-data/quire.db", port=4700, host="127.0.0.1", max_message=8_388_608)
        == settings
    )


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    """Each source is asked in turn, setting by setting, and named."""
    file = tmp_path / "quire.toml"
    file.write_text('host = "::1"\nport = 1\nstore = "file.db"\norigins = ["https://a.example"]\n')
    environ = {"QUIRE_PORT": "2", "QUIRE_STORE": "environment.db", "QUIRE_SEED": "7"}
    settings, sources = load({"store": "flag.db", "log": None, "origins": ()}, environ, file)
    assert Settings("::1", 2, "flag.db", origins=("https://a.example",)) == settings
    assert [str(file), "QUIRE_PORT", "--store", "default"] == [
        sources[name] for name in ("host", "port", "store", "log")
    ]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("open", "1", True),
        ("open", "False", False),
        ("max_message", "1_000_000", 1_000_000),
        ("origins", "https://a.b, http://[::1]:8080,", ("https://a.b", "http://[::1]:8080")),
        ("origins", "", ()),
    ],
)
def test_text_is_read_as_what_the_setting_is(name: str, text: str, value: object) -> None:
    """Variables and options are text; a setting is not."""
    settings, _ = load({}, {variable(name): text}, NO_FILE)
    assert value == getattr(settings, name)


BAD = [
    ("port", "http", "must be a whole number from 0 to 65535"),
    ("port", "65536", "must be from 0 to 65535"),
    ("port", "-1", "must be a whole number"),
    ("port", True, "must be a whole number"),
    ("host", " ", "must be a text that is not empty"),
    ("host", 1, "must be a text"),
    ("open", "maybe", "must be true or false"),
    ("origins", "https://a.b/", "must be origins such as https://docs.example.org"),
    ("origins", "a.b", "must be origins"),
    ("origins", 5, "must be a list of origins"),
    ("proxies", "10.0.0.1/8", "must be addresses or networks such as 10.0.0.0/8 .*host bits"),
    ("proxies", "nginx", "must be addresses or networks"),
    ("proxies", 5, "must be a list of addresses"),
    ("max_message", "10", "must be from 65536 to"),
    ("log", "xml", "must be one of auto, human, json"),
    ("ping_interval", "0", "must be from 1 to"),
    ("limits", "connection=5", "has no limit 'connection', only connections, address_"),
    ("limits", "connections", "connections must be a whole number from 1 to 1000000"),
    ("limits", "idle_seconds=5,body_bytes=0", "body_bytes must be from 1 to"),
    ("limits", True, "must be limits such as connections=5000,idle_seconds=60"),
]


@pytest.mark.parametrize(("name", "value", "sentence"), BAD)
def test_bad_values_name_their_source(name: str, value: Any, sentence: str, tmp_path: Path) -> None:
    """Whoever reads the sentence knows where to look, what is allowed and what was found."""
    with pytest.raises(ValueError, match=f"^{option(name)} {sentence}.*, not {value!r}\\.$"):
        load({name: value}, {}, NO_FILE)
    if isinstance(value, str):
        with pytest.raises(ValueError, match=f"^{variable(name)} {sentence}"):
            load({}, {variable(name): value}, NO_FILE)
    file = tmp_path / "quire.toml"
    file.write_text(f"{name} = {str(value).lower() if isinstance(value, bool) else repr(value)}\n")
    with pytest.raises(ValueError, match=f"^{file}: {name} {sentence}"):
        load({}, {}, file)


def test_a_certificate_and_its_key_come_together() -> None:
    """Whoever forgot one is told which."""
    with pytest.raises(ValueError, match=r"^--key is missing"):
        load({"certificate": "a.pem"}, {}, NO_FILE)
    with pytest.raises(ValueError, match=r"^--certificate is missing"):
        load({}, {"QUIRE_KEY": "a.pem"}, NO_FILE)
    assert "a.pem" == load({"certificate": "a.pem", "key": "b.pem"}, {}, NO_FILE)[0].certificate


def test_limits_are_set_one_by_one(tmp_path: Path) -> None:
    """Each comes from the first source that names it; the others have their defaults."""
    file = tmp_path / "quire.toml"
    file.write_text("[limits]\nconnections = 1\nidle_seconds = 2\nbody_bytes = 3\n")
    environ = {"QUIRE_LIMITS": "connections=11, idle_seconds=12"}
    flags = {"limits": ("connections=2_1", "body_seconds=5,handshake_seconds=6")}
    settings, sources = load(flags, environ, file)
    assert settings.limits == Limits(
        connections=21, body_seconds=5, handshake_seconds=6, idle_seconds=12, body_bytes=3
    )
    assert ["--limit", "QUIRE_LIMITS", str(file), "default"] == [
        sources[f"limits.{name}"]
        for name in ("connections", "idle_seconds", "body_bytes", "address_connections")
    ]


def test_a_limit_that_the_file_gives_wrongly_is_named(tmp_path: Path) -> None:
    """By the file, the table, and its own name."""
    file = tmp_path / "quire.toml"
    file.write_text('[limits]\nconnections = "many"\n')
    with pytest.raises(ValueError, match=f"^{file}: limits connections must be a whole number"):
        load({}, {}, file)


def test_a_file_that_cannot_be_understood_is_refused(tmp_path: Path) -> None:
    """A misspelt setting is not passed over, and neither is half a file."""
    file = tmp_path / "quire.toml"
    for content, sentence in {
        b"prot = 1": "there is no setting 'prot'; known: host, port,",
        b"port =": "is not TOML",
        b"\xff": "is not TOML",
    }.items():
        file.write_bytes(content)
        with pytest.raises(ValueError, match=f"^{file}.*{sentence}"):
            load({}, {}, file)


def test_which_addresses_are_of_this_machine_alone() -> None:
    """What is not known to be loopback is not: then --open has to be said."""
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "192.168.1.1", "example.org", ""]))
