// The view of cells: one table with a row for each.

const ASKED = PLACE.filter((axis) => axis.usual === null); // a grid has to name them
const DEFAULTED = PLACE.filter((axis) => axis.usual !== null);

function cellModel(cells) {
  const several = (field) => new Set(CELLS.map((cell) => cell[field])).size > 1;
  return {
    title: "Cells",
    about: ["One row per cell: a method against a trainer, over its seeds."],
    notes: [],
    caption: "Cells",
    columns: [
      { id: "method", label: "method", shown: true, phone: true },
      ...ASKED.map(({ id, head, numeric }) => ({ id, label: head, numeric, shown: true, phone: id === "victim" })),
      { id: "accuracy", label: "accuracy", numeric: true, shown: true, phone: true, title: "clean test accuracy in %: mean ± half-width of its 95% interval and the worst seed, or the lowest and the worst seed" },
      optional({ id: "n", label: "seeds", numeric: true }),
      optional({ id: "interval", label: "95% interval", numeric: true }, false),
      optional({ id: "worst", label: "worst seed", numeric: true }, false),
      ...DATA.metrics.map(({ id, label, title }) => optional({ id, label, title, numeric: true }, false)),
      optional({ id: "reported", label: "reported" }, CELLS.some((cell) => cell.band)),
      ...DEFAULTED.map(({ id, head, numeric }) => optional({ id, label: head, numeric }, several(id))),
      optional({ id: "dataset", label: "dataset" }),
      optional({ id: "protocol", label: "protocol" }),
      optional({ id: "precision", label: "precision" }, several("precision")),
      ...numbersOfMethods(["seconds", "passes"]),
      optional({ id: "memory", numeric: true, ...NUMBERS.memory }, false),
      optional({ id: "device", label: "generated on" }),
    ],
    rows: cells.map(cellRow),
  };
}

function cellRow(cell) {
  const method = cell.made;
  return {
    reference: method?.reference,
    cells: [
      { text: method?.label ?? cell.method, value: cell.method, open: cell, label: `${[cell.method, cell.victim, ...toldOf(cell, "long")].join(", ")}: details` },
      ...ASKED.map((axis) => axisCell(cell, axis)),
      { text: cell.text, value: cell.mean, trouble: cell.mean === null, bar: cell.mean, mark: cell.mark },
      numberCell(cell.n, String(cell.n)),
      { text: cell.low === null ? "–" : `${cell.low.toFixed(2)}–${cell.high.toFixed(2)}`, value: cell.low },
      numberCell(cell.worst),
      ...DATA.metrics.map(({ id, digits }) => numberCell(cell[id], cell[id]?.toFixed(digits))),
      { text: cell.band, value: cell.band || null },
      ...DEFAULTED.map((axis) => axisCell(cell, axis)),
      textCell(cell.dataset),
      textCell(cell.protocol),
      textCell(cell.precision),
      ...["seconds", "passes", "memory"].map((id) => (method ? costCell(method, id) : numberCell(null))),
      textCell(method?.devices ?? "–"),
    ],
  };
}

function axisCell(cell, { id, numeric }) {
  return numeric ? numberCell(cell[id], String(cell[id])) : textCell(cell[id]);
}

function numberCell(value, text = value?.toFixed(2)) {
  return value === null ? { text: "–", value } : { text, value };
}
