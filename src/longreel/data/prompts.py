"""What models are asked while ordering questions are made.

The wording of Video-XL's authors is not public (specification e names the steps only): this is our own.
"""

from __future__ import annotations

CAPTION = (
    "Describe what happens in this part of a film in two or three sentences: who or what is seen, where, and "
    "what they do."
)

CLUES = """These captions tell what consecutive parts of one film show.

{captions}

Find the visual clues in them: key events and sights by which someone who watched the film can tell what \
came earlier and what came later. Each clue is a short phrase that says what is seen, belongs to one part \
only, and cannot be taken for another. Leave out what is seen all through the film.

Reply with a JSON list and nothing else, in the order of time, of at most {most} clues:
[{{"part": 1, "clue": "a red car stops at a gate"}}]"""

AGAIN = "That cannot be used: {fault}. Reply with the JSON list and nothing else."
