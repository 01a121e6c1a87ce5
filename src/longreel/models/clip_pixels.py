"""How pixels were scaled for CLIP, and for the many towers that follow it."""

# Per channel, of values from 0 to 1.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
