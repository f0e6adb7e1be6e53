"""What `make docs` makes: a whole site, that needs nothing from elsewhere."""

import json
import math
import re
import subprocess
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from serving.tests.tracked import ROOT, copy_tracked
from tools.site.diagrams import LETTER, make_room

pytestmark = pytest.mark.slow  # each site takes some seconds
PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "docs").rglob("*.md"))
# What a browser loads by itself, by the tag that says so; an <a> is followed by people alone.
LOADING = {"script", "link", "img", "source", "iframe", "video", "audio", "object", "use", "image"}


class Page(HTMLParser):
    """What a page loads, what it links, and what can be linked of it."""

    def __init__(self, path):
        super().__init__()
        self.loads, self.links, self.ids = set(), set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            elif name in {"src", "href", "srcset", "data", "poster", "xlink:href"} and value:
                (self.loads if tag in LOADING else self.links).add(value)


def make_docs(folder):
    copy_tracked(folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def run(folder):
    command = ["make", "docs"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = make_docs(tmp_path_factory.mktemp("site"))
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / ".local/site"


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path) for path in site.rglob("*.html")}


def test_site_has_each_document_under_its_title_and_in_its_navigation(site, pages):
    for path in PAGES:
        page = site / path.with_suffix(".html")
        title = re.search(r"^# (.*)$", (ROOT / path).read_text(), re.MULTILINE)[1]
        assert f"<title>{title} - Quickthaw</title>" in page.read_text().replace("&#39;", "'")
    linked = pages[site / "index.html"].links
    assert {path.with_suffix(".html").as_posix() for path in PAGES} <= linked
    assert {"CONTRIBUTING.html", "CHANGELOG.html"} <= linked


def test_navigation_is_by_what_a_reader_wants(site):
    found = re.findall(r'class="caption"[^>]*><span[^>]*>(\w+)<', (site / "index.html").read_text())
    assert found == ["Tutorial", "Guides", "Reference", "Explanation", "Project"]


def test_nothing_is_loaded_from_elsewhere(site, pages):
    for path, page in pages.items():
        for one in page.loads:
            parts = urlsplit(one)
            assert parts.scheme in ("", "data"), f"{path}: {one[:80]}"
            assert not parts.netloc, f"{path}: {one[:80]}"
            if not parts.scheme and parts.path:
                assert (path.parent / unquote(parts.path)).is_file(), one
    for path in site.rglob("*.css"):
        loaded = re.findall(r"(?:url\(|@import)\s*[\"']?([^\"')\s]+)", path.read_text())
        assert all(
            one.startswith(("data:", "#")) or (path.parent / one).is_file() for one in loaded
        )


def test_every_link_within_the_site_leads_to_a_page_and_a_place_on_it(pages):
    for path, page in pages.items():
        for one in page.links:
            parts = urlsplit(one)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), f"{path}: {one}"
            assert not parts.fragment or unquote(parts.fragment) in pages[target].ids, one


def test_headings_have_the_anchors_that_github_gives_them(site, pages):
    assert "5-commit-it" in pages[site / "docs/tutorial.html"].ids


def test_search_finds_a_guide_by_a_word_of_it(site):
    text = (site / "searchindex.js").read_text()
    index = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))
    found = [index[one].get("dask", []) for one in ("terms", "titleterms")]
    pages = [page for one in found for page in ([one] if isinstance(one, int) else one)]
    names = [index["docnames"][page] for page in pages]
    assert "docs/guides/dask" in names


def test_labels_left_of_an_axis_have_room_in_any_usual_font():
    label = (
        '<text font-size="10" text-anchor="end" transform="translate(50, 7) rotate(0)">{}</text>'
    )
    head = '<svg viewBox="0 0 800 380" style="max-width:800px"><rect width="800" height="380"/>'
    fits = head + label.format("short")
    assert make_room(fits) == fits
    left = math.ceil(LETTER * 10 * 20 - 50)
    wider = make_room(head + label.format("a" * 19 + "&amp;"))
    assert f'viewBox="-{left} 0 {800 + left} 380"' in wider
    assert f"max-width:{800 + left}px" in wider
    assert f'<rect x="-{left}" width="{800 + left}"' in wider


def test_code_is_highlighted_and_diagrams_are_drawn(site):
    assert 'class="highlight-json ' in (site / "index.html").read_text()
    for name, count in (("explanation/layout", 2), ("guides/github", 1), ("model-report", 2)):
        page = (site / f"docs/{name}.html").read_text()
        assert page.count('src="data:image/svg+xml;base64,') == count


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[gone](gone.md)", "gone.md"),
        ("[gone](aws.md#gone)", "local id not found"),
        ("[gone](#gone)", "gone"),
        ("```mermaid\nflowchart LR\n  a -->\n```", "a diagram cannot be drawn"),
    ],
    ids=["page", "heading", "own heading", "diagram"],
)
def test_what_leads_nowhere_fails(tmp_path, line, words):
    folder = make_docs(tmp_path)
    with (folder / "docs/guides/dask.md").open("a") as page:
        page.write(f"\n{line}\n")
    done = run(folder)
    assert done.returncode != 0
    assert re.search(rf"dask\.md:\d+: .*{re.escape(words)}", done.stderr)


def test_page_that_no_other_leads_to_fails(tmp_path):
    folder = make_docs(tmp_path)
    (folder / "docs/guides/lost.md").write_text("# Lost\n")
    done = run(folder)
    assert done.returncode != 0
    assert re.search(r"lost\.md.*toctree", done.stderr)
