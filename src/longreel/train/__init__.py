"""Training: films are drawn, seen and asked about."""

from longreel.train.run import run

__all__ = ["run"]
