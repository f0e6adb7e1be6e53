"""What roundings are taken for, wherever a bound is made of them."""

import numpy as np

EPSILON = float(np.finfo(np.float64).eps)
# Units in the last place that two libraries' exponentials, logarithms and the like may be apart.
ROUNDED = 4
# How far a probability can move for how far a score does: a logistic function by a quarter of it, a
# share of several of those by twice as much.
STEEPNESS = 2.0
