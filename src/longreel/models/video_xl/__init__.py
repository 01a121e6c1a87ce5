"""Video-XL: learned summary tokens condense each interval of a film (arXiv 2409.14485).

`register_auto_classes()` makes transformers' AutoConfig and AutoModel know the architecture.
"""

from longreel.models.video_xl.configuration import SummaryTokenConfig, VideoXLConfig
from longreel.models.video_xl.language_model import SummaryTokenLM
from longreel.models.video_xl.modeling import VideoXLModel, register_auto_classes

__all__ = ["SummaryTokenConfig", "SummaryTokenLM", "VideoXLConfig", "VideoXLModel", "register_auto_classes"]
