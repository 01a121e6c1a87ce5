"""Train models of released size on conversations about images and films."""
