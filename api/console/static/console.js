// Renews the parts of the page every five seconds and draws the timeline. Everything it shows comes from the service
// as finished text; without this script the page is complete but for the drawing.
"use strict";
const PERIOD_MS = 5000;
const CHART_PERIOD_MS = 60000;
const live = document.getElementById("live");
const offline = document.getElementById("offline");
let drawnAt = 0;

function replaceParts(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  for (const part of fresh.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id);
    if (!old || old.contains(document.activeElement)) continue;
    for (const kept of old.querySelectorAll("[data-keep]")) {
      const place = part.querySelector("#" + kept.id);
      if (place && place.dataset.url === kept.dataset.url) place.replaceWith(kept);
    }
    for (const open of old.querySelectorAll("details[open]")) {
      part.querySelector("#" + open.id)?.setAttribute("open", "");
    }
    old.replaceWith(part);
  }
}

async function renew() {
  if (document.hidden) return;
  try {
    const answer = await fetch(live.dataset.url, { credentials: "same-origin" });
    if (answer.redirected) { location.reload(); return; }
    if (!answer.ok) throw new Error(String(answer.status));
    replaceParts(await answer.text());
    offline.hidden = true;
  } catch { offline.hidden = false; }
  if (Date.now() - drawnAt > CHART_PERIOD_MS) await draw();
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// vega-interpreter (ast) keeps to the page's content security policy: no code is made from text.
async function draw() {
  const place = document.getElementById("timeline");
  if (!place || !window.vegaEmbed) return;
  drawnAt = Date.now();
  const answer = await fetch(place.dataset.url, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) { drawnAt = 0; return; }
  const chart = await answer.json();
  const scale = chart.encoding.color.scale;
  scale.range = scale.range.map((each) => colour(each.replace("--", "--k-")));
  const text = { labelColor: colour("--text"), labelFontSize: 12, labelFont: colour("--font") };
  chart.config = {
    view: { stroke: null },
    axis: { ...text, gridColor: colour("--line"), tickColor: colour("--line"), domainColor: colour("--line") },
  };
  await window.vegaEmbed(place, chart, {
    actions: false, ast: true, renderer: "canvas", defaultStyle: false, tooltip: { disableDefaultStyle: true },
  });
  place.dataset.drawn = String((chart.data.values ?? chart.datasets[chart.data.name]).length);
}

if (live) {
  document.getElementById("controls").addEventListener("change", (event) => event.currentTarget.requestSubmit());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  setInterval(renew, PERIOD_MS);
}
