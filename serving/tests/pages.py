"""The documents' text and their tables, for tests that hold them against the code."""

from serving.tests.tracked import ROOT

PAGES = {
    path.relative_to(ROOT / "docs").as_posix(): path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs").rglob("*.md"))
}


def table(document, header):
    """The rows of the table whose first column has this header, as lists of cells."""
    return [[cell.replace("`", "") for cell in cells] for cells in read_table(document, header)]


def read_table(document, header):
    """The same, with what is marked as code still marked."""
    lines = iter(document.splitlines())
    for line in lines:
        if line.startswith(f"| {header} |"):
            next(lines)
            break
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line[1:-1].split(" | ")])
    assert rows, f"no table starts with {header}"
    return rows
