"""What UP2You takes from photos: features, shape, and which patch shows which view."""
