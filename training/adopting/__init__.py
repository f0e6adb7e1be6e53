"""`make adopt`: a model that was trained elsewhere."""
