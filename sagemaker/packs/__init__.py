"""Packs of weights: where they are published, fetched and uploaded."""
