// Tables that sort by a column: numbers by data-value (empty ones last), words as a person orders them.
{
  const words = new Intl.Collator("en", { numeric: true });

  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.value ?? cell.textContent.trim();
  };

  const order = (column, numeric, direction) => (one, other) => {
    const [a, b] = [value(one, column), value(other, column)];
    if (a === "" || b === "") return (a === "") - (b === "");
    return direction * (numeric ? Number(a) - Number(b) : words.compare(a, b));
  };

  const sort = (heading) => {
    const table = heading.closest("table");
    const numeric = heading.classList.contains("number");
    const first = numeric ? "descending" : "ascending";
    const second = numeric ? "ascending" : "descending";
    const chosen = heading.getAttribute("aria-sort") === first ? second : first;
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    heading.setAttribute("aria-sort", chosen);
    const rows = [...table.tBodies[0].rows];
    rows.sort(order(heading.cellIndex, numeric, chosen === "ascending" ? 1 : -1));
    table.tBodies[0].append(...rows);
  };

  for (const heading of document.querySelectorAll("table.sortable thead th[aria-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sort(heading));
    heading.append(button);
  }
}
