"""How much of its full budget each method keeps at a smaller protocol, in image-passes."""

from attacks.methods import METHODS
from bench.config.load import load_protocol
from bench.data import listed_dataset
from bench.report.markdown import table_of
from bench.report.reported.beside import PROTOCOL
from bench.report.summary import REFERENCES, Group, in_table_order
from bench.report.text import passes_text


def budgets(group: Group) -> str:
    """Return the image-passes of each method's noise at a group's protocol and at that of the papers, and their ratio.

    They are counted for all training images of the group's dataset, as planned; a method that stops early may take
    fewer. Methods without image-passes are left out.
    """
    known = listed_dataset(group.dataset)
    here, papers = (load_protocol(name).for_dataset(group.dataset).noise for name in (group.protocol, PROTOCOL))
    lines = []
    for name in in_table_order(set(group.rows["method"]) & METHODS.keys() - {*REFERENCES}):
        recipe = METHODS[name].recipe
        some, all_of_them = (recipe.passes(settings, known.train).full if known else 0 for settings in (here, papers))
        if all_of_them:
            share = f"{100 * some / all_of_them:.0f}%"
            lines.append((name, passes_text(some), passes_text(all_of_them), share))
    heads = ("method", group.protocol, PROTOCOL, "share")
    return table_of(heads, lines, heads[1:])
