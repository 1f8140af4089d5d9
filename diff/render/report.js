(function () {
  "use strict";
  var doc = document, root = doc.documentElement;
  function $(id) { return doc.getElementById(id); }

  // What is packed was escaped where it was written, and the policy of the page lets no script in it run.
  var policy = window.trustedTypes ? window.trustedTypes.createPolicy("report", { createHTML: function (s) { return s; } }) : { createHTML: function (s) { return s; } };

  function bytes(z) {
    var s = atob($("z" + z).textContent), p = new Uint8Array(s.length);
    for (var i = 0; i < s.length; i++) p[i] = s.charCodeAt(i);
    if (!window.DecompressionStream) return Promise.reject(new Error("this browser cannot unpack it; newer ones can"));
    return new Response(new Blob([p]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).arrayBuffer().then(function (b) { return new Uint8Array(b); });
  }
  function text(z) { return bytes(z).then(function (p) { return new TextDecoder().decode(p); }); }

  // Pages.
  function fill(d) {
    if (!d.dataset.z) return Promise.resolve();
    if (d.loading) return d.loading;
    var z = d.dataset.z, from = $("z" + z);
    d.loading = (from.dataset.a ? bytes(z).then(function (p) { return hex(p, from.dataset); }) : text(z).then(function (s) {
      var t = doc.createElement("template");
      t.innerHTML = policy.createHTML(s);
      return t.content;
    })).then(function (got) {
      var wait = d.querySelector(":scope > .wait");
      if (wait) wait.remove();
      d.appendChild(got);
      delete d.dataset.z;
    }).catch(function (e) {
      d.loading = null;
      var wait = d.querySelector(":scope > .wait");
      if (wait) wait.textContent = "It could not be shown: " + e.message;
      throw e;
    });
    return d.loading;
  }
  doc.addEventListener("toggle", function (e) {
    if (e.target.open && e.target.dataset && e.target.dataset.z) fill(e.target).catch(function () {});
  }, true);

  // Hex: the rows of both sides, one under the other where they differ.
  function digits(n, w) { return n.toString(16).padStart(w, "0"); }
  function side(d) { var s = d.split(","); return { off: +s[0], n: +s[1] }; }
  function row(pre, sign, cls, off, of, other) {
    var line = doc.createElement("span"), s = sign + digits(off, 8) + " ", ascii = "";
    line.className = cls;
    function flush() { line.append(s); s = ""; }
    for (var i = 0; i < 16; i++) {
      if (i === 8) s += " ";
      var c = of(i);
      if (c < 0) { s += "   "; ascii += " "; continue; }
      ascii += c >= 32 && c < 127 ? String.fromCharCode(c) : ".";
      s += " ";
      if (other && other(i) !== c) {
        flush();
        var m = doc.createElement("mark");
        m.textContent = digits(c, 2);
        line.append(m);
      } else s += digits(c, 2);
    }
    s += "   " + ascii + "\n";
    flush();
    pre.append(line);
  }
  function hex(p, data) {
    var a = side(data.a), b = side(data.b), pre = doc.createElement("pre");
    function at(s, from, base) { return function (i) { var k = base + i - s.off; return k >= 0 && k < s.n ? p[from + k] : -1; }; }
    var rows = Math.max(a.n ? Math.ceil((a.off % 16 + a.n) / 16) : 0, b.n ? Math.ceil((b.off % 16 + b.n) / 16) : 0);
    for (var r = 0; r < rows; r++) {
      var oa = a.off - a.off % 16 + 16 * r, ob = b.off - b.off % 16 + 16 * r;
      var inA = a.n > 0 && oa < a.off + a.n, inB = b.n > 0 && ob < b.off + b.n, fa = at(a, 0, oa), fb = at(b, a.n, ob), same = inA && inB && oa === ob;
      for (var i = 0; i < 16 && same; i++) same = fa(i) === fb(i);
      if (same) { row(pre, " ", "", oa, fa); continue; }
      if (inA) row(pre, "-", "a", oa, fa, inB ? fb : null);
      if (inB) row(pre, "+", "b", ob, fb, inA ? fa : null);
    }
    return pre;
  }

  // Places: a node by its number, a packed page by its number.
  function tightest(inside, size) {
    var best = null;
    doc.querySelectorAll("details[data-z]").forEach(function (d) {
      if (inside(d.dataset) && (!best || size(d.dataset) < size(best.dataset))) best = d;
    });
    return best;
  }
  async function node(n) {
    for (var last = null; !$("n" + n);) {
      var d = tightest(function (s) { return s.f && +s.f <= n && n < +s.t; }, function (s) { return s.t - s.f; });
      if (!d || d === last) return last;
      await fill(d);
      last = d;
    }
    return $("n" + n);
  }
  async function page(z) {
    for (;;) {
      var d = tightest(function (s) { return +s.y <= z && z <= +s.z; }, function (s) { return s.z - s.y; });
      if (!d) return null;
      var it = +d.dataset.z === z;
      await fill(d);
      if (it) return d;
    }
  }
  function show(el, what) {
    for (var d = el; d; d = d.parentElement) if (d.tagName === "DETAILS") d.open = true;
    var old = doc.querySelector(".at");
    if (old) old.classList.remove("at");
    el.classList.add("at");
    var r = what && mark(el, what);
    (r ? r.startContainer.parentElement : el).scrollIntoView({ block: "center" });
    if (r) {
      var box = r.getBoundingClientRect(), bar = $("tools");
      scrollBy(0, box.top - Math.max(innerHeight / 2, bar ? bar.offsetHeight : 0));
      var pre = r.startContainer.parentElement.closest("pre");
      if (pre) pre.scrollLeft = Math.max(0, pre.scrollLeft + box.left - pre.getBoundingClientRect().left - pre.clientWidth / 2);
    }
    var s = el.querySelector("summary");
    if (s) s.focus({ preventScroll: true });
  }
  async function follow() {
    var m = /^#n(\d+)$/.exec(location.hash);
    if (!m) return;
    var el = await node(+m[1]);
    if (el) show(el);
  }
  addEventListener("hashchange", follow);
  doc.addEventListener("click", function (e) {
    var a = e.target.closest && e.target.closest("a[href^='#']");
    if (a && a.getAttribute("href") === location.hash) follow();
  });

  // Where a text stands inside an element, marked where the browser can do it.
  function mark(el, what) {
    var walk = doc.createTreeWalker(el, NodeFilter.SHOW_TEXT), all = "", parts = [], t;
    while ((t = walk.nextNode())) {
      if (t.parentElement.tagName === "SCRIPT") continue;
      parts.push({ t: t, from: all.length });
      all += t.data;
      if (all.length > 4e6) break;
    }
    all = all.toLowerCase();
    function spot(k) {
      var lo = 0, hi = parts.length - 1;
      while (lo < hi) { var mid = (lo + hi + 1) >> 1; if (parts[mid].from <= k) lo = mid; else hi = mid - 1; }
      return parts[lo] && [parts[lo].t, Math.min(k - parts[lo].from, parts[lo].t.length)];
    }
    var rs = [];
    for (var k = all.indexOf(what); k >= 0 && rs.length < 1000; k = all.indexOf(what, k + what.length)) {
      var r = doc.createRange(), a = spot(k), b = spot(k + what.length - 1);
      r.setStart(a[0], a[1]);
      r.setEnd(b[0], Math.min(b[1] + 1, b[0].length));
      rs.push(r);
    }
    if (window.Highlight && CSS.highlights) CSS.highlights.set("found", new Highlight(...rs));
    return rs[0] || null;
  }

  // Search: what is open first, then every packed page, also those never shown.
  var q = $("q"), out = $("n"), list = $("hits"), found = [], now = -1, turn = 0;
  var shownHits = 200, mostHits = 20000;
  function escaped(s) { return s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&#34;").replace(/'/g, "&#39;"); }
  function plain(s) {
    return s.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&#34;/g, '"').replace(/&#39;/g, "'").replace(/&amp;/g, "&");
  }
  function add(hit) {
    found.push(hit);
    if (found.length > shownHits) return;
    var li = doc.createElement("li"), b = doc.createElement("button");
    b.type = "button";
    b.textContent = hit.say;
    b.addEventListener("click", function () { go(found.indexOf(hit)); });
    li.append(b);
    list.append(li);
  }
  function around(s, k, n) {
    var from = Math.max(s.lastIndexOf("\n", k) + 1, k - 60), to = s.indexOf("\n", k + n);
    return s.slice(from, Math.min(to < 0 ? s.length : to, k + n + 100));
  }
  // The lines of a page, and with each the number of the node that it is about.
  function each(z, html, want, hit) {
    var flat = html.replace(/<a class="link"[^>]*>#<\/a>/g, "").replace(/<(?:\/?(?:b|i|em|strong|small|mark|span|code|a))(?: [^>]*)?>/g, ""), low = flat.toLowerCase();
    for (var k = low.indexOf(want); k >= 0; k = low.indexOf(want, k + want.length)) {
      var tag = low.lastIndexOf("<", k), close = low.indexOf(">", tag);
      if (tag >= 0 && close >= k) continue; // inside a tag
      var id = low.lastIndexOf(' id="n', k), n = id < 0 ? null : parseInt(low.slice(id + 6), 10);
      if (hit({ z: z, n: n, say: plain(around(flat.replace(/<[^>]*>/g, function (t) { return "\n".padEnd(t.length, "\n"); }), k, want.length)).trim() }) === false) return;
    }
  }
  function bytesWanted(s) {
    var h = s.replace(/[\s]/g, "");
    if (/^([0-9a-f]{2}){2,}$/.test(h)) return h.match(/../g).map(function (x) { return parseInt(x, 16); });
    return null;
  }
  function indexOfBytes(p, w) {
    outer: for (var k = p.indexOf(w[0]); k >= 0; k = p.indexOf(w[0], k + 1)) {
      for (var i = 1; i < w.length; i++) if (p[k + i] !== w[i]) continue outer;
      return k;
    }
    return -1;
  }
  var latin = new TextDecoder("latin1");
  function searchBytes(z, el, p, want) {
    var w = bytesWanted(want), k = w ? indexOfBytes(p, w) : -1;
    if (k < 0) k = latin.decode(p).toLowerCase().indexOf(want);
    if (k < 0) return;
    var a = side(el.dataset.a), b = side(el.dataset.b), off = k < a.n ? "A byte 0x" + digits(a.off + k, 1) : "B byte 0x" + digits(b.off + k - a.n, 1);
    add({ z: z, n: null, say: off + ": " + want });
  }
  function searchOpen(want) {
    doc.querySelectorAll("details.node").forEach(function (d) {
      var s = d.querySelector("summary").textContent.replace(/ #$/, "");
      for (var c = d.firstElementChild.nextElementSibling; c; c = c.nextElementSibling) {
        if (c.tagName === "SCRIPT" || c.classList.contains("node") || c.dataset.z) continue;
        if (c.classList.contains("page") && c.querySelector(".node")) continue;
        s += "\n" + c.textContent;
      }
      var low = s.toLowerCase(), k = low.indexOf(want);
      if (k >= 0 && found.length < mostHits) add({ el: d, say: around(s, k, want.length).trim() });
    });
  }
  async function search() {
    var mine = ++turn, want = q.value.trim().toLowerCase();
    found = []; now = -1; list.textContent = ""; out.textContent = "";
    if (window.CSS && CSS.highlights) CSS.highlights.delete("found");
    if (!want) return;
    searchOpen(want);
    var packs = doc.querySelectorAll("script[type='text/plain']"), done = 0, esc = escaped(want), seen = performance.now();
    function say(end) {
      var s = found.length >= mostHits ? "over " + mostHits + " found; say more" : found.length + " found";
      out.textContent = s + (end ? "" : ", " + done + " of " + packs.length + " pages searched");
    }
    // Pages that are open were searched as they are.
    var open = new Set();
    doc.querySelectorAll("details[data-z]").forEach(function (d) { open.add(d.dataset.z); });
    async function one(el) {
      var z = el.id.slice(1);
      var p = await bytes(z);
      if (mine !== turn) return;
      if (el.dataset.a) searchBytes(+z, el, p, want);
      else {
        var html = new TextDecoder().decode(p);
        if (html.toLowerCase().indexOf(esc) >= 0) each(+z, html, esc, function (h) { if (found.length >= mostHits) return false; if (!(h.n !== null && $("n" + h.n))) add(h); });
      }
      done++;
    }
    for (var i = 0; i < packs.length && mine === turn && found.length < mostHits; i += 8) {
      await Promise.all(Array.prototype.slice.call(packs, i, i + 8).map(function (el) { return one(el).catch(function () { done++; }); }));
      if (performance.now() - seen > 60) { say(false); seen = performance.now(); await new Promise(function (r) { setTimeout(r); }); }
    }
    if (mine === turn) { say(true); out.dataset.done = want; }
  }
  async function go(k) {
    if (!found.length) return;
    now = (k + found.length) % found.length;
    var hit = found[now], el = hit.el, want = q.value.trim().toLowerCase();
    Array.prototype.forEach.call(list.children, function (li, i) {
      li.classList.toggle("now", i === now);
      if (i === now) li.scrollIntoView({ block: "nearest" });
    });
    if (!el) {
      el = hit.at || (hit.at = await page(hit.z));
      if (hit.n !== null && $("n" + hit.n)) el = $("n" + hit.n);
    }
    if (el) show(el, want);
    out.textContent = (now + 1) + " of " + found.length;
  }
  var timer;
  if (q) {
    q.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(search, 250); });
    q.addEventListener("keydown", function (e) {
      if (e.key === "Escape") { q.value = ""; search(); q.blur(); }
      if (e.key !== "Enter") return;
      e.preventDefault();
      go(now + (e.shiftKey ? -1 : 1));
    });
    $("tools").addEventListener("submit", function (e) { e.preventDefault(); });
    $("u").addEventListener("change", function () { root.classList.toggle("only", $("u").checked); });
    $("theme").addEventListener("click", theme);
    $("help").addEventListener("click", function () { $("keys").showModal(); });
  }
  function theme() {
    var dark = root.classList.contains("dark") || !root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches;
    root.classList.toggle("dark", !dark);
    root.classList.toggle("light", dark);
  }
  function move(by) {
    var all = Array.prototype.filter.call(doc.querySelectorAll("#tree summary"), function (s) { return s.checkVisibility ? s.checkVisibility() : s.offsetParent; });
    var k = all.indexOf(doc.activeElement);
    var to = all[Math.min(Math.max(k + by, 0), all.length - 1)];
    if (to) { to.focus(); to.scrollIntoView({ block: "nearest" }); }
  }
  doc.addEventListener("keydown", function (e) {
    var in_ = e.target.tagName;
    if (e.ctrlKey || e.metaKey || e.altKey || in_ === "INPUT" && e.target.type === "search" || !q || $("keys").open) return;
    var does = {
      "/": function () { q.focus(); q.select(); }, j: function () { move(1); }, k: function () { move(-1); },
      o: function () { var s = doc.activeElement; if (s.tagName === "SUMMARY") s.parentElement.open = !s.parentElement.open; },
      n: function () { go(now + 1); }, p: function () { go(now - 1); }, u: function () { $("u").click(); }, t: theme,
      g: function () { scrollTo(0, 0); }, "?": function () { $("keys").showModal(); }
    }[e.key];
    if (does) { e.preventDefault(); does(); }
  });
  follow();
})();
