"""A new model's way to main, a pull request: what .github/workflows/train.yml does on GitHub.

All but `plan` need the standard library alone: the job that may write to the repository runs
nobody's package.
"""
