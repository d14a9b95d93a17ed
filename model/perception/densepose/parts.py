"""How many parts of a body DensePose tells apart, the background included."""

PARTS = 25
