// Rows, each an object, from the columns that packed.py writes.

function rowsOf({ count, columns }) {
  const rows = Array.from({ length: count }, () => ({}));
  for (const [name, column] of Object.entries(columns)) {
    const value = readerOf(column);
    rows.forEach((row, place) => { row[name] = value(place); });
  }
  return rows;
}

function readerOf(column) {
  if (Array.isArray(column)) return (row) => column[row];
  if (column.at) return (row) => column.values[column.at[row]];
  return (row) => (row in column.others ? column.others[row] : column.usual);
}
