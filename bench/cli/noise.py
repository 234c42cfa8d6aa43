"""`noise`: create, check, describe, import and export noise files."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from attacks.core.settings import radius
from bench.cli.options import (
    add_changes,
    add_device,
    add_places,
    folder_words,
    install_signal_handlers,
    path_of,
    places_of,
)
from bench.noise.convention import LAYOUTS, UNITS

if TYPE_CHECKING:
    from bench.data.dataset import Dataset
    from bench.noise.exchange import ImportHints


def add(commands: Any) -> None:
    """Add the subcommand and its actions."""
    parser = commands.add_parser("noise", help="create, check, describe, import and export noise files")
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="make|validate|visibility|describe|import|export"
    )
    _add_make(actions)
    _add_validate(actions)
    _add_visibility(actions)
    _add_describe(actions)
    _add_import(actions)
    _add_export(actions)


def _add_make(actions: Any) -> None:
    parser = actions.add_parser("make", help="create the noise of one method")
    parser.add_argument("out", type=path_of, metavar="OUT.safetensors")
    parser.add_argument("--dataset", required=True, metavar="NAME|folder:PATH", help="the images to make it for")
    parser.add_argument("--method", required=True, metavar="NAME", help="a method of `list methods`")
    parser.add_argument("--protocol", default="lite-v1", metavar="NAME|FILE.toml", help="protocol (default: lite-v1)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="random seed (default: 0)")
    add_changes(parser, "override a protocol number (setup.noise.steps=20)")
    add_device(parser)
    add_places(parser)
    parser.set_defaults(act=act_make)


def _add_validate(actions: Any) -> None:
    parser = actions.add_parser("validate", help="check a noise file and print a report")
    parser.add_argument("file", type=path_of, metavar="FILE")
    parser.add_argument("--dataset", metavar="NAME|folder:PATH", help="check that the noise is for these images")
    _add_hints(parser)
    add_places(parser)
    parser.set_defaults(act=act_validate)


def _add_visibility(actions: Any) -> None:
    parser = actions.add_parser(
        "visibility", help="measure how visible a noise is, e.g. if its record lacks these metrics"
    )
    parser.add_argument("file", type=path_of, metavar="NOISE.safetensors")
    parser.add_argument("--dataset", required=True, metavar="NAME|folder:PATH", help="the images it was made for")
    add_device(parser)
    add_places(parser)
    parser.set_defaults(act=act_visibility)


def _add_describe(actions: Any) -> None:
    parser = actions.add_parser("describe", help="write Croissant metadata next to a noise file, to publish both")
    parser.add_argument("file", type=path_of, metavar="NOISE.safetensors")
    parser.set_defaults(act=act_describe)


def _add_import(actions: Any) -> None:
    parser = actions.add_parser("import", help="convert a tensor from other code to a noise file")
    parser.add_argument("file", type=path_of, metavar="FILE.npy|npz|safetensors|pt")
    parser.add_argument("out", type=path_of, metavar="OUT.safetensors")
    parser.add_argument("--name", required=True, metavar="NAME", help="name of the noise in records and tables")
    parser.add_argument("--dataset", required=True, metavar="NAME|folder:PATH", help="the images it was made for")
    _add_hints(parser)
    add_places(parser)
    parser.set_defaults(act=act_import)


def _add_export(actions: Any) -> None:
    parser = actions.add_parser("export", help="convert a noise file to .npy, .npz, .safetensors or .pt")
    parser.add_argument("file", type=path_of, metavar="NOISE.safetensors")
    parser.add_argument("out", type=path_of, metavar="OUT.npy|npz|safetensors|pt")
    parser.add_argument("--layout", choices=LAYOUTS, default="nchw", help="axis order (default: nchw)")
    parser.add_argument("--unit", choices=UNITS, default="255", help="255: integers in 1/255; 1: floats (default: 255)")
    parser.set_defaults(act=act_export)


def _add_hints(parser: argparse.ArgumentParser) -> None:
    """Add the options for what a tensor from other code does not say about itself."""
    parser.add_argument("--key", metavar="NAME", help="which tensor to read, if the file holds several")
    parser.add_argument("--layout", choices=LAYOUTS, help="axis order, if it cannot be inferred")
    parser.add_argument("--unit", choices=UNITS, help="scale of float values, if ambiguous: 1/255 or 1")
    parser.add_argument(
        "--bound",
        type=_bound,
        metavar="N",
        help="largest absolute value allowed, in 1/255 (default: 8, or what a noise file states)",
    )


def _bound(text: str) -> int:
    """Parse a bound in 1/255."""
    try:
        radius(text)
        return int(text.removesuffix(".0"))
    except ValueError as error:
        reason = str(error) if "radii" in str(error) else f"takes a whole number, not {text!r}"
        raise argparse.ArgumentTypeError(reason) from error


def act_make(chosen: argparse.Namespace) -> int:
    """Create a noise and write its file; 1: it failed."""
    from attacks.core.errors import first_line
    from bench.config.load import load_protocol
    from bench.noise.make import make_noise_file, plan_noise

    install_signal_handlers()
    protocol, places = load_protocol(chosen.protocol, chosen.changes), places_of(chosen)
    job = plan_noise(chosen.dataset, chosen.method, protocol, chosen.seed, places)
    record, cached = make_noise_file(job, chosen.out, device=chosen.device, places=places)
    if record.status == "failed":
        print(f"failed: {record.cell.label}: {first_line(record.error or '?')}", file=sys.stderr)
        return 1
    print(f"{chosen.out}\ncached as {cached}\ndigest {record.digests['noise']}")
    if cost := record.costs.get("generation"):
        print(f"{cost.passes.full:,} image-passes in {cost.seconds:.1f} s, {record.environment.hardware}")
    return 0


def act_validate(chosen: argparse.Namespace) -> int:
    """Print the findings; 1: something is wrong."""
    from bench.noise.foreign import check_source
    from bench.noise.validate import validate_noise as find
    from bench.run.describe import table_text

    hints = _hints(chosen)
    findings = find(chosen.file, _dataset(chosen, check_source) if chosen.dataset is not None else None, hints)
    rows = [(finding.what, "ok" if finding.right else "WRONG", finding.found) for finding in findings]
    print(table_text(("checked", "", "found"), rows))
    return 0 if all(finding.right for finding in findings) else 1


def act_visibility(chosen: argparse.Namespace) -> int:
    """Print the visibility metrics of a noise, each with its meaning."""
    from attacks.core.runtime import Runtime
    from attacks.engine.noise import read_head
    from attacks.recipes.from_file import NoiseFromFile
    from bench.records.metrics import OF_NOISES
    from bench.run.describe import table_text
    from bench.run.devices import resolve
    from bench.run.visibility import measure_visibility as measure

    dataset = _dataset(chosen, read_head)
    images = dataset.train.images
    noise = NoiseFromFile(path=chosen.file).load(dataset.digest, images.shape)
    found = measure(dataset, noise, Runtime.on(resolve(chosen.device)[0], precision="fp32", side=images.shape[2]))
    rows = []
    for metric in OF_NOISES:
        if hasattr(found, metric.name):  # the others do not measure visibility
            value = getattr(found, metric.name)
            text = "-" if value is None else f"{value:.{metric.digits}f} {metric.unit}".strip()
            rows.append((metric.name, text, metric.title))
    print(table_text(("metric", "", "what it is"), rows))
    return 0


def act_describe(chosen: argparse.Namespace) -> int:
    """Write the metadata of a noise file and print its path."""
    from bench.noise.croissant import write_croissant as write

    print(write(chosen.file))
    return 0


def act_import(chosen: argparse.Namespace) -> int:
    """Write a noise file and print its properties."""
    from attacks.core.errors import escaped
    from attacks.engine.noise import read_head
    from bench.compare.compare import options_for
    from bench.config.suite import RANKING, load_suite
    from bench.noise.exchange import check_target, take
    from bench.noise.foreign import check_source

    hints = _hints(chosen)
    check_target(chosen.name, chosen.file, chosen.out)
    provenance = take(chosen.file, chosen.out, name=chosen.name, dataset=_dataset(chosen, check_source), hints=hints)
    head = read_head(chosen.out)
    print(f"{chosen.out}\ndigest {head.digest}\nlargest absolute value {head.largest}/255")
    print(escaped(_origin_text(provenance.origin)))
    option = options_for(chosen.dataset, load_suite(RANKING))
    words = ["python -m bench compare", quote(str(chosen.out)), option, "--plan", *map(quote, folder_words(chosen))]
    print(f"to see what a comparison with everything published would cost: {' '.join(words)}")
    return 0


def _origin_text(origin: Mapping[str, Any]) -> str:
    """State what was imported, and how it was understood."""
    text = f"imported from {origin['file']} (sha256 {origin['sha256']})"
    bound = f"bound {origin['bound']}/255" if isinstance(origin["bound"], int) else f"bound: {origin['bound']}"
    if "layout" not in origin:
        return f"{text}: a noise file ({bound})"
    unit = {"1": "1", "255": "1/255"}[origin["unit"]]
    text += f": layout {origin['layout']}, units of {unit}, one noise per {origin['per']}"
    text += f", largest entry {origin['largest']:.6g}/255 ({bound})"
    return f"{text}; order {origin['order']}" if "order" in origin else text


def act_export(chosen: argparse.Namespace) -> int:
    """Write a noise in another format."""
    from bench.noise.exchange import give

    values = give(chosen.file, chosen.out, layout=chosen.layout, unit=chosen.unit)
    print(f"{chosen.out}\n{values.dtype} {values.shape}, {chosen.layout}")
    return 0


def _hints(chosen: argparse.Namespace) -> "ImportHints":
    from bench.noise.exchange import ImportHints

    hints = ImportHints(key=chosen.key, layout=chosen.layout, unit=chosen.unit, bound=chosen.bound)
    hints.check_for(chosen.file)
    return hints


def _dataset(chosen: argparse.Namespace, check: Callable[[Path], object]) -> "Dataset":
    """Return the dataset; the noise file is checked before the images are read, which may take long."""
    from bench.data import entry

    places = places_of(chosen)
    found = entry(chosen.dataset, places)
    check(chosen.file)
    for note in found.notes(places):
        print(f"{found.name}: {note}", file=sys.stderr)
    return found.load(places)
