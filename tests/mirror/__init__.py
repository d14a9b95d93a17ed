"""A throwaway try-on engine, all that one costs: it gives back the photo, mirrored."""
