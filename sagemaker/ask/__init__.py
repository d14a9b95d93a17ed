"""Requests of every kind, and their answers."""
