"use strict";
// Show a study's data when it is pointed at, and leave it out when it is clicked: every number was computed beforehand.
(() => {
  const tip = document.createElement("div");
  tip.className = "figure-tip";
  tip.hidden = true;
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);

  const show = (group, x, y) => {
    tip.textContent = group.dataset.tip;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 4))}px`;
    tip.style.top = `${y + 18 + box.height > innerHeight ? Math.max(4, y - box.height - 10) : y + 18}px`;
  };
  const hide = () => { tip.hidden = true; };

  for (const figure of document.querySelectorAll(".figure")) {
    const drawing = figure.querySelector("svg");
    const data = figure.querySelector("script[type='application/json']");
    const held = data ? JSON.parse(data.textContent) : null;
    const said = figure.querySelector(".said");
    const whole = drawing.innerHTML;
    let out = null;

    const find = (target) => target.closest ? target.closest(".tip") : null;
    drawing.addEventListener("pointermove", (event) => {
      const group = find(event.target);
      if (group) show(group, event.clientX, event.clientY); else hide();
    });
    drawing.addEventListener("pointerleave", hide);
    // On the svg itself these would make it a stop of the keyboard's own.
    figure.addEventListener("focusin", (event) => {
      const group = find(event.target);
      if (!group || !group.matches(":focus-visible")) return;
      const box = group.getBoundingClientRect();
      show(group, box.left, box.bottom);
    });
    figure.addEventListener("focusout", hide);
    if (!held) continue;

    const set = (row) => {
      const focused = out ?? row;
      if (drawing.innerHTML !== whole) drawing.innerHTML = whole;
      out = row;
      if (row !== null) {
        for (const [number, attributes, text] of held.changes[row] || []) {
          const element = drawing.querySelector(`[data-n="${number}"]`);
          for (const [name, value] of Object.entries(attributes)) {
            if (value === null) element.removeAttribute(name); else element.setAttribute(name, value);
          }
          if (text !== null) element.textContent = text;
        }
        if (held.whole[row]) drawing.innerHTML = held.whole[row];
        for (const group of drawing.querySelectorAll(`[data-row="${row}"]`)) group.setAttribute("aria-pressed", "true");
      }
      said.textContent = row === null ? held.all : held.says[row];
      if (row !== null) {
        const back = document.createElement("button");
        back.type = "button";
        back.textContent = held.back;
        back.addEventListener("click", () => set(null));
        said.append(" ", back);
      }
      if (drawing.contains(document.activeElement) || document.activeElement === document.body) {
        const group = drawing.querySelector(`[data-row="${focused}"]`);
        if (group) group.focus({ preventScroll: true });
      }
    };
    const toggle = (event) => {
      const group = find(event.target);
      if (!group || group.dataset.row === undefined) return;
      event.preventDefault();
      hide();
      set(out === group.dataset.row ? null : group.dataset.row);
    };
    drawing.addEventListener("click", toggle);
    drawing.addEventListener("keydown", (event) => {
      if (event.key === "Escape") hide();
      if (event.key === "Enter" || event.key === " ") toggle(event);
    });
    set(null);
  }
})();
