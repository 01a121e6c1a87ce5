"""The entry point by which lmms-eval (0.7) finds longreel: `lmms-eval eval --model longreel …`.

lmms-eval loads the entry points of all packages together, and one that fails drops the others: so nothing is
imported here before it asks, and torch not even then.
"""

from __future__ import annotations

from typing import Any

NAME = "longreel"
_CLASS = "longreel.integrations.lmms_eval_model.LongreelChat"


def manifests() -> list[Any]:
    """One `ModelManifest`: our name, which is nobody else's there, and where the class is."""
    from lmms_eval.models.registry_v2 import ModelManifest

    return [ModelManifest(model_id=NAME, chat_class_path=_CLASS)]
