"""Arrays of points, of triangles, and of functions of points."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]
Values = NDArray[Any]  # float32; its precision is not written out, or every product of two would have to be cast
