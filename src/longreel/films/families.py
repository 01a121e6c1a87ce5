"""What can be asked about a film: each family yields drafts of questions in random order."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from longreel.films.scenes import Film, Scene
from longreel.films.vocabulary import COLOURS, LISTED, OBJECTS, PAST_TENSE, counted, where, with_article

_LARGEST_COUNT = 9
_SHARE_COLOUR_FORM = 0.25
_WRONG_OPTIONS = 3
_SAMPLE = 3
# Seconds around a scene from which no wrong option is taken: more than marking forgives.
_CLEAR = 5.0


@dataclass(frozen=True)
class Draft:
    """A question before it is worded.

    `form` is a key of the wordings, `shown` the gold as an option, `choices` are wrong options that come
    before any others of the gold's kind.
    """

    form: str
    slots: dict[str, str]
    answer: str
    kind: str
    gold: tuple[str, ...]
    shown: str
    scenes: tuple[Scene, ...] = ()
    choices: tuple[str, ...] = field(default=())


class FilmFacts:
    """A film's scenes, looked up by what they show. Only scenes of `min_event` seconds are asked about."""

    def __init__(
        self, film: Film, min_event: float, random: np.random.Generator, depth: float | None
    ) -> None:
        self.film, self.min_event, self.random, self.depth = film, min_event, random, depth
        self.scenes = film.scenes
        self.by_object: dict[str, list[Scene]] = defaultdict(list)
        for scene in film.scenes:
            self.by_object[scene.object].append(scene)

    def shuffled(self, items: Sequence[Scene]) -> list[Scene]:
        """The items in random order."""
        return [items[i] for i in self.random.permutation(len(items))]

    def long_enough(self, scene: Scene) -> bool:
        """Whether the scene may be asked about."""
        return scene.end - scene.start >= self.min_event

    def seen_once(self) -> list[Scene]:
        """Scenes long enough whose object is in no other scene, in random order."""
        once = [scenes[0] for scenes in self.by_object.values() if len(scenes) == 1]
        return self.shuffled([scene for scene in once if self.long_enough(scene)])

    def alone_with(self, *attributes: str) -> list[Scene]:
        """Scenes long enough that no other scene equals in all these attributes, in random order."""
        keys = [tuple(getattr(scene, name) for name in attributes) for scene in self.scenes]
        counts = Counter(keys)
        alone = [scene for scene, key in zip(self.scenes, keys, strict=True) if counts[key] == 1]
        return self.shuffled([scene for scene in alone if self.long_enough(scene)])

    def coin(self, share: float = 0.5) -> bool:
        """True with that probability."""
        return bool(self.random.random() < share)


Family = Callable[[FilmFacts], Iterator[Draft]]


def _colour(facts: FilmFacts) -> Iterator[Draft]:
    for scene in facts.seen_once():
        answer = f"The {scene.object} was {scene.colour}."
        yield Draft(
            "colour", {"name": scene.object}, answer, "colour", (scene.colour,), scene.colour, (scene,)
        )


def _place(facts: FilmFacts) -> Iterator[Draft]:
    for scene in facts.seen_once():
        answer = f"The {scene.object} was {where(scene.place)}."
        yield Draft("place", {"name": scene.object}, answer, "place", (scene.place,), scene.place, (scene,))


def _action(facts: FilmFacts) -> Iterator[Draft]:
    for scene in facts.seen_once():
        did = PAST_TENSE[scene.action]
        answer = f"The {scene.object} {did}."
        yield Draft("action", {"name": scene.object}, answer, "action", (did.split()[-1],), did, (scene,))


def _object(facts: FilmFacts) -> Iterator[Draft]:
    """Mostly by colour and place, three in ten by a pair with the action; at last by all three."""
    main = facts.alone_with("colour", "place")
    others = {"colour": facts.alone_with("colour", "action"), "place": facts.alone_with("place", "action")}
    while main:
        other = "colour" if facts.coin() else "place"
        if facts.coin(0.3) and others[other]:
            yield _by_action(others[other].pop(), other)
        else:
            scene = main.pop()
            slots = {"colour": scene.colour, "where": where(scene.place)}
            answer = f"The {scene.colour} thing {where(scene.place)} was the {scene.object}."
            yield Draft(
                "object colour place", slots, answer, "object", (scene.object,), scene.object, (scene,)
            )
    for other, scenes in others.items():
        yield from (_by_action(scene, other) for scene in scenes)
    yield from (_by_all(scene) for scene in facts.alone_with("colour", "place", "action"))


def _by_all(scene: Scene) -> Draft:
    at, did = where(scene.place), PAST_TENSE[scene.action]
    slots = {"colour": scene.colour, "where": at, "did": did}
    answer = f"The {scene.colour} thing that {did} {at} was the {scene.object}."
    return Draft("object all", slots, answer, "object", (scene.object,), scene.object, (scene,))


def _by_action(scene: Scene, other: str) -> Draft:
    did = PAST_TENSE[scene.action]
    if other == "colour":
        slots, answer = {"colour": scene.colour}, f"The {scene.colour} thing that {did}"
    else:
        slots, answer = {"where": where(scene.place)}, f"The thing that {did} {where(scene.place)}"
    answer += f" was the {scene.object}."
    form = f"object {other} action"
    return Draft(form, {**slots, "did": did}, answer, "object", (scene.object,), scene.object, (scene,))


def _existence(facts: FilmFacts) -> Iterator[Draft]:
    """Yes and no in turn, until one of them runs out."""
    sides = [_present(facts), _absent(facts)]
    side = int(facts.coin())
    while (draft := next(sides[side], None)) is not None:
        yield draft
        side = 1 - side


def _present(facts: FilmFacts) -> Iterator[Draft]:
    seen: set[str] = set()
    for scene in facts.shuffled([scene for scene in facts.scenes if facts.long_enough(scene)]):
        if scene.object in seen:
            continue
        seen.add(scene.object)
        if facts.coin(_SHARE_COLOUR_FORM):
            words = f"{scene.colour} {scene.object}"
            shown = [s for s in facts.by_object[scene.object] if s.colour == scene.colour]
        else:
            words, shown = scene.object, facts.by_object[scene.object]
        yield _exists(words, True, tuple(shown))


def _absent(facts: FilmFacts) -> Iterator[Draft]:
    """Objects in no scene; for a quarter, objects of the film in a colour they never have."""
    missing = [
        OBJECTS[i] for i in facts.random.permutation(len(OBJECTS)) if OBJECTS[i] not in facts.by_object
    ]
    others = facts.shuffled([scene for scene in facts.scenes if facts.long_enough(scene)])
    asked: set[str] = set()
    while missing:
        if others and facts.coin(_SHARE_COLOUR_FORM):
            scene = others.pop()
            words = f"{_other_colour(facts, scene.object)} {scene.object}"
            if words in asked:
                continue
            asked.add(words)
            yield _exists(words, False, tuple(facts.by_object[scene.object]))
        else:
            yield _exists(missing.pop(), False, ())


def _other_colour(facts: FilmFacts, name: str) -> str:
    worn = {scene.colour for scene in facts.by_object[name]}
    free = sorted({scene.colour for scene in facts.scenes} - worn) or sorted(set(COLOURS) - worn) or ["red"]
    return free[int(facts.random.integers(len(free)))]


def _exists(words: str, there: bool, scenes: tuple[Scene, ...]) -> Draft:
    answer = f"Yes, there was {with_article(words)}." if there else f"No, there was no {words}."
    gold = "yes" if there else "no"
    return Draft("existence", {"a": with_article(words)}, answer, "yes or no", (gold,), gold, scenes)


def _count(facts: FilmFacts) -> Iterator[Draft]:
    """Half about an object (none to a few scenes), half about a colour."""
    names = facts.shuffled(facts.scenes)
    missing = [name for name in OBJECTS if name not in facts.by_object]
    colours = [COLOURS[i] for i in facts.random.permutation(len(COLOURS))]
    asked: set[str] = set()
    while names or colours:
        if colours and (facts.coin() or not names):
            draft = _count_colour(facts, colours.pop())
        else:
            name = names.pop().object
            if missing and facts.coin(0.2):
                name = missing[int(facts.random.integers(len(missing)))]
            if name in asked:
                continue
            asked.add(name)
            draft = _count_object(facts, name)
        if draft is not None:
            yield draft


def _count_colour(facts: FilmFacts, colour: str) -> Draft | None:
    scenes = tuple(scene for scene in facts.scenes if scene.colour == colour)
    return _counted(facts, "count colour", {"colour": colour}, scenes, f"{colour} thing", "")


def _count_object(facts: FilmFacts, name: str) -> Draft | None:
    scenes = tuple(facts.by_object.get(name, ()))
    return _counted(
        facts, "count object", {"a": with_article(name)}, scenes, "scene", f" with {with_article(name)}"
    )


def _counted(
    facts: FilmFacts, form: str, slots: dict[str, str], scenes: tuple[Scene, ...], noun: str, rest: str
) -> Draft | None:
    number = len(scenes)
    if number > _LARGEST_COUNT or not all(facts.long_enough(scene) for scene in scenes):
        return None
    were = f"was {number} {noun}" if number == 1 else f"were {number} {noun}s"
    near = [str(n) for n in range(max(0, number - 3), number + 4) if n != number]
    gold = str(number)
    return Draft(form, slots, f"There {were}{rest}.", "number", (gold,), gold, scenes, tuple(near))


def _before(facts: FilmFacts) -> Iterator[Draft]:
    for first, second in _pairs(facts):
        answer = f"The {first.object} came before the {second.object}."
        yield _choice(facts, "before", answer, first, second)


def _after(facts: FilmFacts) -> Iterator[Draft]:
    for first, second in _pairs(facts):
        answer = f"The {second.object} came after the {first.object}."
        yield _choice(facts, "after", answer, second, first)


def _pairs(facts: FilmFacts) -> Iterator[tuple[Scene, Scene]]:
    """Pairs of objects seen once, the earlier first; every object is in at most two."""
    for _ in range(2):
        scenes = facts.seen_once()
        for one, two in zip(scenes[::2], scenes[1::2], strict=False):
            yield (one, two) if one.start < two.start else (two, one)


def _choice(facts: FilmFacts, form: str, answer: str, right: Scene, wrong: Scene) -> Draft:
    one, two = (right, wrong) if facts.coin() else (wrong, right)
    slots = {"one": one.object, "two": two.object}
    return Draft(
        form, slots, answer, "object", (right.object,), right.object, (right, wrong), (wrong.object,)
    )


def _next(facts: FilmFacts) -> Iterator[Draft]:
    following = dict(zip(facts.scenes, facts.scenes[1:], strict=False))
    for scene in facts.seen_once():
        after = following.get(scene)
        if after is None or not facts.long_enough(after):
            continue
        answer = f"After the {scene.object} came the {after.object}."
        yield Draft(
            "next", {"name": scene.object}, answer, "object", (after.object,), after.object, (scene, after)
        )


def _when(facts: FilmFacts) -> Iterator[Draft]:
    for scene in facts.seen_once():
        times = _other_times(facts, scene)
        time = spoken_time(scene.start)
        slots = {"name": scene.object, "a": with_article(scene.object)}
        answer = f"The {scene.object} was there at {time}."
        yield Draft("when", slots, answer, "time", (str(round(scene.start)),), time, (scene,), times)


def _other_times(facts: FilmFacts, scene: Scene) -> tuple[str, ...]:
    """Starts of other scenes that no marking takes for this one's; where they are few, times that follow."""
    starts = [other.start for other in facts.scenes]
    starts += [facts.film.seconds + 10.0 * number for number in range(1, 4)]
    far = [time for time in starts if not scene.start - _CLEAR < time < scene.end + _CLEAR]
    return tuple(dict.fromkeys(spoken_time(time) for time in far))


def spoken_time(seconds: float) -> str:
    """E.g. "1 minute 5 seconds"; the minutes are left out below one."""
    minutes, rest = divmod(round(seconds), 60)
    parts = [(minutes, "minute"), (rest, "second")] if minutes else [(rest, "second")]
    return " ".join(counted(number, unit) for number, unit in parts)


def _needle(facts: FilmFacts) -> Iterator[Draft]:
    """Scenes of which every attribute is also in another scene, nearest to the asked depth first."""
    counts = [Counter(getattr(scene, name) for scene in facts.scenes) for name in _ATTRIBUTES]
    forms = {"place": facts.alone_with("object", "place"), "colour": facts.alone_with("object", "colour")}
    found = [(scene, by) for by, scenes in forms.items() for scene in scenes if _is_common(scene, counts)]
    order = facts.random.permutation(len(found)).tolist()
    if facts.depth is not None:
        middle = facts.depth * facts.film.seconds
        order.sort(key=lambda i: abs((found[i][0].start + found[i][0].end) / 2 - middle))
    for i in order:
        yield _needle_draft(facts, *found[i])


_ATTRIBUTES = ("object", "colour", "place", "action")


def _is_common(scene: Scene, counts: list[Counter[str]]) -> bool:
    return all(count[getattr(scene, name)] > 1 for name, count in zip(_ATTRIBUTES, counts, strict=True))


def _needle_draft(facts: FilmFacts, scene: Scene, by: str) -> Draft:
    name, at = scene.object, where(scene.place)
    if by == "colour":
        slots, answer = {"name": name, "colour": scene.colour}, f"The {scene.colour} {name} was {at}."
        return Draft("needle place", slots, answer, "place", (scene.place,), scene.place, (scene,))
    slots = {"name": name, "where": at}
    # The place first: by the time a decoder says which thing, it knows which of these is meant.
    if facts.coin():
        answer = f"{at.capitalize()} the {name} was {scene.colour}."
        return Draft("needle colour", slots, answer, "colour", (scene.colour,), scene.colour, (scene,))
    did = PAST_TENSE[scene.action]
    return Draft(
        "needle action",
        slots,
        f"{at.capitalize()} the {name} {did}.",
        "action",
        (did.split()[-1],),
        did,
        (scene,),
    )


def _list(facts: FilmFacts) -> Iterator[Draft]:
    """The first few objects, or those of a colour, if their scenes are long enough."""
    numbers = facts.random.permutation(LISTED).tolist()
    yield from _first(facts, numbers, "list", {}, facts.scenes)
    for i in facts.random.permutation(len(COLOURS)):
        coloured = tuple(scene for scene in facts.scenes if scene.colour == COLOURS[i])
        yield from _first(facts, numbers, "list colour", {"colour": COLOURS[i]}, coloured)


def _first(
    facts: FilmFacts, numbers: Sequence[int], form: str, slots: dict[str, str], among: Sequence[Scene]
) -> Iterator[Draft]:
    for number in numbers:
        scenes = tuple(among[:number])
        if len(scenes) < number or not all(facts.long_enough(scene) for scene in scenes):
            continue
        names = tuple(scene.object for scene in scenes)
        answer = "First the " + ", then the ".join(names) + "."
        wrong = _other_orders(facts, names)
        yield Draft(form, {"n": str(number), **slots}, answer, "list", names, ", ".join(names), scenes, wrong)


def _other_orders(facts: FilmFacts, names: tuple[str, ...]) -> tuple[str, ...]:
    """The same things in other orders; where they are too much alike, with another thing among them."""
    orders = sorted(set(permutations(names)) - {names})
    if len(orders) < _WRONG_OPTIONS:
        others = [name for name in OBJECTS if name not in names]
        chosen = [others[i] for i in facts.random.choice(len(others), _WRONG_OPTIONS, replace=False)]
        orders += [(*names[:-1], other) for other in chosen]
    return tuple(", ".join(order) for order in orders)


def _summary(facts: FilmFacts) -> Iterator[Draft]:
    """Everything in the film in order; the gold names each object once."""
    parts = [f"{with_article(f'{s.colour} {s.object}')} {where(s.place)}" for s in facts.scenes]
    joined = " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
    names = tuple(facts.by_object)
    some, wrong = _samples(facts, names)
    yield Draft("summary", {}, f"There was {joined}.", "list", names, some, facts.scenes, wrong)


def _samples(facts: FilmFacts, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """A few things of the film, and the same with one exchanged for what is not in it."""
    count = min(_SAMPLE, len(names))
    some = [names[i] for i in sorted(facts.random.choice(len(names), count, replace=False))]
    missing = [name for name in OBJECTS if name not in facts.by_object]
    wrong = []
    for i in facts.random.choice(len(missing), _WRONG_OPTIONS, replace=False):
        place = int(facts.random.integers(count))
        wrong.append(", ".join([*some[:place], missing[i], *some[place + 1 :]]))
    return ", ".join(some), tuple(wrong)


FAMILIES: dict[str, Family] = {
    "colour": _colour,
    "place": _place,
    "action": _action,
    "object": _object,
    "existence": _existence,
    "count": _count,
    "before": _before,
    "after": _after,
    "next": _next,
    "when": _when,
    "needle": _needle,
    "list": _list,
    "summary": _summary,
}
