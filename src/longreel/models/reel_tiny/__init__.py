"""The small model in this package: it knows the world of `longreel.films` and nothing else."""

from __future__ import annotations

# The families of questions it is meant to answer; see `longreel.films.families`.
FAMILIES = ("colour", "place", "action", "object", "existence")
