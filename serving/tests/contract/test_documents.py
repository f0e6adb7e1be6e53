"""What the documents promise is what the code does."""

import json
import re
import tomllib
from dataclasses import fields
from importlib.metadata import metadata
from typing import get_args

import pytest
import yaml
from pydantic import BaseModel

from bench.readme import build_tables as build_bench_tables
from bench.stops import to_table as to_stops_table
from bench.web import to_table as to_servers_table
from serving.app import error_kinds, limits
from serving.app.http.full_app import METHODS
from serving.app.inputs.text import TextInput
from serving.app.telemetry.metrics import PROPERTIES, UNITS
from serving.bundle import inputs
from serving.deployment import costs
from serving.deployment.image import builder
from serving.deployment.image.sbom import describe
from serving.deployment.stages import Stage
from serving.tests import hostile_images
from serving.tests.hostile_pictures import PICTURES
from serving.tests.pages import PAGES, table
from serving.tests.tracked import ROOT
from tools.fuzz.table import RESULTS, build_table
from tools.image.web import COMMAND
from training.freezing import rules
from training.freezing.registry import RULES
from training.paths import Paths
from training.settings.params import CONCERNS, Params, read_params

README = (ROOT / "README.md").read_text(encoding="utf-8")
WEB = PAGES["guides/web.md"]
COSTS = PAGES["explanation/costs.md"]
FREEZING = PAGES["explanation/freezing.md"]
SAFETY = PAGES["explanation/safety.md"]
SPEED = PAGES["explanation/speed.md"]
API = PAGES["reference/api.md"]
COMMANDS = PAGES["reference/commands.md"]
IMAGE = PAGES["reference/image.md"]
METRICS = PAGES["reference/metrics.md"]
SETTINGS = PAGES["reference/settings.md"]
STAGES = PAGES["reference/stages.md"]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def subclasses(of):
    for one in of.__subclasses__():
        yield one
        yield from subclasses(one)


def test_settings_table_is_what_settings_reads():
    source = (ROOT / "serving/app/settings.py").read_text()
    read = set(re.findall(r'(?:environ\.get|_read_flag|_read_name)\(\s*"(\w+)"', source))
    assert {row[0] for row in table(SETTINGS, "Variable")} == read


def test_guides_table_is_what_the_web_process_reads():
    folder = ROOT / "serving/hosts/web"
    source = "".join(path.read_text() for path in sorted(folder.glob("*.py")))
    read = set(re.findall(r'environ\.get\("(\w+)"', source))
    assert {row[0] for row in table(WEB, "Variable")} == read


def test_nothing_of_the_service_but_settings_reads_the_environment():
    reading = {
        str(path.relative_to(ROOT / "serving"))
        for part in ("app", "bundle")
        for path in (ROOT / "serving" / part).rglob("*.py")
        if re.search(r"os\.environ|getenv", path.read_text())
    }
    # The others set what libraries read: BLAS's threads, and no debugging.
    assert reading == {"app/settings.py", "app/engines/sklearn.py", "app/http/full_app.py"}


def test_metrics_table_is_what_is_emitted():
    assert {row[0]: row[1] for row in table(METRICS, "Metric")} == UNITS


def test_properties_table_is_what_is_emitted():
    assert {row[0] for row in table(METRICS, "Property")} == set(PROPERTIES)


def test_errors_table_is_every_kind_of_problem():
    kinds = {(str(one.status), one.kind) for one in subclasses(error_kinds.ServiceError)}
    assert {(row[0], row[1]) for row in table(API, "Status")} == kinds


def test_limits_table_is_that_of_limits():
    text = TextInput().bounds
    assert dict(table(API, "Limit")) == {
        "Body": f"{limits.MAX_BODY_BYTES:,} bytes; {text.values:,} values (records: "
        f"{text.values:,} × (fields + 1)); {text.names} names in an object (records: {text.names} "
        f"+ fields); {limits.MAX_DEPTH} deep; integers of {limits.MAX_DIGITS} "
        f"digits. Of pictures: {limits.MAX_PICTURE_BODY_BYTES:,} bytes",
        "Text": f"1 to {inputs.MAX_TEXT_CHARS:,} characters",
        "Record": f"1 to {inputs.MAX_FIELDS} fields; numbers of float32's range, integers of 53 "
        f"bits, texts and categories of {inputs.MAX_TEXT_CHARS:,} characters",
        "Picture": f"{inputs.MAX_PICTURE_BYTES:,} bytes; {limits.MAX_PIXELS:,} pixels, "
        f"{limits.MAX_SIDE:,} on a side; those of a batch have no more pixels together; a form of "
        f"{limits.MAX_FORM_PARTS - 1} parts",
        "Batch": f"1 to {inputs.MAX_BATCH:,} texts, records or pictures",
        "top": f"0 to {limits.MAX_TOP}",
        "explanation": f"the {limits.MAX_EXPLAINED_TERMS} heaviest terms",
        "Query": f"{limits.MAX_PARAMETERS} parameters",
        "Headers": f"{limits.MAX_HEADERS}; Content-Type and Content-Encoding of "
        f"{limits.MAX_HEADER_CHARS:,} characters",
        "Answer": f"{limits.LAMBDA_BYTES:,} bytes",
    }


def test_routes_table_is_the_routes():
    documented = dict(reversed(row[0].split(" ")[:2]) for row in table(API, "Route"))
    assert documented == METHODS


def test_tasks_table_is_the_makefiles_help():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):.*?## (.*)$", makefile, re.MULTILINE)
    assert table(COMMANDS, "Command") == [[f"make {name}", words] for name, words in targets]


def test_every_make_target_that_is_phony_has_its_help():
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    assert set(phony) == set(re.findall(r"^([a-z-]+):.*?## ", makefile, re.MULTILINE))


def test_every_dependency_has_its_reason():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    named = {one for group in groups.values() for one in group if isinstance(one, str)}
    chosen = {one.partition(";")[0] for one in named}
    assert {row[0] for row in table(CONTRIBUTING, "Package")} == chosen


def test_table_of_what_can_be_frozen_names_every_class_and_no_other():
    assert rules
    rows = [row[1] for row in table(FREEZING, "Frozen")]
    assert sorted(re.findall(r"\w+", " ".join(rows))) == sorted(kind.__name__ for kind in RULES)


EXAMPLE = Paths("topics")


@pytest.mark.skipif(not EXAMPLE.params.exists(), reason="this clone removed the model topics")
def test_documents_say_how_many_texts_the_proof_generates():
    params = read_params(EXAMPLE)
    assert f"{params.freeze.generated_inputs:,} generated" in SPEED


def test_tables_of_the_benchmark_are_those_of_its_results():
    tables = build_bench_tables(ROOT / "bench/results")
    # A clone has models of its own, and may have removed some of ours.
    assert {"topics", "houses", "digits", "numbers", "peers", "images"} <= set(tables)
    for lines in tables.values():
        assert lines in SPEED + IMAGE


def test_documents_say_what_the_budget_says_of_cold_starts():
    models = json.loads((ROOT / "bench/budget.json").read_text())["models"]
    ratios = [
        models[name]["native"]["cold"] / models[name]["empty"]["cold"]
        for name in ("topics", "houses", "digits")
    ]
    topics, houses, digits = (f"{one:.2f}" for one in ratios)
    assert f"{topics}, {houses} and {digits} times an empty handler's" in SPEED


def test_table_of_servers_is_that_of_its_results():
    results = json.loads((ROOT / "bench/results/topics/web.json").read_text())
    assert to_servers_table(results) in WEB


def test_table_of_stops_is_that_of_its_results_which_lost_nothing_but_by_kills():
    results = json.loads((ROOT / "bench/results/topics/stops.json").read_text())
    assert to_stops_table(results) in WEB
    assert results["ways"]["Stopped (SIGTERM)"]["lost"] == 0
    assert {one["missing"] for one in results["ways"].values()} == {0}


def test_files_for_a_platform_that_builds_run_what_the_image_runs():
    # The target's own command: the base image has an entry point, and Lambda's target a command.
    dockerfile = (ROOT / builder.DOCKERFILE).read_text()
    (target,) = re.findall(r"^FROM \S+ AS web$(.*?)^FROM ", dockerfile, re.DOTALL | re.MULTILINE)
    assert json.loads(re.search(r"^CMD (.*)$", target, re.MULTILINE)[1]) == [*COMMAND]
    assert "\nENTRYPOINT []\n" in target
    manifest = re.search(r"```yaml\n# heroku.yml\n(.*?)```", WEB, re.DOTALL)[1]
    (name,) = re.findall(r"```dockerfile\n# (\S+)\nFROM \S+/quickthaw:[a-z]+-web-\w{12}\n```", WEB)
    assert yaml.safe_load(manifest) == {
        "build": {"docker": {"web": name}},
        "run": {"web": " ".join(COMMAND)},
    }


def test_table_of_the_attacks_is_that_of_their_results():
    results = json.loads(RESULTS.read_text())
    assert build_table() in SAFETY
    assert results["mutants"]["tried"] >= 1_000_000
    assert results["came through"] == 0


def test_table_of_hostile_pictures_counts_those_there_are():
    counts = [row[1] for row in table(SAFETY, "Of pictures")]
    assert counts[::2] == [str(len(PICTURES)), str(len(hostile_images.EVENTS))]


def test_table_of_what_ships_is_the_locks_of_the_images_with_licences_that_let_it():
    names = {
        target: set(re.findall(r"^([\w.-]+)==", read_lock(target), re.MULTILINE))
        for target in ("frozen", "sklearn", "records", "images", "web", "bulk")
    }
    assert names["frozen"] < names["sklearn"] < names["records"]
    assert names["images"] - names["sklearn"] == {"pillow"}
    assert not names["web"] & (names["records"] | names["images"])
    found = [describe(metadata(name)) for name in sorted(set().union(*names.values()))]
    ships = {
        name: words
        for lock, words in (
            ("records", "sklearn, for records"),
            ("images", "sklearn, for images"),
            ("sklearn", "sklearn"),
            ("frozen", "both"),
            ("web", "both, of the web process"),
        )
        for name in names[lock]
    }
    for name in names["bulk"] - names["frozen"]:
        ships[name] = "; ".join((*([ships[name]] if name in ships else ()), "both, of bulk"))
    assert table(IMAGE, "Package") == [[one.name, one.licence, ships[one.name]] for one in found]
    permissive = re.compile(r"MIT|BSD|Apache|PSF|0BSD|Zlib|CC0")
    for one in found:
        assert all(permissive.search(part) for part in re.split(" AND |, ", one.licence)), one


def test_stand_in_has_the_runtime_client_that_the_other_tests_have():
    pin = re.compile(r"^awslambdaric==\S+", re.MULTILINE)
    base = (ROOT / "tools/image/base/requirements.txt").read_text()
    assert pin.findall(base) == pin.findall(read_lock("dev"))


def read_lock(name):
    return (ROOT / f"requirements/{name}.txt").read_text()


def test_locks_hold_hashes_and_no_address():
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text


def test_a_package_has_one_version_in_all_locks():
    versions = {}
    for lock in (ROOT / "requirements").glob("*.txt"):
        for name, version in re.findall(
            r"^([a-z0-9-]+)==([^ ;\\]+)", lock.read_text(), re.MULTILINE
        ):
            versions.setdefault(name, set()).add(version)
    several = {name for name, found in versions.items() if len(found) > 1}
    assert several == {"cattrs"}  # BentoML's own, in an environment that nothing else shares


def test_readmes_first_answer_has_the_form_of_an_answer(client):
    # The numbers are those of the model when this was written; training changes them.
    shown = json.loads(re.search(r"```json\n(.*)\n```", README)[1])
    found = client.request(body={"text": "the goalie"}).json
    assert list(shown) == list(found)
    assert {name: type(value) for name, value in shown.items()} == {
        name: type(value) for name, value in found.items()
    }


def test_table_of_a_stages_settings_is_what_a_stage_has():
    found = {
        name: default
        for names, default, _ in table(STAGES, "Setting")
        for name, default in zip(names.split(", "), default.split(", "), strict=True)
    }
    shown = {"None": "none", "False": "no"}  # as words: 0 is False, too
    defaults = {one.name: str(one.default) for one in fields(Stage)}
    assert found == {name: shown.get(one, one) for name, one in defaults.items()}


def list_params(section=Params, before=""):
    """Each setting of params.yaml, with its default as the page writes it."""
    for name, field in section.model_fields.items():
        path = before + (field.alias or name)
        parts = [one for one in (field.annotation, *get_args(field.annotation)) if is_section(one)]
        if parts:
            yield from list_params(parts[0], f"{path}.")
        elif name == "prepare":
            yield f"{path}.…", "the source's"
        else:
            default = "required" if field.is_required() else field.default
            yield path, "none" if default is None else str(default)


def is_section(kind):
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_table_of_a_models_settings_is_what_params_are():
    rows = table(PAGES["reference/params.md"], "Setting")
    assert [(name, default) for name, default, *_ in rows] == list(list_params())
    for name, _, whom, _ in rows:
        owner = name if name in CONCERNS else name.rpartition(".")[0]
        assert whom == CONCERNS.get(owner, "all"), name


def test_tables_of_costs_are_those_of_the_prices():
    mend = "stages.py or a price is another one: .venv/bin/python -m serving.deployment.costs"
    assert costs.render().strip() in COSTS, f"{mend} prints what docs/explanation/costs.md has"


def test_name_of_the_base_image_is_one():
    for path in ("Makefile", builder.DOCKERFILE, "tools/image/base/build.sh"):
        assert builder.BASE in (ROOT / path).read_text()


def test_table_of_memory_is_of_the_measurement_that_chose_it():
    heads = [row[0] for row in table(STAGES, "Memory (MB)")]
    assert f"{Stage().memory_mb:,}" in heads
    assert f"Chosen: {Stage().memory_mb:,} MB" in STAGES


MOST_LINES = 150
WRITTEN = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").rglob("*.md")
)


def list_anchors(text):
    """What a link can name of a page, as GitHub makes it of its headings."""
    shown = re.sub(r"^ *```.*?^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.*)$", shown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in heads}


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_within_the_repository_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", text)
    for link in {one or other for one, other in links}:
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), link
        assert not anchor or anchor in list_anchors(target.read_text(encoding="utf-8")), link


def test_readme_is_short_and_leads_to_every_page():
    assert len(README.splitlines()) <= MOST_LINES
    led = {one.partition("#")[0] for one in re.findall(r"\(docs/([^)]+\.md[^)]*)\)", README)}
    assert led | set(DECISIONS) == set(PAGES)
    assert not led & set(DECISIONS)  # their own list leads to them


DECISIONS = [name for name in PAGES if re.fullmatch(r"decisions/\d{4}-.*\.md", name)]
PARTS = ("**Context.** ", "**Decision.** ", "**What follows.** ")


def test_decisions_are_numbered_without_a_gap_and_their_list_has_each_by_its_title():
    titles = [PAGES[name].partition("\n")[0].removeprefix("# ") for name in DECISIONS]
    for number, (name, title) in enumerate(zip(DECISIONS, titles, strict=True), 1):
        assert name.startswith(f"decisions/{number:04}-")
        assert title.startswith(f"{number}. ")
    listed = re.findall(r"^- \[(.*)\]\((.*)\)$", PAGES["decisions/README.md"], re.MULTILINE)
    names = [name.removeprefix("decisions/") for name in DECISIONS]
    assert sorted(listed, key=lambda one: one[1]) == list(zip(titles, names, strict=True))


@pytest.mark.parametrize("name", DECISIONS)
def test_decision_says_in_what_context_what_was_decided_and_what_follows(name):
    _, *parts = PAGES[name].strip().split("\n\n")
    assert len(parts) == len(PARTS)
    assert all(part.startswith(head) for part, head in zip(parts, PARTS, strict=True))


def test_changelog_is_by_version_newest_first_and_the_newest_is_this_one():
    changelog = (ROOT / "CHANGELOG.md").read_text().replace("## Unreleased\n", "")
    heads = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    found = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) \((\d{4}-\d\d-\d\d)\)", one) for one in heads]
    versions = [tuple(map(int, one.groups()[:3])) for one in found]
    dates = [one[4] for one in found]
    assert versions == sorted(set(versions), reverse=True)
    assert dates == sorted(dates, reverse=True)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == ".".join(map(str, versions[0]))
    for version in re.split(r"^## ", changelog, flags=re.MULTILINE)[
        1:-1
    ]:  # the first updates nothing
        assert "When you update:" in version
