"""The avatar, whatever the engine: photos, surface, colours, export."""
