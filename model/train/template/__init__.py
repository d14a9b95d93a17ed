"""Training of the template engine's networks on made-up people, every pixel of whose photos is known."""
