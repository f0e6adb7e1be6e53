"""The site's navigation: the README's table of documents, and what READMEs of folders list.

Sphinx warns of a page that neither names, and `make docs` fails at a warning.
"""

import re
import shutil
from pathlib import Path, PurePosixPath

# The table's columns, by the names that sites have for them.
CAPTIONS = {
    "To learn": "Tutorial",
    "To do": "Guides",
    "To look up": "Reference",
    "To understand": "Explanation",
}
PROJECT = ["CONTRIBUTING", "CHANGELOG"]


def list_pages(text):
    """The pages that a text links, without their endings, in order; none outside its folder."""
    links = re.findall(r"\]\((\w[^)#:]*)\.md(?:#[^)]*)?\)", text)
    return list(dict.fromkeys(links))


def read_table(readme):
    """The pages of each column of the table that starts with "To learn"."""
    table = re.search(r"^\| To learn .*(?:\n\|.*)+", readme, re.MULTILINE)[0]
    lines = [line.split("|")[1:-1] for line in table.splitlines()]
    head, _, *rows = ([cell.strip() for cell in cells] for cells in lines)
    columns = [" ".join(cells) for cells in zip(*rows, strict=True)]
    return {CAPTIONS[name]: list_pages(text) for name, text in zip(head, columns, strict=True)}


def to_toctree(pages, *options):
    lines = ("```{toctree}", ":hidden:", *options, "", *pages, "```")
    return "\n" + "\n".join(lines) + "\n"


def add_navigation(app, name, source):
    if name == app.config.root_doc:
        groups = read_table(source[0]) | {"Project": PROJECT}
        for caption, pages in groups.items():
            source[0] += to_toctree(pages, f":caption: {caption}")
    elif PurePosixPath(name).name == "README":
        source[0] += to_toctree(list_pages(source[0]))


def name_first_page(app, error):
    """Servers, and people who open the folder, look for index.html."""
    if error is None:
        folder = Path(app.outdir)
        shutil.copyfile(folder / f"{app.config.root_doc}.html", folder / "index.html")


def setup(app):
    app.connect("source-read", add_navigation)
    app.connect("build-finished", name_first_page)
    return {"parallel_read_safe": True}
