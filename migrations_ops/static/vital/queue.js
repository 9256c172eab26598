// The review queue's keys. Without this file the page is an ordinary form.
(() => {
  const queue = document.getElementById("queue");
  if (!queue) return;
  const form = document.getElementById("decide");
  const boxes = [...form.querySelectorAll("tbody input[type=checkbox]")];
  const whole = form.elements.whole;
  let at = -1;

  const go = (step) => {
    if (!boxes.length) return;
    at = Math.min(Math.max(at + step, 0), boxes.length - 1);
    boxes[at].focus();
    boxes[at].closest("tr").scrollIntoView({ block: "nearest" });
  };
  const leave = (address) => { if (address) window.location.assign(address); };
  const act = {
    j: () => go(1),
    k: () => go(-1),
    x: () => { if (at < 0) go(1); boxes[at].checked = !boxes[at].checked; },
    a: () => { const every = boxes.every((box) => box.checked); boxes.forEach((box) => { box.checked = !every; }); },
    w: () => { whole.checked = !whole.checked; },
    r: () => form.elements.reason.focus(),
    s: () => leave(queue.dataset.rows),
    n: () => leave(queue.dataset.next),
    u: () => queue.querySelector("[data-key=u]").click(),
    "?": () => { const keys = document.getElementById("keys"); keys.open = !keys.open; if (keys.open) keys.scrollIntoView({ block: "nearest" }); },
    Enter: () => form.requestSubmit(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inside = event.target;
    if (inside.matches("textarea, select, input:not([type=checkbox]):not([type=radio])")) {
      if (event.key === "Escape") inside.blur();
      return;
    }
    if (event.key === "Enter" && inside.matches("a, button, summary")) return;
    const tenant = /^[1-9]$/.test(event.key) && form.querySelector(`input[data-key="${event.key}"]`);
    if (tenant) tenant.checked = true;
    else if (Object.hasOwn(act, event.key)) act[event.key]();
    else return;
    event.preventDefault();
  });
})();
