"""Video-XL: learned summary tokens condense each interval of a film (arXiv 2409.14485)."""

from longreel.models.video_xl.configuration import SummaryTokenConfig
from longreel.models.video_xl.language_model import SummaryTokenLM

__all__ = ["SummaryTokenConfig", "SummaryTokenLM"]
