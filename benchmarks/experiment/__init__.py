"""The same questions put to memories made in many ways; `experiments.py` is the program."""
