/* The line of rows a second, from what the live part of the page says each time it comes anew. */
(() => {
  const KEPT = 120;
  const rates = [];
  document.addEventListener("htmx:afterSettle", () => {
    const figure = document.getElementById("pace");
    const live = document.getElementById("live");
    if (!figure || !live || !live.dataset.rate) return;
    rates.push(Number(live.dataset.rate.replaceAll(",", "")));
    if (rates.length > KEPT) rates.shift();
    if (rates.length < 2) return;
    const most = Math.max(...rates, 1);
    const points = rates.map((rate, n) => `${(600 * n) / (rates.length - 1)},${58 - (56 * rate) / most}`);
    figure.querySelector("polyline").setAttribute("points", points.join(" "));
    document.getElementById("pace-now").textContent = `(now ${live.dataset.rate}, at most ${most.toLocaleString("en")})`;
    figure.hidden = false;
  });
})();
