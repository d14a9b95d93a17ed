"""The demo's try-ons: their names and the pictures of the smallest, for those who cannot or need not render any."""
