"""Sphinx's settings for `make docs`: the Markdown is read where it lies, with GitHub's links."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
READ = {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs"}

project = "Quickthaw"
root_doc = "README"
# All else is not even looked into: models, data, environments.
exclude_patterns = [path.name for path in ROOT.iterdir() if path.name not in READ]
extensions = ["myst_parser", "tools.site.diagrams", "tools.site.navigation"]

myst_enable_extensions = ["html_image"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4
highlight_language = "text"
smartquotes = False

html_theme = "furo"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False
# It would have to read the other pages, which a page that was opened from disk may not.
html_show_search_summary = False
