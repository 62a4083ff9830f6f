// Small comforts of the booking pages. Everything here works without it, by pressing the page's own buttons.
(() => {
  "use strict";
  const TWO_MINUTES = 120_000;

  // One press sends a form once; coming back by the browser's arrow makes it usable again.
  for (const form of document.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      setTimeout(() => { delete form.dataset.sent; }, 5_000);
    });
  }
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-once]")) delete form.dataset.sent;
  });

  // A form answered with a mistake, whose page keeps what was typed: the browser's arrow comes back to the page itself
  // instead of asking whether to send the form once more.
  if (document.body.dataset.kept) history.replaceState(null, "", document.body.dataset.kept);

  // A code pasted with spaces or dashes stands as six digits.
  for (const field of document.querySelectorAll("[data-code]")) {
    field.addEventListener("input", () => {
      const digits = field.value.replace(/[\s\u00a0-]/g, "");
      if (digits !== field.value) field.value = digits;
    });
  }

  // Printing, where the browser can.
  for (const button of document.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }

  // The hold: a warning two minutes before it ends, and longer by one press without leaving the page.
  const hold = document.querySelector("[data-hold]");
  if (hold) {
    const said = hold.querySelector("[data-hold-said]");
    let timers = [];
    const show = (name) => {
      const warning = hold.querySelector(".hold-warning[role=alert]");
      if (!warning) return;
      warning.textContent = warning.getAttribute(name);
      warning.hidden = false;
      hold.classList.add("soon");
    };
    const watch = () => {
      timers.forEach(clearTimeout);
      if (!hold.dataset.until) return;
      const left = Date.parse(hold.dataset.until) - Date.now();
      timers = [
        setTimeout(() => show("data-hold-soon"), Math.max(0, left - TWO_MINUTES)),
        setTimeout(() => show("data-hold-over"), Math.max(0, left)),
      ];
    };
    const extend = async (button) => {
      const answer = await fetch(button.formAction, { method: "POST", body: new FormData(button.form), credentials: "same-origin" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-hold]");
      if (!answer.ok || !fresh) return false;
      hold.dataset.until = fresh.dataset.until || "";
      hold.classList.remove("soon");
      hold.querySelectorAll("p:not([data-hold-said])").forEach((line) => line.remove());
      const lines = [...fresh.querySelectorAll("p:not([data-hold-said])")].map((line) => document.importNode(line, true));
      hold.prepend(...lines);
      said.textContent = "";
      setTimeout(() => { said.textContent = lines[0].textContent; }, 50);
      watch();
      return true;
    };
    hold.querySelector("[data-extend]").addEventListener("click", async (event) => {
      event.preventDefault();
      const button = event.currentTarget;
      try {
        if (await extend(button)) return;
      } catch {
        // No network, or an answer without a hold: the form itself goes, and the page says why.
      }
      button.form.action = button.formAction;
      button.form.submit();
    });
    watch();
  }
})();
