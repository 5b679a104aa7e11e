"""`python -m collab.web` is `quire`."""

from collab.web.cli import main

main()
