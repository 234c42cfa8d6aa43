// Accuracy over training, as an inline picture: a line per seed, those of the clean reference dashed.

// In units of a pixel where there is room; narrower on a phone, so that its words stay readable.
const CHART = { widest: 760, height: 250, left: 40, right: 62, top: 12, bottom: 30 };

function chartOf(cell) {
  const own = runsOf(cell).map(curveOf).filter((points) => points.length);
  if (!own.length) return null;
  const reference = cell.beside_clean ? BY_PATH.get(pathOf({ ...cell, method: "clean" })) : null;
  const clean = reference && reference !== cell ? runsOf(reference).map(curveOf).filter((points) => points.length) : [];
  const last = Math.max(...[...own, ...clean].map((points) => points[points.length - 1][0]));
  const width = Math.min(CHART.widest, Math.max(300, window.innerWidth - 60));
  const { height, left, right, top, bottom } = CHART;
  const x = (step) => left + ((width - left - right) * step) / last;
  const y = (accuracy) => top + ((height - top - bottom) * (100 - accuracy)) / 100;
  const line = (points, name) =>
    drawn("polyline", { class: name, points: points.map(([step, accuracy]) => `${x(step).toFixed(1)},${y(accuracy).toFixed(1)}`).join(" ") });
  const text = (words, at, attributes = {}) => drawn("text", { x: at[0], y: at[1], ...attributes }, words);
  const grid = [0, 25, 50, 75, 100].flatMap((accuracy) => [
    drawn("line", { class: "grid", x1: left, x2: width - right, y1: y(accuracy), y2: y(accuracy) }),
    text(String(accuracy), [left - 8, y(accuracy) + 4], { "text-anchor": "end" }),
  ]);
  const [ownEnd, cleanEnd] = spread(y(endOf(own)), clean.length ? y(endOf(clean)) : null);
  return drawn(
    "svg",
    { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Accuracy over ${last} training steps` },
    ...grid,
    text("0", [left, height - 10]),
    text(`${last.toLocaleString("en")} steps`, [width - right, height - 10], { "text-anchor": "end" }),
    ...clean.map((points) => line(points, "line clean")),
    ...own.map((points) => line(points, "line")),
    clean.length ? text("clean", [width - right + 8, cleanEnd + 4]) : null,
    text(clean.length ? "this cell" : "", [width - right + 8, ownEnd + 4], { class: "shown" }),
  );
}

function endOf(lines) {
  return lines[0][lines[0].length - 1][1];
}

// Keep two labels from covering each other.
function spread(one, other) {
  if (other === null || Math.abs(one - other) >= 15) return [one, other];
  const middle = (one + other) / 2;
  return one > other ? [middle + 8, middle - 8] : [middle - 8, middle + 8];
}
