"""What the tests of stores in files share."""

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where a file will be."""
    return tmp_path / "q.db"
