"""How much memory the engines need at their published sizes."""
