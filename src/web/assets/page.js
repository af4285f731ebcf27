// Small helps; every page that only reads works without them.
(() => {
  "use strict";

  // Sliders show their value at once, and the result follows a moment later.
  for (const form of document.querySelectorAll("form[data-live]")) {
    const result = document.getElementById(form.dataset.live);
    let waiting = 0;
    let asked = 0;
    const ask = async () => {
      const fields = new URLSearchParams(new FormData(form));
      const address = form.action + "?" + fields;
      const mine = ++asked;
      try {
        const answer = await fetch(address);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (mine !== asked) return;
        // A refusal, or a page that asks to sign in, is shown in place of numbers that no longer hold.
        const fresh = page.getElementById(form.dataset.live) ?? page.querySelector("main");
        result.replaceChildren(...fresh.childNodes);
        if (answer.ok && !answer.redirected) history.replaceState(null, "", address);
      } catch {
        // The button asks in the ordinary way, and shows what is wrong.
        form.submit();
      }
    };
    // What stands above the result is about the question as it was sent.
    const isOtherQuestion = () => [...form.elements].some(
      (one) => /^(text|select-one|number)$/.test(one.type) && one.value !== one.defaultValue);
    form.addEventListener("input", (event) => {
      const output = event.target.parentElement.querySelector("output");
      if (output) output.value = event.target.value;
      if (event.target.type !== "range" && event.target.type !== "checkbox") return;
      if (event.target.type === "range") form.elements.reform.checked = true;
      clearTimeout(waiting);
      waiting = setTimeout(() => isOtherQuestion() ? form.submit() : ask(), 150);
    });
  }

  // A table pasted from a spreadsheet fills the grid from the cell it is pasted into.
  for (const table of document.querySelectorAll("table.grid")) {
    const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("input")]);
    table.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text/plain");
      if (!/[\t\n]/.test(text.trim())) return;
      const row = rows.findIndex((inputs) => inputs.includes(event.target));
      if (row < 0) return;
      event.preventDefault();
      const column = rows[row].indexOf(event.target);
      text.trim().split(/\r?\n/).forEach((line, down) => {
        line.split("\t").forEach((value, right) => {
          const input = rows[row + down]?.[column + right];
          if (input) input.value = value.trim();
        });
      });
    });
  }

  // Paper cannot unfold anything.
  addEventListener("beforeprint", () => {
    for (const folded of document.querySelectorAll("main details")) folded.open = true;
  });

  // An address that names a derivation opens it.
  const open = () => {
    const found = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = found && found.closest("details");
    if (folded) folded.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
