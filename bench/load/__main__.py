"""Loads a service at rising rates, and says how it answers: `make load`.

The results and their picture are in .local/load.
"""

import argparse
import json
import sys
from pathlib import Path

from bench.load import memory, picture
from bench.load.generator import ask, send_steadily
from bench.load.mix import Mixer, MixError, read_weights
from bench.load.results import Results, explain, summarize, tabulate, write
from bench.load.target import Target, TargetError, find_address, find_server, find_stage
from serving.bundle.errors import ModelError
from serving.bundle.manifest import Manifest, read_manifest
from serving.deployment.commands.options import read_stage
from serving.deployment.stack import Deployment, StackError, confirm, say

BUNDLES = Path("serving/app/data")
OUT = Path(".local/load")
RATES = "50,100,200,300,400"  # one environment on a laptop answers some hundreds
MOST = 1_000_000  # requests of a rate, which all are kept
FLAT_BYTES = 5_000_000  # that a server may gain in 100,000 requests


def main() -> int:
    options = parse_arguments()
    try:
        manifest = read_manifest(BUNDLES / options.model)
        weights = read_weights(options.routes, manifest.task)
        if options.memory:
            return measure_memory(manifest, weights)
        rates = read_rates(options.rate, options.seconds)
        target = find_target(options)
        allow(target, rates, options)
        check_target(target, manifest)
        results = Results(target.url, manifest.name, manifest.version, weights, options.seconds)
        load(target, Mixer(manifest, weights), rates, results)
    except (ModelError, MixError, StackError, TargetError) as error:
        say(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
        return 130
    save(results)
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("model", help="its name")
    parser.add_argument("--port", default="8000", help="of a server on this machine (8000)")
    parser.add_argument("--stage", type=read_stage, help="a deployed one instead")
    parser.add_argument("--url", help="an address instead")
    parser.add_argument("--rate", default=RATES, help=f"requests a second, rising ({RATES})")
    parser.add_argument("--seconds", type=int, default=10, help="of each rate (10)")
    parser.add_argument("--routes", default="", help="with weights, as predict:9,batch:1")
    parser.add_argument(
        "--memory", action="store_true", help="is memory flat? (a server of its own)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    found = parser.parse_args()
    if found.stage and found.url:
        parser.error("STAGE= and URL= are two targets: choose one")
    if found.seconds < 1:
        parser.error("SECONDS must be 1 or more")
    return found


def read_rates(text: str, seconds: int) -> list[float]:
    """The rates in rising order; one alone is risen to, in four steps.

    Raises:
        TargetError: One is no number, or there would be none or too many requests.
    """
    try:
        rates = sorted({float(one) for one in text.split(",")})
    except ValueError:
        raise TargetError(f"RATE={text} are no numbers: RATE=25,50,100, or RATE=100") from None
    if len(rates) == 1:
        rates = [rates[0] * step / 4 for step in range(1, 5)]
    if not all(1 <= one * seconds <= MOST for one in rates):
        raise TargetError(f"each rate must make 1 to {MOST:,} requests in {seconds:g} s")
    return rates


def find_target(options: argparse.Namespace) -> Target:
    if options.stage:
        return find_stage(Deployment(options.model, options.stage))
    return find_address(options.url) if options.url else find_server(options.port, options.model)


def check_target(target: Target, manifest: Manifest) -> None:
    """Look whether the model answers there, for another one would refuse what is sent.

    Raises:
        TargetError: It does not.
    """
    status, body = ask(target, "model")
    if status != 200:  # noqa: PLR2004 - OK
        raise TargetError(f"{target.url}model answers {status}, so there is nothing to load")
    try:
        found = json.loads(body)
        name, version = found["name"], found["version"]
    except (ValueError, TypeError, KeyError):
        raise TargetError(f"what answers at {target.url} is no Quickthaw") from None
    if name != manifest.name:
        raise TargetError(f"{target.url} serves the model {name}: say MODEL={name}")
    if version != manifest.version:
        say(f"note: {target.url} serves {name} {version}, here is {manifest.version}")


def allow(target: Target, rates: list[float], options: argparse.Namespace) -> None:
    """Ask before requests go to another machine: they load it, and cost money.

    Raises:
        StackError: The answer was not yes.
    """
    if target.is_here:
        return
    total = sum(round(one * options.seconds) for one in rates)
    limit = "; its stage lets {} a second through, {} at once".format(*target.limit or "??")
    confirm(
        f"This sends {total:,} requests to {target.url}, up to {rates[-1]:g} a second"
        f"{limit if target.limit else ''}. Is it yours to load?",
        yes=options.yes,
    )


def load(target: Target, mixer: Mixer, rates: list[float], results: Results) -> None:
    """Send at each rate, and keep what was found; stop where the service does not keep up."""
    mix = ", ".join(f"{name} {weight:g}" for name, weight in results.weights.items())
    say(f"{target.url}, model {results.model} {results.version}; routes: {mix}")
    for rate in rates:
        say(f"{rate:g} requests a second for {results.seconds:g} s")
        requests = mixer.draw(round(rate * results.seconds))
        step = summarize(rate, send_steadily(target, requests, rate))
        results.steps.append(step)
        for line in explain(step):
            say(line)
        if step.is_over and rate != rates[-1]:
            say("  it does not keep up: higher rates are left out")
            return


def save(results: Results) -> None:
    """Print the table; write results and picture."""
    print("\n".join(tabulate(results.steps)))
    path = OUT / f"{results.model}.json"
    write(path, results)
    picture.write(path.with_suffix(".svg"), results)
    say(f"picture: {path.with_suffix('.svg')}, all figures: {path}")


def measure_memory(manifest: Manifest, weights: dict[str, float]) -> int:
    """Measure memory over many requests; 1 where it is not flat."""
    found = memory.measure(BUNDLES / manifest.name, Mixer(manifest, weights))
    for what, count in found.errors.items():
        say(f"  failed {count:,}: {what}")
    flat = found.gained <= FLAT_BYTES and not found.errors
    print(
        f"{manifest.name} {manifest.version}: {found.warm / 1e6:.1f} MB after "
        f"{memory.REQUESTS * memory.WARM:,.0f} requests, {found.gained / 1e6:+.1f} MB up to the "
        f"{memory.REQUESTS:,}th: "
        f"{'flat' if flat else 'NOT flat'}"
    )
    return int(not flat)


if __name__ == "__main__":
    sys.exit(main())
