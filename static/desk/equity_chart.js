// Draws the equity curve of the account on the dashboard and keeps it fresh.
(() => {
  const REFRESH_MILLISECONDS = 2000; // as often as the tables, so that both say the same
  const place = document.getElementById("equity-chart");
  if (!place) return;
  const empty = place.querySelector(".desk-chart-empty");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const look = () => ({
    autoSize: true,
    layout: {
      background: { color: "transparent" },
      textColor: colour("--bs-secondary-color"),
      fontFamily: getComputedStyle(document.body).fontFamily,
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("--desk-line") } },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderVisible: false, timeVisible: true },
  });
  const lineLook = () => ({
    lineColor: colour("--desk-accent"),
    lineWidth: 2,
    topColor: `${colour("--desk-accent")}40`,
    bottomColor: `${colour("--desk-accent")}05`,
    priceFormat: { type: "custom", formatter: (value) => value.toLocaleString("en", { maximumFractionDigits: 2 }) },
  });

  const chart = LightweightCharts.createChart(place, look());
  const line = chart.addSeries(LightweightCharts.AreaSeries, lineLook());
  let isFirst = true;

  const refresh = async () => {
    if (document.hidden && !isFirst) return;
    const response = await fetch(place.dataset.source, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) return; // the polled tables say what is wrong
    const { points } = await response.json();
    empty.hidden = points.length > 0;
    line.setData(points);
    if (isFirst) chart.timeScale().fitContent();
    isFirst = points.length === 0;
  };
  dark.addEventListener("change", () => {
    chart.applyOptions(look());
    line.applyOptions(lineLook());
  });
  window.addEventListener("resize", () => chart.timeScale().fitContent());
  refresh();
  window.setInterval(refresh, REFRESH_MILLISECONDS);
})();
