"""All attacks, in the order of the table."""

from tests.attacks import ATTACKS, Attack, bytes, disk, sizes

MODULES = (sizes, bytes, disk)  # each enters its own


def _place(number: str) -> tuple[int, str]:
    digits = number.rstrip("abc")
    return (int(digits), number) if digits.isdigit() else (99, number)


TABLE: dict[str, Attack] = {number: ATTACKS[number] for number in sorted(ATTACKS, key=_place)}
