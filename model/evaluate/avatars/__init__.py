"""How near avatars are to people who are known exactly: made-up ones."""
