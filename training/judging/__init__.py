"""Whether a model is good enough, and better than another commit's: `make judge`."""
