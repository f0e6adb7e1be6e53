"""Code of the topics model's own that its pickle needs: none. The service's normalize is enough.

Training, service and image import this module; what it may import, CONTRIBUTING.md says.
"""
