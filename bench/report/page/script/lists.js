// Views that are lists of their own: claims, ratings, published numbers, and the entries themselves.

function listModel(title, about, columns, rows) {
  const shown = columns.map((column) => ({ ...column, shown: true }));
  const words = sought();
  const texts = (row) => searchable(row.cells.map((cell) => cell.text).join(" "));
  const found = rows.filter((row) => words.every((word) => isSought(word, texts(row), row.described ?? "")));
  return { title, about, notes: [], caption: title, columns: shown, rows: found, of: rows.length };
}

function claimsModel() {
  const { rows, verdicts, counts } = DATA.claims;
  const open = verdicts.indexOf("not measured");
  const answered = counts.filter(([, ...numbers]) => numbers.some((number, place) => number && place !== open));
  const summary = answered.map(([scale, ...numbers]) => `${scale}: ${verdicts.map((verdict, place) => `${numbers[place]} ${verdict}`).join(", ")}.`);
  const others = counts.filter((count) => !answered.includes(count)).reduce((sum, [, ...numbers]) => sum + numbers[open], 0);
  if (others) summary.push(`At other scales: ${others} not measured.`);
  const about = [
    "Each claim, of a paper or of this benchmark, compares two things; the records answer it by the 95% interval of the difference, paired by seed. A negative difference means that the first protects better.",
    summary.join(" "),
    ...(counts.length ? [element("a", { href: "claims.md" }, "All claims, with the commands for those not measured")] : []),
  ];
  const columns = [
    { id: "claim", label: "claim", phone: true, wraps: true },
    { id: "verdict", label: "verdict", phone: true, wraps: true },
    { id: "measured", label: "measured", numeric: true },
    { id: "n", label: "n", numeric: true },
    { id: "network", label: "network" },
    { id: "scale", label: "scale", wraps: true },
    { id: "compared", label: "compared", wraps: true },
    { id: "source", label: "source (grade)", wraps: true },
  ];
  return listModel("Claims, answered from the records", about, columns, rowsOf(rows).map((row) => ({
    cells: [
      textCell(row.claim),
      { ...textCell(row.verdict), trouble: row.verdict === "contradicted", mark: row.verdict === "confirmed" && "best" },
      { text: row.measured, value: numberIn(row.measured) },
      numberCell(row.n, String(row.n)),
      ...["network", "scale", "compared", "source"].map((id) => textCell(row[id])),
    ],
  })));
}

// A method's name, marked where its noise may leave the bound.
function labelOf(method) {
  const labels = DATA.groups.map((group) => group.methods.get(method)?.label ?? method);
  return labels.find((label) => label !== method) ?? method;
}

function ratingsModel() {
  const rated = rowsOf(DATA.ratings);
  const won = rated.map((one) => ({ id: `beats ${one.method}`, label: one.method }));
  const about = [
    `${DATA.rating_rules} †: in some table not bounded by rho_u.`,
  ];
  const columns = [
    { id: "method", label: "method", phone: true },
    { id: "rating", label: "rating", numeric: true, phone: true },
    { id: "interval", label: "95% interval", numeric: true },
    { id: "tasks", label: "tasks", numeric: true, phone: true },
    ...won.map((column) => ({ ...column, group: "wins (tasks) against", numeric: true })),
  ];
  return listModel("Methods across tables", about, columns, rated.map(({ method, rating, interval, tasks, ...wins }) => ({
    cells: [
      methodCell(method, labelOf(method)),
      { text: rating, value: Number(rating) },
      textCell(interval),
      { text: tasks, value: parseInt(tasks, 10) },
      ...won.map(({ id }) => ({ text: wins[id] ?? "–", value: numberIn(wins[id]) })),
    ],
  })));
}

function reportedModel() {
  const about = [
    "What papers and their code state, next to what was measured here at paper-v1. V: read in the paper; V2: quoted by another paper; C: from released code. Their training setups differ, so a measured value outside the reported range is a reason to investigate, not a refutation.",
  ];
  const columns = [
    { id: "method", label: "method", phone: true },
    { id: "reported", label: "reported %", numeric: true, phone: true },
    { id: "grade", label: "grade", phone: true },
    { id: "measured", label: "measured here", numeric: true },
    { id: "dataset", label: "dataset" },
    { id: "victim", label: "victim" },
    { id: "rho_a", label: "rho_a", numeric: true },
    { id: "countermeasure", label: "countermeasure" },
    { id: "share", label: "% protected", numeric: true },
    { id: "source", label: "source", wraps: true },
    { id: "note", label: "note", wraps: true },
  ];
  return listModel("Reported by papers", about, columns, rowsOf(DATA.reported).map((row) => ({
    cells: [
      methodCell(row.method, row.method),
      numberCell(row.accuracy),
      textCell(row.grade),
      { text: row.measured, value: numberIn(row.measured) },
      textCell(row.dataset),
      textCell(row.victim),
      row.rho_a === null ? { text: "not stated", value: null } : numberCell(row.rho_a, String(row.rho_a)),
      textCell(row.countermeasure),
      textCell(row.share),
      textCell(ownOf(DATA.sources, row.source) ?? row.source),
      textCell(row.note),
    ],
  })));
}

function entriesModel() {
  const about = ["Every method, countermeasure and training recipe of this benchmark, with its paper, requirements and commands. Search also looks into their descriptions."];
  const columns = [
    { id: "name", label: "name", phone: true },
    { id: "kind", label: "kind" },
    { id: "title", label: "what", phone: true, wraps: true },
    { id: "bound", label: "bound", wraps: true },
    { id: "needs", label: "needs" },
    { id: "paper", label: "paper", wraps: true },
  ];
  return listModel("Entries", about, columns, CARDS.map((card) => {
    const facts = Object.fromEntries(card.facts);
    const words = [card.kind, card.title, facts.bound ?? "", facts.needs ?? "", PAPERS.get(card.paper)?.title ?? facts.source ?? ""];
    return { described: card.described, cells: [{ text: card.name, value: card.name, open: card }, ...words.map(textCell)] };
  }));
}
