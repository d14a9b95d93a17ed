"""Cloth and its patterns, garments made of it, and painting by formula."""
