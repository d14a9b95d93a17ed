"""How the body and the clothes are made from their sources."""
