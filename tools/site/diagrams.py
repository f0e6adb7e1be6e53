"""Mermaid's diagrams are drawn when the site is made: no script draws them in a browser."""

import base64
import html
import math
import re

import mmdr
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

# mmdr leaves room for Trebuchet's letters, but a browser without that font takes a wider one. A
# letter of DejaVu Sans has on average less than this share of the font's size.
LETTER = 0.65
LABEL = re.compile(
    r'<text[^>]*font-size="(\d+)"[^>]*anchor="end"[^>]*late\(([\d.]+),[^>]*>([^<]*)<'
)


class Diagram(SphinxDirective):
    has_content = True

    def run(self):
        text = "\n".join(self.content)
        try:
            picture = make_room(mmdr.render(text).svg())
        except (RuntimeError, ValueError) as why:
            raise self.error(f"a diagram cannot be drawn: {why}") from why
        address = "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()
        figure = (
            f'<figure class="diagram"><img src="{address}" alt="A diagram; its text is below.">'
            f"<details><summary>As text</summary><pre>{html.escape(text)}</pre></details></figure>"
        )
        return [nodes.raw("", figure, format="html")]


def make_room(picture):
    """Begin a drawing further left, where labels that end at an axis would be cut."""
    wanted = (
        LETTER * int(size) * len(html.unescape(label)) - float(x)
        for size, x, label in LABEL.findall(picture)
    )
    left = math.ceil(max(wanted, default=0))
    if left <= 0:
        return picture
    width, height = re.search(r'viewBox="0 0 (\d+) (\d+)"', picture).groups()
    wider = int(width) + left
    for old, new in (
        (f'viewBox="0 0 {width} {height}"', f'viewBox="-{left} 0 {wider} {height}"'),
        (f"max-width:{width}px", f"max-width:{wider}px"),
        (f'<rect width="{width}"', f'<rect x="-{left}" width="{wider}"'),
    ):
        picture = picture.replace(old, new, 1)
    return picture


def setup(app):
    app.add_directive("mermaid", Diagram)
    return {"parallel_read_safe": True}
