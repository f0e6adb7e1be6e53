"""Code of the prices's own that its pickle needs: none."""
