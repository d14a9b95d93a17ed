"""Garments' cuts, dressing a body, and its buffers."""
