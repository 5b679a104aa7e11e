"""What is read again on SIGHUP, without a restart: files that change while the server runs."""

import asyncio
import logging
import signal
from collections.abc import Callable

logger = logging.getLogger("web")


class Reload:
    """Everything that can be read again, by its name in the log. Without any of it SIGHUP stays
    what it is to other programs."""

    def __init__(self) -> None:
        self._parts: dict[str, Callable[[], None]] = {}

    def register(self, name: str, read: Callable[[], None]) -> None:
        """`read` is called on each SIGHUP, in the event loop of now. It must leave everything as it
        was when it raises OSError or ValueError."""
        if not self._parts:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.read)
        self._parts[name] = read

    def read(self) -> None:
        """Reads all of it; what cannot be read stays as it was, and the log says why."""
        for name, read in self._parts.items():
            try:
                read()
            except (OSError, ValueError) as error:
                logger.error("%s could not be read again, the old one stays: %s", name, error)
            else:
                logger.info("%s was read again", name)
