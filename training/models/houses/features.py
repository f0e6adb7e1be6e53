"""Code of its own that the model's pickle needs: none."""
