"""The device: its queue, its memory, and what runs beside it."""
