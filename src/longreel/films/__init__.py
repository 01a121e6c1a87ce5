"""Procedural films with known truth."""
