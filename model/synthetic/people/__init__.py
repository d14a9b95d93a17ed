"""What people look like and how they stand."""
