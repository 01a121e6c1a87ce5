"""Model families: what a folder's config.json calls itself, and who can load it.

A family costs one file and one line here. Its loader is named, not imported, so that one family's
dependencies are no burden to another.
"""

from __future__ import annotations

FAMILIES = {
    "longreel_video_xl": "longreel.models.video_xl.adapter:VideoXLAdapter.from_folder",
    "llava_qwen": "longreel.models.video_xl.released.loading:load_adapter",
    "qwen2_vl": "longreel.models.qwen_vl:Qwen2VLAdapter.from_folder",
    "qwen2_5_vl": "longreel.models.qwen_vl:Qwen25VLAdapter.from_folder",
    "qwen3_vl": "longreel.models.qwen_vl:Qwen3VLAdapter.from_folder",
    "llava_onevision": "longreel.models.llava_onevision:LlavaOnevisionAdapter.from_folder",
}

DEFAULT = "longreel.models.reel_tiny:load_adapter"
