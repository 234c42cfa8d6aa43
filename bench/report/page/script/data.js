// What the page shows, as it was written beside the script: groups of results, their cells, and the cells' runs.

const DATA = JSON.parse(find("#data").textContent);

function named(fields, values) {
  return Object.fromEntries(fields.map((field, place) => [field, values[place]]));
}

const CELLS = DATA.cells.map((values, id) => {
  const cell = named(DATA.cell_fields, values);
  cell.id = id;
  cell.group = DATA.groups[cell.group];
  cell.made = cell.group.methods[cell.method] ?? null;
  for (const field of ["dataset", "protocol", "precision"]) cell[field] = cell.group[field];
  cell.sought = ["dataset", "protocol", "precision", "method", "victim", "training", "countermeasure"]
    .map((field) => cell[field])
    .concat(cell.made ? [cell.made.devices] : [])
    .join(" ")
    .toLowerCase();
  return cell;
});

const BY_PATH = new Map(CELLS.map((cell) => [pathOf(cell), cell]));

// The name of a cell in a link, which stays when other records come.
function pathOf(cell) {
  const training = cell.training === "supervised" ? [] : [cell.training];
  return [cell.group.name, cell.method, cell.victim, cell.rho_a, cell.countermeasure, cell.share, cell.part, ...training].join("/");
}

function runsOf(cell) {
  return cell.runs.map((values) => {
    const run = named(DATA.run_fields, values);
    for (const field of DATA.shared_fields) run[field] = DATA.texts[run[field]];
    return run;
  });
}

let parsedCurves = null;

// The points [step, accuracy] of one run; none where it left no curve.
function curveOf(run) {
  parsedCurves ??= JSON.parse(find("#curves").textContent);
  if (run.curve === null) return [];
  const [steps, accuracies] = parsedCurves.lines[run.curve];
  return accuracies.map((accuracy, place) => [parsedCurves.steps[steps][place], accuracy]);
}
