// The images behind a cell of a confusion matrix. Text is only ever set as text: nothing here reads markup.
{
  const SHOWN = 50; // images at a time
  const { tables, runs } = JSON.parse(document.getElementById("images").textContent);

  const make = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };

  const button = (className, label, action) => {
    const made = make("button", className, label);
    made.type = "button";
    made.addEventListener("click", action);
    return made;
  };

  const name = (text) => make("bdi", "", text);
  const percent = (hundredths) => `${hundredths}\u00a0%`;
  const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

  const picture = (table, image) => {
    const bytes = table.thumbnails?.[image];
    if (!bytes) return null;
    const made = make("img", "picture");
    made.alt = "";
    made.src = `data:image/webp;base64,${bytes}`;
    return made;
  };

  // Everything a click on a cell asks for: rows of the table whose truth and answer fall on the cell.
  const behind = (run, factor, truth, answer) => {
    const { predicted, probability } = runs[run];
    const table = tables[runs[run].table];
    const valueOf = table.factors[factor];
    const found = [];
    for (let image = 0; image < predicted.length; image += 1) {
      if (predicted[image] >= 0 && valueOf[table.targets[image]] === truth && valueOf[predicted[image]] === answer) {
        found.push(image);
      }
    }
    const surest = truth === answer ? 1 : -1; // mistakes: the surest first; right answers: the least sure first
    return found.sort((one, other) => surest * (probability[one] - probability[other]));
  };

  // "mask1.jpg" beside its person says as much as "000003_female_drawn_52/mask1.jpg".
  const shortId = (table, image) => {
    const [id, person] = [table.images[image], table.persons[table.person[image]]];
    return id.startsWith(`${person}/`) ? id.slice(person.length + 1) : id;
  };

  const answerText = (run, image) => {
    const table = tables[runs[run].table];
    const predicted = runs[run].predicted[image];
    if (predicted < 0) return ["not validated by this run"];
    const right = predicted === table.targets[image];
    return right ? ["✓ right, ", percent(runs[run].probability[image])]
                 : ["✗ ", name(table.classes[predicted]), `, ${percent(runs[run].probability[image])}`];
  };

  const personStrip = (run, chosen) => {
    const table = tables[runs[run].table];
    const strip = make("ol", "strip");
    for (let image = 0; image < table.images.length; image += 1) {
      if (table.person[image] !== table.person[chosen]) continue;
      const item = make("li", runs[run].predicted[image] === table.targets[image] ? "is-right" : "is-wrong");
      if (image === chosen) item.classList.add("shown");
      const shown = picture(table, image);
      if (shown) item.append(shown);
      item.append(make("span", "id", name(shortId(table, image))),
                  make("span", "answer", "true ", name(table.classes[table.targets[image]])),
                  make("span", "answer", ...answerText(run, image)));
      strip.append(item);
    }
    return strip;
  };

  const imageItem = (run, image) => {
    const table = tables[runs[run].table];
    const item = make("li");
    const words = make("span", "", make("span", "id", name(shortId(table, image))), make("br"),
                       make("span", "quiet", "person ", name(table.persons[table.person[image]])));
    const row = button("image", "", () => {
      const open = row.getAttribute("aria-expanded") === "true";
      row.setAttribute("aria-expanded", String(!open));
      if (open) {
        item.querySelector(".strip").remove();
      } else {
        item.append(personStrip(run, image));
        item.querySelector(".shown").scrollIntoView({ block: "nearest", inline: "center" });
      }
    });
    row.setAttribute("aria-expanded", "false");
    row.title = "All images of this person";
    row.append(picture(table, image) ?? make("span"), words, make("span", "number", percent(runs[run].probability[image])));
    item.append(row);
    return item;
  };

  const fill = (panel, cell) => {
    const { run, factor, truth, answer } = cell.dataset;
    const found = behind(Number(run), factor, Number(truth), Number(answer));
    const table = tables[runs[run].table];
    const persons = new Set(found.map((image) => table.person[image])).size;
    const missing = Number(cell.dataset.count) - found.length;
    const list = make("ol");
    const more = button("plain", "", () => append());
    const append = () => {
      const from = list.children.length;
      list.append(...found.slice(from, from + SHOWN).map((image) => imageItem(Number(run), image)));
      const left = found.length - list.children.length;
      more.hidden = left === 0;
      more.textContent = `Show ${Math.min(SHOWN, left)} of ${left.toLocaleString("en")} more`;
    };
    const title = make("h3", "", cell.getAttribute("aria-label"));
    title.tabIndex = -1;
    panel.replaceChildren(
      button("plain close", "Close", () => { close(panel); cell.focus(); }),
      title,
      make("p", "quiet", `${plural(found.length, "image")} of ${plural(persons, "person")}, with the probability of the answer; `
        + `${truth === answer ? "the least sure" : "the surest"} first.`
        + (missing > 0 ? ` And ${missing.toLocaleString("en")} more that this page does not carry.` : "")),
      list, more);
    append();
  };

  const close = (panel) => {
    panel.closest(".beside").querySelector('button[aria-pressed="true"]')?.setAttribute("aria-pressed", "false");
    panel.classList.remove("open");
    panel.replaceChildren(make("p", "quiet", "Choose a cell to see the images behind it."));
  };

  const open = (cell, byKeyboard) => {
    const panel = cell.closest(".beside").querySelector(".behind");
    close(panel);
    cell.setAttribute("aria-pressed", "true");
    panel.classList.add("open");
    fill(panel, cell);
    panel.scrollTop = 0;
    if (byKeyboard) panel.querySelector("h3").focus();
  };

  for (const part of document.querySelectorAll(".beside")) {
    const panel = part.querySelector(".behind");
    panel.hidden = false;
    close(panel);
    part.addEventListener("click", (event) => {
      const cell = event.target.closest(".matrix button");
      if (cell) open(cell, event.detail === 0); // a key makes a click without a count
    });
    part.addEventListener("keydown", (event) => {
      if (event.key === "Escape") panel.querySelector(".close")?.click();
    });
  }

  // Pictures of the lists of mistakes stand once in the page, as those of the cells do.
  for (const place of document.querySelectorAll("[data-picture]")) {
    const [table, image] = place.dataset.picture.split(":").map(Number);
    const shown = picture(tables[table], image);
    if (shown) place.replaceChildren(shown);
  }
}
