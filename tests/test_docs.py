"""Numbers in the documentation are those of the stored results."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import models_page
from fill_tables import (
    CARD,
    README,
    filled_card,
    filled_readme,
    stored_demos,
    stored_evidence,
    stored_results,
)
from released_models import releases
from results_page import PAGE, page


def test_the_model_card_shows_the_stored_results() -> None:
    card, results = CARD.read_text(), stored_results()
    assert filled_card(card, results, stored_evidence()) == card
    for result in results.values():
        share = result["cells"]["keep 1/16"]["free"]["recall"]["share_right"]
        assert f"| {share:.2f} |" in card


def test_the_readme_shows_a_stored_demo() -> None:
    readme, demos = README.read_text(), stored_demos()
    assert filled_readme(readme, demos) == readme
    assert f"{demos['demos'][0]['right']} of {demos['demos'][0]['asked']} right in" in readme


def test_the_page_of_results_is_that_of_the_stored_files() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_of_models_is_that_of_their_configs() -> None:
    """The parameters are what the releases say: a wrong number in our file would go unnoticed otherwise."""
    models = list(models_page.supported())
    assert models_page.PAGE.read_text(encoding="utf-8") == models_page.page(models)
    counted = {
        adapter.name: sum(weight.numel() for weight in model.parameters()) for adapter, model, _ in models
    }
    stated = {each.name: each.parameters for each in releases() if each.parameters}
    assert len(stated) == 7
    assert stated.items() <= counted.items()
