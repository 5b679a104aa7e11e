"""Memory that is kept back for when there is no more. Knows nothing of who asks for it.

When the process has come to its limit every allocation fails, also the smallest one of somebody
who has nothing to do with it. Then this is let go of: those who need little go on, and who needs
much is sent away. It is address space only: nothing is ever written to it.
"""

import mmap

SIZE = 32 << 20  # bytes: some hundred turns of everybody


class Reserve:
    """Held or not; not held in a process without a limit."""

    def __init__(self) -> None:
        self.short = False  # it was given, and there has been no room for it since
        self._held: mmap.mmap | None = None

    def hold(self) -> None:
        """Keep it back, if there is room for it. Call it now and then: it may have been given."""
        if self._held is None:
            try:
                self._held = mmap.mmap(-1, SIZE)
                self.short = False
            except (OSError, MemoryError):
                pass  # not yet

    def give(self) -> bool:
        """Let go of it; whether there is more room than before."""
        held, self._held = self._held, None
        if held is not None:
            self.short = True
            held.close()
        return held is not None


reserve = Reserve()
"""The one of this process."""
