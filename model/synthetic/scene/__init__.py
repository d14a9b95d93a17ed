"""A person in a room, lit and photographed: the picture, and labels of what it shows."""
