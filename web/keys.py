"""The file with the keys that sign tokens: read, and written when a key is added.

Whoever can read it can make tokens for anybody, so only its owner may.
"""

import os
from pathlib import Path

from collab.tokens import Tokens, new_key, read_keys


def load_tokens(path: str, readers: str = "shown") -> Tokens:
    """The hook for the keys in a file. OSError or ValueError with a sentence if there are none."""
    try:
        return Tokens(keys_in(path), readers)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"There are no keys at {path}. `quire token key --keys {path}` makes one."
        ) from None
    except ValueError as error:
        raise ValueError(f"The keys in {path} cannot be used: {error}.") from None


def keys_in(path: str) -> list[str]:
    """The keys in a file, newest first. OSError, ValueError."""
    return read_keys(Path(path).read_text("utf-8"))


def add_key(path: Path) -> int:
    """Puts a new key before those in a file, which is made if need be; how many there are then."""
    older = path.read_text("utf-8") if path.exists() else ""
    written = path.with_name(f".{path.name}.new")
    with open(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"{new_key()}\n{older}")
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
    return len(read_keys(older)) + 1
