"""`python -m arvo` is the command line `arvo`."""

from arvo.cli import main

if __name__ == "__main__":
    main(prog_name="arvo")
