// Put a field above each long table of methods that hides the rows without the words typed.
for (const held of document.querySelectorAll(".filtered")) {
  const field = document.createElement("input");
  field.type = "search";
  field.className = "filter";
  field.placeholder = "Filter, such as: odds ratio";
  field.setAttribute("aria-label", "Filter the table");
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of held.querySelectorAll("tbody tr")) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
  held.prepend(field);
}
