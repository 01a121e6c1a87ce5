"""Models that differ in one thing of their training; `ablations.py` is the program."""
