"""The try-on, whatever the engine: request, pictures, masks, pasting back."""
