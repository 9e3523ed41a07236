// The page: begins imports, shows how far they are, and shows the images as they arrive.

const PER_PAGE = 60;
const JOBS_SHOWN_MAX = 5;
const BUSY_MS = 1000, IDLE_MS = 5000, RATE_WINDOW_MS = 10_000;
const ACTIVE = new Set(["accepted", "running", "waiting"]);
// What browsers show; everything else is shown by its type.
const SHOWN = /^image\/(jpeg|a?png|gif|webp|avif|bmp|svg\+xml|vnd\.microsoft\.icon)$/;

const at = (id) => document.getElementById(id);
const number = new Intl.NumberFormat();
const size = (bytes) => {
  const unit = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 4);
  const value = bytes / 1000 ** unit;
  return `${unit && value < 100 ? value.toFixed(1) : Math.round(value)} ${["B", "kB", "MB", "GB", "TB"][unit]}`;
};

async function ask(path, options) {
  const answer = await fetch(path, options);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail);
  return body;
}

// Imports

at("import").addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ folder_url: at("link").value });
    say((await ask("/api/import/google-drive", { method: "POST", headers, body })).message + ".");
    event.target.reset();
    look();
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
});

function say(sentence, wrong = false) {
  at("said").textContent = sentence;
  at("said").classList.toggle("wrong", wrong);
}

// Progress

const sights = new Map(); // of each job: when it had processed how many
let timer, busyBefore = false;

async function look() {
  clearTimeout(timer);
  let busy = busyBefore;
  try {
    const { items } = await ask("/api/jobs?limit=50");
    const shown = items.filter((job, i) => i === 0 || ACTIVE.has(job.state)).slice(0, JOBS_SHOWN_MAX);
    show(shown);
    busy = shown.some((job) => ACTIVE.has(job.state));
    // One look more after the end, for what came in between.
    if (busy || busyBefore) await more();
    if (at("said").dataset.away) say((at("said").dataset.away = ""));
  } catch {
    at("said").dataset.away = "true";
    say("The gateway does not answer; trying again.", true);
  }
  busyBefore = busy;
  clearTimeout(timer);
  timer = setTimeout(look, busy ? BUSY_MS : IDLE_MS);
}

function show(jobs) {
  const cards = [...at("jobs").children];
  const next = jobs.map((job) => fill(cards.find((card) => card.dataset.id === job.id) ?? blank(job), job));
  // A card that is put in its place again would lose the keyboard's focus.
  if (next.length !== cards.length || next.some((card, i) => card !== cards[i])) at("jobs").replaceChildren(...next);
}

function blank(job) {
  const card = at("job").content.firstElementChild.cloneNode(true);
  card.dataset.id = job.id;
  return card;
}

function fill(card, job) {
  const counting = !job.listing_done && ACTIVE.has(job.state);
  const bar = card.querySelector("progress");
  card.querySelector("h2").textContent = `${job.folder_name ?? "A folder"}: ${job.state}`;
  bar.setAttribute("aria-label", `Files of ${job.folder_name ?? "the folder"}`);
  bar.max = Math.max(job.discovered, 1);
  // Nothing is known of the whole yet: no share of it is shown.
  if (counting) bar.removeAttribute("value");
  else bar.value = job.discovered ? job.processed : Number(!ACTIVE.has(job.state));
  const rate = pace(job);
  const counts = [
    `${number.format(job.processed)} of ${number.format(job.discovered)}${counting ? "+ (still counting)" : ""}`,
    `${number.format(job.stored)} stored (${size(job.bytes_stored)})`,
    `${number.format(job.skipped)} skipped`,
    `${number.format(job.failed)} failed`,
    ...(rate ? [`${rate < 10 ? rate.toFixed(1) : number.format(Math.round(rate))} files/s`] : []),
  ];
  card.querySelector(".counts span").textContent = counts.join(" · ");
  card.querySelector(".counts a").href = job.links.manifest.replace(".jsonl", ".csv");
  card.querySelector(".detail").textContent = job.detail ?? "";
  return card;
}

function pace(job) {
  const now = performance.now();
  const seen = (sights.get(job.id) ?? []).filter((sight) => sight.at > now - RATE_WINDOW_MS);
  sights.set(job.id, [...seen, { at: now, processed: job.processed }]);
  const [first] = seen;
  return first && job.state === "running" ? ((job.processed - first.processed) / (now - first.at)) * 1000 : 0;
}

// Images: the newest come last, so that nothing moves while they are appended.

const known = new Set();
let loading, endInView = false;

function more() {
  loading ??= load().finally(() => (loading = undefined));
  return loading;
}

async function load() {
  do {
    const page = Math.floor(known.size / PER_PAGE) + 1;
    const { items, total } = await ask(`/api/images?page=${page}&per_page=${PER_PAGE}`);
    at("total").textContent = total ? number.format(total) : "";
    at("empty").hidden = total > 0;
    if (known.size && !endInView) return; // only the total was wanted
    const fresh = items.filter((image) => !known.has(image.id));
    fresh.forEach((image) => known.add(image.id));
    at("images").append(...fresh.map(tile));
    if (known.size >= total || !fresh.length) return;
    await new Promise(requestAnimationFrame); // the observer has its say before the next page
  } while (endInView);
}

function tile(image) {
  const link = Object.assign(document.createElement("a"), { href: `/api/images/${image.id}/content`, title: image.name });
  const picture = Object.assign(document.createElement("span"), { className: "picture" });
  const label = () => picture.replaceChildren(image.mime_type.replace(/^image\/(x-)?/, "").toUpperCase());
  if (SHOWN.test(image.mime_type)) {
    // `loading` stands before `src`, or the browser would begin at once.
    picture.append(Object.assign(new Image(), { alt: "", loading: "lazy", decoding: "async", onerror: label, src: link.href }));
  } else label();
  const name = Object.assign(document.createElement("span"), { className: "name", textContent: image.name });
  link.append(picture, name);
  const item = document.createElement("li");
  item.append(link);
  return item;
}

new IntersectionObserver(([entry]) => {
  endInView = entry.isIntersecting;
  if (endInView) more().catch(() => {}); // `look` tells when the gateway is away
}, { rootMargin: "600px" }).observe(at("end"));
look();
