"""What an outfit looks like: sixteen numbers a point, and a network that paints the splatted cloud."""
