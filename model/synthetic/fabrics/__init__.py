"""What cloth looks like."""
