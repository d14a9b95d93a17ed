"""How good results of the try-on are: by the published protocol, and against exact truth."""
