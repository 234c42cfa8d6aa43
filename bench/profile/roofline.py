"""The roofline plot of a profile (Williams et al. 2009)."""

from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from bench.profile.measure import Profile
from bench.report.plots.page import DEFAULT

_COLORS = {"fp32": "#0072b2", "bf16": "#d55e00", "fp64": "#7f7f7f"}
_MARKERS = {"frozen": "o", "training": "s", "step": "^"}


def roofline(found: Profile) -> Figure:
    """Return a figure with a point per measurement under its precision's limit: FLOP/s against FLOP/byte, log-log."""
    intensities = [measure.intensity for measure in found.measures]
    low, high = min(intensities) / 4, max(intensities) * 4
    with DEFAULT.drawing():
        figure = Figure(figsize=(DEFAULT.inches, 2.9), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        axes.set_yscale("log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_major_formatter(FormatStrFormatter("%g"))
            axis.set_minor_formatter(NullFormatter())
        for precision, limit in found.limits.items():
            edge = min(max(limit.flops / limit.bandwidth, low), high)
            xs = [low, edge, high]
            axes.plot(xs, [limit.at(x) / 1e9 for x in xs], color=_COLORS[precision], label=f"peak, {precision}")
        for measure in found.measures:
            axes.plot(
                measure.intensity,
                measure.flops_per_second / 1e9,
                linestyle="none",
                marker=_MARKERS[measure.kind],
                color=_COLORS[measure.precision],
                label=f"{measure.work}, {measure.precision}",
            )
        axes.set_xlabel("FLOP per byte of memory traffic (assuming no cache reuse)")
        axes.set_ylabel("GFLOP/s")
        axes.set_title(f"{found.subject.victim} at {found.subject.side} pixels", parse_math=False)
        figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return figure
