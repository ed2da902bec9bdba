// Shows the fields of the chosen kind of order, and sends a form once however often it is pressed.
(() => {
  const toggle = (part, isShown) => {
    part.hidden = !isShown;
    for (const input of part.querySelectorAll("input, select")) input.disabled = !isShown;
  };

  const form = document.getElementById("order-entry");
  const follow = () => {
    const kind = form.elements.kind.value;
    const time = form.elements.time_in_force.value;
    for (const part of form.querySelectorAll("[data-kinds]")) {
      toggle(part, part.dataset.kinds.split(" ").includes(kind));
    }
    for (const part of form.querySelectorAll("[data-time]")) toggle(part, part.dataset.time === time);
  };
  if (form) {
    form.addEventListener("change", follow);
    form.addEventListener("input", (event) => {
      // What stood at the field was said of another value; the preview judges the new one
      event.target.closest(".desk-form > div")?.querySelectorAll("[role=alert]").forEach((said) => said.remove());
    });
    follow();
  }

  document.addEventListener("submit", (event) => {
    const sent = event.target;
    if (!sent.hasAttribute("data-once")) return;
    if (sent.dataset.sent) event.preventDefault();
    sent.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", () => {
    for (const sent of document.querySelectorAll("[data-once]")) delete sent.dataset.sent;
  });
})();
