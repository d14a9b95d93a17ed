"""Published checkpoints: finding, checking and loading them."""
