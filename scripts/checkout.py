"""Import this first: goes on in the checkout's own Python, where Quire and its tools are installed.

Needs nothing but the standard library. Make that Python with `scripts/serve` or `scripts/test`.
"""

import os
import sys
from pathlib import Path

_PYTHON = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "python"

if sys.prefix == sys.base_prefix and _PYTHON.exists():
    os.execv(_PYTHON, [str(_PYTHON), *sys.argv])
