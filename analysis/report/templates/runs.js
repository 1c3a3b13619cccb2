// One run at a time where the report goes into runs; without this script all of them stand one below the other.
{
  const pickers = [...document.querySelectorAll(".picker")];
  const parts = [...document.querySelectorAll(".of-run")];

  const show = (run) => {
    for (const part of parts) part.hidden = part.dataset.run !== run;
    for (const picker of pickers) picker.querySelector("select").value = run;
  };

  for (const picker of pickers) {
    picker.hidden = false;
    picker.querySelector("select").addEventListener("change", (event) => show(event.target.value));
  }
  if (pickers.length) show(pickers[0].querySelector("select").value);
}
