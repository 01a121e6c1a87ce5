"""Films grow longer with understanding, and a batch is the same whether the one before it was seen or not."""

from __future__ import annotations

from pathlib import Path

from longreel.train.curriculum import Curriculum


def test_films_grow_as_the_loss_falls() -> None:
    curriculum = Curriculum([4, 8, 16], advance_below=0.5, patience=3)
    for batch in range(10):
        curriculum.observe(batch, 0.9)
    assert curriculum.scenes == 4
    for batch in range(10, 200):
        curriculum.observe(batch, 0.1)
    assert curriculum.scenes == 16


def test_no_batch_depends_on_when_it_is_made(tmp_path: Path) -> None:
    """Before or after the batch before it is known; before or after a resumption."""
    early, late = ([Curriculum([4, 8, 16], 100.0, patience=2)] for _ in range(2))
    made_early, made_late = [early[0].scenes_at(0)], []
    for batch in range(8):
        made_early.append(early[0].scenes_at(batch + 1))
        early[0].observe(batch, 1.0)
        made_late.append(late[0].scenes_at(batch))
        late[0].observe(batch, 1.0)
        late[0].save(tmp_path)
        late = [Curriculum([4, 8, 16], 100.0, patience=2)]
        late[0].load(tmp_path)
    assert made_early[:8] == made_late
    assert made_late[-1] == 16
