// The colour switch: the reader's system decides until a choice is made, and the choice is kept where storage allows.
{
  const group = document.querySelector(".theme");
  const buttons = [...group.querySelectorAll("button")];

  const show = (choice) => {
    if (choice === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = choice;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === choice));
    }
  };

  const kept = () => {
    try {
      return localStorage.getItem("report-theme");
    } catch {
      return null; // a page from disk may be denied storage
    }
  };

  const keep = (choice) => {
    try {
      localStorage.setItem("report-theme", choice);
    } catch {
      // then the choice lasts as long as the page
    }
  };

  group.hidden = false;
  group.addEventListener("click", (event) => {
    const choice = event.target.closest("button")?.dataset.themeChoice;
    if (choice) {
      show(choice);
      keep(choice);
    }
  });
  show(buttons.some((button) => button.dataset.themeChoice === kept()) ? kept() : "auto");
}
