"""The built-in weights, and how they are written."""
