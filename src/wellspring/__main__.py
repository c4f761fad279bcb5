"""`python -m wellspring`: the same as the `wellspring` command."""

from wellspring.cli import main

main()
