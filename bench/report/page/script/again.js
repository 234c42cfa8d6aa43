// How to run a cell again: a command, and what it takes besides.

function againOf(cell) {
  const command = commandText(cell);
  const copy = button("Copy command", async () => {
    copy.textContent = await copyText(command, "Copied");
  }, { "aria-live": "polite" });
  const notes = [...missingOf(cell), ...ALWAYS].map((text) => element("li", {}, text));
  return [element("pre", { id: "command" }, command), copy, element("ul", { class: "about" }, ...notes)];
}

const ALWAYS = [
  "It is the same cell where the new record bears the same key. With the commit, versions, device and threads of the record the numbers are the same; elsewhere they lie inside the interval.",
  "The cache is a new one, so that the noise is made again as well. Images that are downloaded already need not be fetched again: --data names their folder, usually ~/.cache/unlearnable-bench/data.",
];

// The names of a record are letters, digits and ._+- alone, which no shell reads as anything else.
function commandText(cell) {
  const seeds = [...new Set(runsOf(cell).map((run) => run.seed))].join(",");
  const changes = [
    ...protocolWords(cell.protocol),
    DATA.known.datasets.includes(cell.dataset) ? `datasets=${cell.dataset}` : `datasets=folder:PATH/TO/${cell.dataset}`,
    DATA.known.methods.includes(cell.method) ? `methods=${cell.method}` : `methods=noise:PATH/TO/${cell.method}.safetensors`,
    ...PLACE.filter((axis) => axis.listed).map((axis) => `${axis.listed}=${cell[axis.id]}`),
    `'seeds=[${seeds}]'`,
  ];
  const start = "python -m bench run --grid smoke --results runs/again --cache runs/again-cache";
  return [start, ...changes.map((change) => `--set ${change}`)].join(" \\\n  ");
}

// A protocol's numbers that --set changed are told by a plus sign and six digits behind its name.
function baseOf(protocol) {
  return protocol.replace(/\+[0-9a-f]{6}$/, "");
}

function protocolWords(protocol) {
  const base = baseOf(protocol);
  const file = DATA.known.protocols.includes(base) ? base : `PATH/TO/${base}.toml`;
  return [`protocol=${file}`, ...(base === protocol ? [] : ["setup.KEY=VALUE"])];
}

// What only those have who made the record.
function missingOf(cell) {
  const { datasets, methods, protocols } = DATA.known;
  const base = baseOf(cell.protocol);
  return [
    datasets.includes(cell.dataset) ? null
      : `${cell.dataset} is a folder of images that does not come with the benchmark: give the path of your copy. A number at the end of the name may be a size that images were brought to: folder:PATH@SIZE.`,
    methods.includes(cell.method) ? null
      : `${cell.method} does not come with the benchmark: give the path of the noise file of this name or, where a package brings the method, install that and write methods=${cell.method}.`,
    protocols.includes(base) ? null : `The protocol ${base} does not come with the benchmark: give the path of its file.`,
    base === cell.protocol ? null
      : `${cell.protocol} is ${base} with other numbers, of which the record keeps a digest alone: in place of setup.KEY=VALUE give each --set that it was made with. The right ones lead to the same name.`,
  ].filter(Boolean);
}
