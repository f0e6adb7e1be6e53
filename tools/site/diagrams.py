"""Mermaid's diagrams are drawn when the site is made: no script draws them in a browser."""

import base64
import html

import mmdr
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


class Diagram(SphinxDirective):
    has_content = True

    def run(self):
        text = "\n".join(self.content)
        try:
            picture = mmdr.render(text).svg()
        except (RuntimeError, ValueError) as why:
            raise self.error(f"a diagram cannot be drawn: {why}") from why
        address = "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()
        figure = (
            f'<figure class="diagram"><img src="{address}" alt="A diagram; its text is below.">'
            f"<details><summary>As text</summary><pre>{html.escape(text)}</pre></details></figure>"
        )
        return [nodes.raw("", figure, format="html")]


def setup(app):
    app.add_directive("mermaid", Diagram)
    return {"parallel_read_safe": True}
