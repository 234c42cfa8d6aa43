// Tables as text: what is shown now, all rows of it, as Markdown, LaTeX or CSV.

const FORMATS = { markdown: markdownOf, latex: latexOf, csv: csvOf };

async function copyTables(format, models) {
  const text = models.map((model) => FORMATS[format](model)).join(format === "csv" ? "" : "\n\n");
  const rows = models.reduce((count, model) => count + model.rows.length, 0);
  const name = { markdown: "Markdown", latex: "LaTeX", csv: "CSV" }[format];
  announce(await copyText(text, `Copied ${counted(rows, "row")} as ${name}.`));
}

// Put text into the clipboard and return what to say of it.
async function copyText(text, done) {
  try {
    await navigator.clipboard.writeText(text);
    return done;
  } catch {
    return copiedByHand(text) ? done : "The browser blocked copying; select the text and copy it by hand.";
  }
}

// For browsers that keep the clipboard from pages opened from the disk.
function copiedByHand(text) {
  const home = find("dialog[open]") ?? document.body;
  const area = element("textarea", { "aria-hidden": "true", class: "skip" });
  area.value = text;
  home.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

function titleOf(column) {
  return column.group ? `${column.group}, ${column.label}` : column.label;
}

function wordsOf(cell) {
  return cell.beside ? `${cell.text} ${cell.beside}` : cell.text;
}

function markdownOf(model) {
  const clean = (text) => text.replace(/[\p{C}]/gu, " ").replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/[\\`*_|[\]~$]/g, "\\$&");
  const line = (cells) => `| ${cells.join(" | ")} |`;
  const body = model.rows.map((row) => line(row.cells.map((cell) => (cell.mark === "best" ? `**${clean(wordsOf(cell))}**` : clean(wordsOf(cell))))));
  const rule = line(model.columns.map((column) => (column.numeric ? "---:" : "---")));
  return [`${clean(model.caption)}\n`, line(model.columns.map((column) => clean(titleOf(column)))), rule, ...body, ""].join("\n");
}

const LATEX = {
  "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "$": "\\$", "&": "\\&", "#": "\\#", "%": "\\%", "_": "\\_",
  "^": "\\textasciicircum{}", "~": "\\textasciitilde{}", "±": "$\\pm$", "–": "--", "†": "$^\\dagger$", "‡": "$^\\ddagger$",
  "<": "\\textless{}", ">": "\\textgreater{}",
};
const RADIUS = /rho\\_([au])/g;
const MINUS = /(^|[\s[(,])-(?=\d)/g;

function latexOf(model) {
  const clean = (text) => text.replace(/[\p{C}]/gu, " ").replace(/[\\{}$&#%_^~±–†‡<>]/g, (sign) => LATEX[sign]).replace(RADIUS, "$\\rho_$1$$").replace(MINUS, "$1$-$$");
  const marked = (cell) => {
    const text = clean(wordsOf(cell));
    return cell.mark === "best" ? `\\textbf{${text}}` : cell.mark === "second" ? `\\underline{${text}}` : text;
  };
  const line = (cells) => `  ${cells.join(" & ")} \\\\`;
  return [
    `% ${model.caption.replace(/[\p{C}]/gu, " ")}`,
    `\\begin{tabular}{${model.columns.map((column) => (column.numeric ? "r" : "l")).join("")}}`,
    "  \\toprule",
    line(model.columns.map((column) => clean(titleOf(column)))),
    "  \\midrule",
    ...model.rows.map((row) => line(row.cells.map(marked))),
    "  \\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

// A number with a sign, and what may stand behind it.
const SIGNED = /^[-+][\d.]+( ± [\d.]+)?( \[[-+]?[\d.]+, [-+]?[\d.]+\])?( \([\w/=, ]*\))?( §)?$/;

// A spreadsheet must not take text for a formula.
function csvOf(model) {
  const clean = (text) => {
    const inert = /^\s*[=+@-]/.test(text) && !SIGNED.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
  };
  const lines = [["table", ...model.columns.map(titleOf)], ...model.rows.map((row) => [model.caption, ...row.cells.map(wordsOf)])];
  return lines.map((line) => line.map(clean).join(",") + "\n").join("");
}
