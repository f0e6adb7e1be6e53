"""The monthly cost is what a hand calculation says, and grows as it should."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.app.telemetry.metrics import UNITS
from serving.deployment import break_even, costs
from serving.deployment.costs import Load, Price, cost_of_million, cost_of_month, render
from serving.deployment.image.architecture import PLATFORMS
from serving.deployment.stages import STAGES, Stage

FIXED = (
    6 * 0.10 + 3 + 0.40 * 0.10 + 0.10 * 0.023
)  # alarms, dashboard, 0.4 GB of images, 0.1 of models
LOAD = Load(memory_mb=512, log_days=30)
RATES = st.floats(min_value=1, max_value=1000)
PRICES = [one for one in vars(costs).values() if isinstance(one, Price)]


def test_one_request_a_second_costs_what_it_does_by_hand():
    # 2,628,000 requests a month: 3.2 ms in half a GB, 600 bytes out, 1,930 of logs for 30 days.
    by_hand = (
        2.628 * 0.20
        + 2_628_000 * 0.0032 / 2 * 0.0000166667
        + 2.628 * 3.50
        + 2_628_000 * 600 / 1_073_741_824 * 0.09
        + 2_628_000 * 1930 / 1_073_741_824 * (0.50 + 0.15 * 30 / (730 / 24) * 0.03)
        + 8 * 0.30
        + 2.628 * 5.00
    )
    assert cost_of_month(1, LOAD) == pytest.approx(by_hand + FIXED, rel=1e-12)
    assert by_hand + FIXED == pytest.approx(31.49, abs=0.005)


def test_million_requests_cost_what_they_do_by_hand():
    # 1,000,000 × 0.010 s × 1 GB = 10,000 GB-seconds.
    assert cost_of_million(1024, 10) == pytest.approx(0.20 + 0.166667)
    assert cost_of_million(1024, 10, "arm64") == pytest.approx(0.20 + 0.133334)


def test_arm_costs_a_fifth_less_of_the_duration_and_the_same_of_all_else():
    arm = replace(LOAD, architecture="arm64")
    saved = cost_of_month(1, LOAD) - cost_of_month(1, arm)
    assert saved == pytest.approx(2_628_000 * 0.0032 / 2 * 0.0000033333)
    assert set(costs.DURATIONS) == set(PLATFORMS)
    settings = {what: usage for what, _, usage in costs._list_settings(1, LOAD)}
    (row,) = (usage for what, usage in settings.items() if "arm64" in what)
    assert costs.sum_costs(row) == pytest.approx(-saved)
    assert not [what for what, _, _ in costs._list_settings(1, arm) if "arm64" in what]


def test_nobody_asks_costs_the_fixed_part_alone():
    assert cost_of_month(0, LOAD) == pytest.approx(FIXED, rel=1e-12)


@given(rate=RATES, step=RATES)
def test_more_requests_cost_more_in_proportion(rate, step):
    first, second, third = (cost_of_month(rate + many * step, LOAD) for many in range(3))
    assert second > first
    assert third - second == pytest.approx(second - first, rel=1e-6)


@given(rate=st.floats(min_value=0.001, max_value=0.5))
def test_seldom_requests_are_all_traced_and_still_in_proportion(rate):
    assert costs.count_traces(rate) == rate
    asked = FIXED + 8 * 0.30
    twice, once = cost_of_month(2 * rate, LOAD) - asked, cost_of_month(rate, LOAD) - asked
    assert twice == pytest.approx(2 * once, rel=1e-6)


def test_traces_are_the_first_of_a_second_and_a_twentieth_of_the_others():
    assert costs.count_traces(100) == pytest.approx(1 + 99 / 20)


def test_a_part_of_a_millisecond_is_billed_as_a_whole_one():
    assert Load(warm_ms=2.01, cold_ms=0.5, cold_share=0.5).billed_ms == 3.5


def test_prices_are_all_positive_and_name_their_page():
    assert len(PRICES) == 25
    assert len({one.what for one in PRICES}) == len(PRICES)
    assert all(one.usd > 0 and one.unit and "ricing" in one.page for one in PRICES)


def test_metrics_counted_are_those_that_are_emitted(client):
    (document,) = client.request(body={"text": "the boat"}).emf
    assert len(UNITS.keys() & document.keys()) == costs.count_metrics("text", "classification")


def test_emf_document_is_of_the_size_that_is_counted(start_service, bundle):
    name = "quickthaw-staging"
    environment = {
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "17",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"2026/11/21/{name}[17]{'0' * 32}",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_EMF_ENVIRONMENT": "Lambda",
    }
    client = start_service(bundle, **environment)
    client.request(body={"text": "the boat"})  # with a cold start's metrics
    (document,) = client.request(body={"text": "the boat"}).emf
    assert document["ServiceName"] == name
    assert len(json.dumps(document)) == pytest.approx(costs.EMF_BYTES, rel=0.1)


def test_tables_have_each_price_of_a_month_the_memory_of_prod_and_one_width():
    text = render()
    assert f"Assumed: {STAGES['prod'].memory_mb} MB, 3 ms" in text
    for price in costs.measure_usage(1, LOAD):
        assert f"| {price.what} | ${price.usd:.2f}" in text or price.usd < 0.03
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {6}


def test_table_says_what_a_month_together_costs():
    row = next(line for line in render().splitlines() if line.startswith("| **Together**"))
    shown = [float(cell.strip(" *$").replace(",", "")) for cell in row.split("|")[3:6]]
    expected = [cost_of_month(rate, Load()) for rate in (0, 1, 100)]
    assert shown == [pytest.approx(one, abs=0.005) for one in expected]


def test_two_tasks_cost_what_they_do_by_hand():
    # 730 hours of 2 × half a processor and 1 GB, a load balancer, 4 addresses; their health is
    # asked by 2 zones every 10 s and in the container every 30.
    checks = 2 * (2 / 10 + 1 / 30) * 2_628_000 * 1126 / 1_073_741_824
    logs = checks * (0.50 + 0.15 * 90 / (730 / 24) * 0.03)
    by_hand = 730 * (0.04048 + 2 * 0.004445 + 0.0225 + 4 * 0.005) + logs
    assert costs.sum_costs(costs.measure_tasks(0, Load())) == pytest.approx(by_hand + FIXED)
    assert by_hand == pytest.approx(67.73, abs=0.005)


def test_load_balancer_is_charged_for_connections_or_for_bytes_the_more_of_them():
    assert costs.count_units(100, Load()) == 4
    assert costs.count_units(1, Load(answer_bytes=2**20 - 600)) == pytest.approx(3600 / 1024)


@pytest.mark.parametrize("cost", [cost_of_month, costs.cost_of_url])
def test_tasks_cost_more_below_the_break_even_and_less_above(cost):
    rate = costs.find_break_even(Load(), cost)

    def spare(rate):
        return cost(rate, Load()) - costs.sum_costs(costs.measure_tasks(rate, Load()))

    assert spare(rate * 0.99) < 0 < spare(rate * 1.01)
    assert spare(rate) == pytest.approx(0, abs=1e-6)


def test_url_costs_neither_gateway_nor_access_log():
    saved = cost_of_month(1, LOAD) - costs.cost_of_url(1, LOAD)
    logs = 486 * 2_628_000 / 1_073_741_824 * (0.50 + 0.15 * 30 / (730 / 24) * 0.03)
    assert saved == pytest.approx(2.628 * 3.50 + logs)


def test_processors_of_a_task_are_those_of_its_stage():
    for memory in (512, 1024, 3072):
        stage = Stage(
            host="fargate", auth="none", rate_per_second=None, burst=None, memory_mb=memory
        )
        assert costs.count_processors(Load(memory_mb=memory)) * 1024 == stage.cpu_units


def test_picture_of_the_break_even_is_what_its_command_draws():
    mend = ".venv/bin/python -m serving.deployment.break_even draws it again"
    assert break_even.PICTURE.read_text() == break_even.draw(Load()), mend


def test_picture_has_the_page_s_numbers_in_the_diagram_and_words_for_light_and_dark():
    text = break_even.draw(Load())
    root = ET.fromstring(text)  # noqa: S314 - ours
    space = {"svg": "http://www.w3.org/2000/svg"}
    words = [one.text for one in root.findall("svg:text", space)]
    for cost in (cost_of_month, costs.cost_of_url):
        rate = costs.find_break_even(Load(), cost)
        assert f"from {rate:.{1 if rate < 10 else 0}f} on" in words
        assert f"${cost(100, Load()):,.0f}" in words
    for line in root.findall("svg:polyline", space):
        points = [tuple(map(float, one.split(","))) for one in line.attrib["points"].split()]
        assert all(break_even.LEFT <= x <= break_even.RIGHT for x, _ in points)
        assert all(break_even.TOP <= y <= break_even.BOTTOM for _, y in points)
    light, dark = text.split("@media (prefers-color-scheme: dark)")
    named = set(re.findall(r"class=\"(?:line )?([\w-]+)\"", text)) - {"title"}
    for kind in named:
        assert f".{kind} {{" in light, kind
        assert f".{kind} {{" in dark, kind
