"""Training data made of films that have none."""
