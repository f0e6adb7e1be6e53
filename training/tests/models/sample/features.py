"""Code of the sample's own that its pickle needs: none."""
