"""Marks in conversations of training data, each where an image or a film is shown."""

from __future__ import annotations

IMAGE, VIDEO = "<image>", "<video>"
