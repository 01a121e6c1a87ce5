"""How questions are worded: per form, the sentences of training and those held out of it.

Held-out sentences use words that training sentences use too, in another order. Slots: {name} an object,
{a} an object (and colour) with its article, {colour}, {where} a place with its preposition, {did} an action
in the past tense, {one} and {two} objects, {n} a number.
"""

from __future__ import annotations

TRAIN: dict[str, tuple[str, ...]] = {
    "colour": (
        "What colour was the {name}?",
        "Which colour was the {name}?",
        "Tell me the colour of the {name}.",
        "What was the colour of the {name}?",
    ),
    "place": (
        "Where was the {name}?",
        "At which place was the {name}?",
        "Tell me where the {name} was.",
        "In which place did you see the {name}?",
    ),
    "action": (
        "What did the {name} do?",
        "What was the {name} doing?",
        "Tell me what the {name} did.",
        "Which action did the {name} do?",
    ),
    "object colour place": (
        "What was {colour} {where}?",
        "Which thing was {colour} {where}?",
        "What was the {colour} thing {where}?",
        "Tell me what was {colour} {where}.",
    ),
    "object colour action": (
        "What was {colour} and {did}?",
        "Which {colour} thing {did}?",
        "Tell me what was {colour} and {did}.",
    ),
    "object place action": (
        "What {did} {where}?",
        "Which thing {did} {where}?",
        "Tell me what {did} {where}.",
    ),
    "existence": (
        "Was there {a}?",
        "Did you see {a}?",
        "Is there {a} in the film?",
        "Did {a} appear?",
    ),
    "count object": (
        "How many times did you see {a}?",
        "How many scenes show {a}?",
        "In how many scenes was there {a}?",
    ),
    "count colour": (
        "How many {colour} things were there?",
        "How many things were {colour}?",
        "How many {colour} things did you see?",
    ),
    "before": (
        "Which came first, the {one} or the {two}?",
        "What came earlier, the {one} or the {two}?",
        "Was the {one} or the {two} first?",
    ),
    "after": (
        "Which came last, the {one} or the {two}?",
        "What came later, the {one} or the {two}?",
        "Was the {one} or the {two} later?",
    ),
    "next": (
        "What came right after the {name}?",
        "What was next after the {name}?",
        "Which thing came next after the {name}?",
    ),
    "when": (
        "When did you see the {name}?",
        "At what time was the {name} in the film?",
        "When was there {a}?",
    ),
    "needle colour": (
        "What colour was the {name} {where}?",
        "Which colour was the {name} {where}?",
        "Tell me the colour of the {name} {where}.",
    ),
    "needle action": (
        "What did the {name} {where} do?",
        "What was the {name} {where} doing?",
        "Tell me what the {name} {where} did.",
    ),
    "needle place": (
        "Where was the {colour} {name}?",
        "At which place was the {colour} {name}?",
        "Tell me where the {colour} {name} was.",
    ),
    "object all": (
        "What {colour} thing {did} {where}?",
        "Which thing was {colour} and {did} {where}?",
        "Tell me which thing was {colour} and {did} {where}.",
    ),
    "list colour": (
        "What were the first {n} {colour} things, in order?",
        "List the first {n} {colour} things in order.",
        "Tell me the first {n} {colour} things in order.",
    ),
    "list": (
        "What were the first {n} things, in order?",
        "List the first {n} things in order.",
        "Tell me the first {n} things in order.",
    ),
    "summary": (
        "What was in the film?",
        "What did the film show?",
        "List all the things in the film.",
    ),
}

UNSEEN: dict[str, tuple[str, ...]] = {
    "colour": (
        "In which colour did you see the {name}?",
        "In the film, which colour was the {name}?",
    ),
    "place": (
        "Where did you see the {name}?",
        "Which place was the {name} in?",
    ),
    "action": (
        "What did you see the {name} do?",
        "What was the action of the {name}?",
    ),
    "object colour place": (
        "What {colour} thing did you see {where}?",
        "Tell me which thing was {colour} {where}.",
    ),
    "object colour action": (
        "Tell me which {colour} thing {did}.",
        "Which thing was {colour} and {did}?",
    ),
    "object place action": (
        "In the film, what {did} {where}?",
        "Tell me which thing {did} {where}.",
    ),
    "existence": (
        "Was {a} in the film?",
        "Did the film show {a}?",
        "Tell me, was there {a}?",
    ),
    "count object": (
        "How many times was there {a}?",
        "How many times did {a} appear?",
    ),
    "count colour": (
        "Tell me how many things were {colour}.",
        "In the film, how many {colour} things were there?",
    ),
    "before": (
        "Which was first, the {one} or the {two}?",
        "Tell me which came earlier, the {one} or the {two}.",
    ),
    "after": (
        "Which was later, the {one} or the {two}?",
        "Tell me which came last, the {one} or the {two}.",
    ),
    "next": (
        "What did you see right after the {name}?",
        "Tell me what came next after the {name}.",
    ),
    "when": (
        "When was the {name} in the film?",
        "Tell me at what time you see the {name}.",
    ),
    "needle colour": (
        "What was the colour of the {name} {where}?",
        "In which colour did you see the {name} {where}?",
    ),
    "needle action": (
        "Which action did the {name} {where} do?",
        "What was the action of the {name} {where}?",
    ),
    "needle place": (
        "In which place did you see the {colour} {name}?",
        "Where did you see the {colour} {name}?",
    ),
    "object all": (
        "In the film, what {colour} thing {did} {where}?",
        "Tell me which {colour} thing {did} {where}.",
    ),
    "list colour": (
        "Which {n} {colour} things came first, in order?",
        "In order, what were the first {n} {colour} things?",
    ),
    "list": (
        "Which {n} things came first, in order?",
        "In order, what were the first {n} things?",
    ),
    "summary": (
        "What did you see in the film?",
        "Tell me all the things in the film.",
    ),
}

WORDINGS = {"train": TRAIN, "unseen": UNSEEN}

# Words of the answers that no question has.
ANSWER_WORDS = "yes no there was were the a an and thing that with scene scenes times at second seconds "
ANSWER_WORDS += "minute minutes came before after first then"

# Small words that people use around the words that count.
COMMON_WORDS = """
a about again all also am an and another any anything appear appeared are as ask at away be because
been before began begin being between both but by came can changed come comes could describe did do
does doing done during each earlier either else end ended ends ever every everything film find first
for from get give go goes going gone had happen happened happens has have he her here him his how i
if in inside into is it its just kind know last later least less like list look looked looks made
make many may me middle might more most movie much my name near never next no none not nothing now
of off often on once one only or order other our out over own part picture place please point quite
really right same say scene scenes second see seen she should show showed shown shows since so some
something soon start started still such sure tell than that the their them then there these they
thing things this those through time times to together too twice two under until us use very video
want was watch watched way we well went were what when where which while who whole why will with
without would yes yet you your
"""
