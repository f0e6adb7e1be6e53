"""What the guide of freezing refuses is refused, its other ways are not, and its op freezes."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn import ensemble, feature_extraction, impute, linear_model, neighbors, svm, tree
from sklearn.base import is_classifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from serving.tests.console import check_shown, list_steps, make_tree, run
from serving.tests.pages import PAGES, read_table
from serving.tests.sample import INPUT, LABELS, TEXTS
from training.freezing.compiler import CannotFreeze, compile_pipeline
from training.tests.zoo import RECORDS, before, encode, fit, make_table, read_records

GUIDE = PAGES["guides/freeze.md"]
MODELS = [
    ("linear", linear_model.LogisticRegression()),
    ("tree", tree.DecisionTreeClassifier(random_state=0)),
]
NAMES = {"np": np, "MODELS": MODELS, "FunctionTransformer": FunctionTransformer}
for module in (ensemble, feature_extraction.text, impute, neighbors, svm):
    NAMES |= {name: getattr(module, name) for name in module.__all__}


def freeze(code):
    """Compile a pipeline with what a cell of the table shows."""
    shown = eval(code.strip("`"), dict(NAMES))  # noqa: S307 - of our own page
    model = linear_model.LogisticRegression()
    if "Vectorizer" in code:
        pipeline = make_pipeline(shown, model).fit(TEXTS, LABELS)
        return compile_pipeline(pipeline, INPUT, TEXTS)
    if is_classifier(shown):
        pipeline = before(shown, sparse_threshold=0)
    else:
        positive = [impute.SimpleImputer(), FunctionTransformer(np.square)]
        steps = [shown] if "Imputer" in code else [*positive, shown]
        pipeline = make_pipeline(encode(make_pipeline(*steps), sparse_threshold=0), model)
    return compile_pipeline(fit(pipeline, 3), RECORDS, read_records(make_table()[0])[:20])


@pytest.mark.parametrize(("refused", "instead", "_"), read_table(GUIDE, "Refused"))
def test_what_is_refused_can_be_written_as_the_guide_says(refused, instead, _):
    with pytest.raises(CannotFreeze):
        freeze(refused)
    assert freeze(instead).ops


def write_line(path, place, line):
    """Name something where the guide says it is named."""
    text = path.read_text()
    if line.startswith("from "):
        opening = r"^import .*"
    else:
        opening = r"^from .* import \(" if place == "import" else rf"^{place} = ."
    found = re.search(f"{opening}$", text, re.MULTILINE)
    path.write_text(f"{text[: found.end()]}\n{line}{text[found.end() :]}")


@pytest.mark.slow
def test_op_of_the_guide_freezes_the_model_that_was_refused(tmp_path, monkeypatch):
    make_tree(tmp_path, monkeypatch)
    for command, _ in list_steps(PAGES["tutorial.md"]):
        if "load_wine" in command or command.startswith("make new"):
            run(command)
    change_model(Path("training/models/wine"))
    refusal = re.search(r"```\n(candidate .*?)```", GUIDE, re.DOTALL)[1]
    check_shown([one for one in refusal.splitlines() if one != "..."], run("make train MODEL=wine"))
    for path, code in re.findall(r"```python\n# (\S+)\n(.*?)```", GUIDE, re.DOTALL):
        Path(path).write_text(code)
    for cells in read_table(GUIDE, "File"):
        path, place, line = (cell.strip("`") for cell in cells)
        write_line(Path(path), place, line)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)  # as of coverage, which this has none of
    (prove, _), (freeze_it, shown) = list_steps(GUIDE)
    assert "passed" in run(prove)[-1]
    check_shown(shown, run(freeze_it))


def change_model(folder):
    """As the guide says it in words; with small forests, for the clock's sake."""
    call = re.search(r"`(make_pipeline\(.*?forest\))`", GUIDE)[1]
    code = (folder / "model.py").read_text()
    code = code.replace("make_pipeline(_encode_for_trees(), forest)", call)
    code = code.replace(
        "from sklearn.compose",
        "from sklearn.cluster import FeatureAgglomeration\nfrom sklearn.compose",
        1,
    )
    (folder / "model.py").write_text(code)
    params = (folder / "params.yaml").read_text().replace("n_estimators: 200", "n_estimators: 20")
    params = re.sub(r"^ +(logistic_regression|boosting):.*\n", "", params, flags=re.MULTILINE)
    (folder / "params.yaml").write_text(params)
