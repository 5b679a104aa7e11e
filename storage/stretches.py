"""Rows by author and pause: what a timeline shows as one line.

Pure functions of moments; knows no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from collab.storage import PAUSE, Stretch


def cut(
    first: int, seqs: Sequence[int], times: Sequence[int], authors: Sequence[str]
) -> list[Stretch]:
    """Return the stretches of consecutive rows, in order.

    Each begins behind the last row of the one before; the first of them at `first`.
    """
    pauses = {n for n, (time, later) in enumerate(pairwise(times), 1) if later - time > PAUSE}
    others = {n for n, (author, other) in enumerate(pairwise(authors), 1) if author != other}
    return [
        Stretch(
            seqs[start - 1] + 1 if start else first,
            seqs[end - 1],
            authors[start],
            times[start],
            times[end - 1],
        )
        for start, end in pairwise([0, *sorted(pauses | others), len(times)])
    ]


def joined(before: Stretch, after: Stretch) -> Stretch | None:
    """Return both as one, if they are."""
    if (
        before.last + 1 == after.first
        and before.author == after.author
        and after.began - before.ended <= PAUSE
    ):
        return Stretch(before.first, after.last, after.author, before.began, after.ended)
    return None
