"""Run the command line with `python -m upss`."""

from upss.cli import main

main()
