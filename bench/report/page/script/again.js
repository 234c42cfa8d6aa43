// How to reproduce a cell: a command, and what else it needs.

function againOf(cell) {
  const command = commandText(cell);
  const copy = button("Copy command", async () => {
    copy.textContent = await copyText(command, "Copied");
  }, { "aria-live": "polite" });
  const notes = [...missingOf(cell), sameOf(cell), NEW_CACHE].map((text) => element("li", {}, text));
  const fetch = ownOf(DATA.known.fetch, cell.dataset);
  const first = fetch ? [element("p", { id: "fetch" }, `First get the images, which do not come with the benchmark, into ${fetch}.`)] : [];
  return [...first, element("pre", { id: "command" }, command), copy, element("ul", { class: "about" }, ...notes)];
}

function sameOf(cell) {
  const elsewhere = cell.next_low === null ? "" : "; elsewhere each new seed falls in the 95% prediction interval above in about 95 of 100 cases";
  return `The result is comparable if the new record has the same key. With the same commit, package versions, device and threads as the record, the numbers are identical${elsewhere}.`;
}

const NEW_CACHE = `The command uses a new cache, so that the noise is regenerated too, but the usual folder of downloaded images, ${DATA.known.data}: give --data another one if yours is elsewhere.`;

// The names of a record are letters, digits and ._+- alone, which no shell reads as anything else.
function commandText(cell) {
  const seeds = [...new Set(runsOf(cell).map((run) => run.seed))].join(",");
  const base = baseOf(cell.protocol);
  const [grid, ...rest] = ownOf(DATA.known.grids, base) ?? ["smoke", `protocol=PATH/TO/${base}.toml`];
  const changes = [
    ...rest,
    ...(base === cell.protocol ? [] : ["setup.KEY=VALUE"]),
    DATA.known.datasets.includes(cell.dataset) ? `datasets=${cell.dataset}` : `datasets=folder:PATH/TO/${cell.dataset}`,
    DATA.known.methods.includes(cell.method) ? `methods=${cell.method}` : `methods=noise:PATH/TO/${cell.method}.safetensors`,
    ...PLACE.filter((axis) => axis.listed).map((axis) => `${axis.listed}=${cell[axis.id]}`),
    `'seeds=[${seeds}]'`,
  ];
  const start = `python -m bench run --grid ${grid} --results runs/again --cache runs/again-cache --data ${DATA.known.data}`;
  return [start, ...changes.map((change) => `--set ${change}`)].join(" \\\n  ");
}

// A protocol's numbers that --set changed are told by a plus sign and six digits behind its name.
function baseOf(protocol) {
  return protocol.replace(/\+[0-9a-f]{6}$/, "");
}

// What the command needs that does not come with this code, and what else it trains.
function missingOf(cell) {
  const { datasets, methods, weights, grids } = DATA.known;
  const base = baseOf(cell.protocol);
  return [
    cell.text.includes("§") ? "§: records of an older version. The current code makes another key: first check out the commit shown." : null,
    cell.share < 100 && cell.part === "all" ? "The command also trains clean on the unprotected part alone." : null,
    datasets.includes(cell.dataset) ? null
      : `${cell.dataset} is a folder of images that does not come with the benchmark: give the path of your copy. A number at the end of the name may be the size that images were resized to: folder:PATH@SIZE.`,
    methods.includes(cell.method) ? null
      : `${cell.method} does not come with the benchmark: give the path of the noise file of this name or, if the method comes from a package, install the package and write methods=${cell.method}.`,
    ...["countermeasure", "training"].map((kind) => cardOf(kind, cell[kind]) ? null
      : `The ${kind} ${cell[kind]} does not come with the benchmark: install the package that has it.`),
    !cell.victim.includes(".") || weights.includes(cell.victim) ? null
      : `If the weights of ${cell.victim} are from a file, write victims=NETWORK:PATH/TO/${cell.victim.replace(/^[^.]*\./, "")}.safetensors.`,
    ownOf(grids, base) ? null : `The protocol ${base} does not come with the benchmark: give the path of its file.`,
    base === cell.protocol ? null
      : `${cell.protocol} is ${base} with some numbers changed; the record stores only their digest. Replace setup.KEY=VALUE with each --set of the original run; the right ones give the same protocol name.`,
  ].filter(Boolean);
}
