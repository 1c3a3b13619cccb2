// A matrix is one tab stop; arrows go to the next cell that holds images, on hover a cell says what it counts.
{
  const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

  const neighbour = (cell, [down, right]) => {
    const rows = [...cell.closest("tbody").rows];
    let row = rows.indexOf(cell.closest("tr"));
    let column = cell.closest("td").cellIndex;
    for (;;) {
      row += down;
      column += right;
      const place = rows[row]?.cells[column];
      if (!place) return null;
      if (place.querySelector("button")) return place.querySelector("button");
    }
  };

  const move = (matrix, cell) => {
    matrix.querySelector('button[tabindex="0"]').tabIndex = -1;
    cell.tabIndex = 0;
    cell.focus();
  };

  for (const matrix of document.querySelectorAll(".matrix")) {
    matrix.querySelectorAll("button").forEach((cell, index) => { cell.tabIndex = index ? -1 : 0; });
    const on = (event, action) => matrix.addEventListener(event, (happened) => {
      const cell = happened.target.closest("button");
      if (cell) action(cell, happened);
    });
    on("click", (cell) => move(matrix, cell));
    on("pointerover", (cell) => { cell.title = cell.getAttribute("aria-label"); });
    on("keydown", (cell, event) => {
      if (!STEPS[event.key]) return;
      event.preventDefault(); // else the page scrolls
      const next = neighbour(cell, STEPS[event.key]);
      if (next) move(matrix, next);
    });
  }
}
