// A page in the background does not ask; an answer that says nothing new, or comes while a button
// is pressed, changes nothing; a page that lost the desk says so.
(() => {
  const last = new WeakMap();
  const isPolled = (event) => event.detail.elt.hasAttribute("data-polled");

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isPolled(event) && document.hidden) event.preventDefault();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (isPolled(event)) document.body.classList.toggle("desk-stale", !event.detail.successful);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isPolled(event)) return;
    if (event.detail.xhr.responseURL.includes("/sign-in/")) {
      event.detail.shouldSwap = false;
      window.location.reload(); // the session has ended: sign in, then come back here
      return;
    }
    const isPressed = document.querySelector("main button:active, main a:active") !== null;
    const { elt, serverResponse } = event.detail;
    if (serverResponse === last.get(elt) || isPressed) event.detail.shouldSwap = false;
    else last.set(elt, serverResponse);
  });
})();
