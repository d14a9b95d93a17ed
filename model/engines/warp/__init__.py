"""Warping try-on: where each pixel of the worn garment lies in its flat picture, and paint for what it uncovers."""
