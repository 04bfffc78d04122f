"""The command line `arvo`. Commands parse and print; what they do is in the rooms below, for programs to do too."""

from arvo.cli.main import main

__all__ = ["main"]
