(function () {
  "use strict";
  var doc = document, root = doc.documentElement, look = reportSearch;
  function $(id) { return doc.getElementById(id); }

  // What is packed was escaped where it was written, and the policy of the page lets no script in it run.
  var policy = window.trustedTypes ? window.trustedTypes.createPolicy("report", { createHTML: function (s) { return s; } }) : { createHTML: function (s) { return s; } };

  function unbase(s) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(s);
    s = atob(s);
    var p = new Uint8Array(s.length);
    for (var i = 0; i < s.length; i++) p[i] = s.charCodeAt(i);
    return p;
  }
  async function bytes(z) {
    if (!window.DecompressionStream) throw new Error("this browser cannot unpack it; newer ones can");
    var through = new DecompressionStream("deflate-raw"), w = through.writable.getWriter(), put = [w.write(unbase($("z" + z).textContent)), w.close()];
    put.forEach(function (p) { p.catch(function () {}); }); // whoever reads is told
    return new Uint8Array(await new Response(through.readable).arrayBuffer());
  }
  function text(z) { return bytes(z).then(function (p) { return new TextDecoder().decode(p); }); }

  // Pages; filled are those that were opened, by their numbers.
  var filled = {};
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
      d.classList.add("filled");
      filled[z] = d;
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
      if (filled[z]) return filled[z];
      var d = tightest(function (s) { return +s.y <= z && z <= +s.z; }, function (s) { return s.z - s.y; });
      if (!d) return null;
      var it = +d.dataset.z === z;
      await fill(d);
      if (it) return d;
    }
  }
  // which is the number of the place in el, where it has several.
  function show(el, what, which) {
    for (var d = el; d; d = d.parentElement) if (d.tagName === "DETAILS") d.open = true;
    var old = doc.querySelector(".at");
    if (old) old.classList.remove("at");
    el.classList.add("at");
    var r = what && mark(el, what, which || 0);
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
  function mark(el, what, which) {
    var walk = doc.createTreeWalker(el, NodeFilter.SHOW_TEXT), all = "", parts = [], t;
    while ((t = walk.nextNode())) {
      if (t.parentElement.tagName === "SCRIPT") continue;
      parts.push({ t: t, from: all.length });
      all += t.data;
      if (all.length > 4e6) break;
    }
    all = look.fold(all);
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
    return rs[which] || rs[0] || null;
  }

  // Search: what is open first, then the packed pages that may hold it, also those never shown.
  var q = $("q"), out = $("n"), list = $("hits"), stop = $("stop"), found = [], now = -1, turn = 0, sought = null;
  var shownHits = 200, mostHits = 20000;
  look.unfold($("fold").textContent);
  function add(hit) {
    if (found.length >= mostHits) return false;
    found.push(hit);
    if (found.length > shownHits) return true;
    var li = doc.createElement("li"), b = doc.createElement("button");
    b.type = "button";
    b.textContent = hit.say;
    b.addEventListener("click", function () { go(found.indexOf(hit)); });
    li.append(b);
    list.append(li);
    return true;
  }
  function searchBytes(z, el, p) {
    var a = side(el.dataset.a), b = side(el.dataset.b);
    look.eachBytes(p, sought, function (k) {
      return add({ z: z, n: null, say: (k < a.n ? "A byte 0x" + digits(a.off + k, 1) : "B byte 0x" + digits(b.off + k - a.n, 1)) + ": " + q.value.trim() });
    });
  }
  function searchText(z, p) {
    var page = look.textOf(new TextDecoder().decode(p)), n, which = -1;
    look.eachText(page, sought, function (k) {
      var at = look.nodeAt(page, k);
      which = at === n ? which + 1 : 0;
      n = at;
      return add({ z: z, n: n, which: which, say: look.around(page.text, k, sought.text.length) });
    });
  }
  // What was packed is searched as it was packed, also where it has been opened.
  function packed(d) { return d.classList.contains("filled") || !!d.dataset.z; }
  // The text that stands in an element itself: not that of nodes in it, nor of what was packed.
  function own(el) {
    var s = "";
    el.childNodes.forEach(function (c) {
      if (c.nodeType === 3) s += c.data;
      else if (c.nodeType !== 1 || c.tagName === "SCRIPT" || c.classList.contains("node") || c.classList.contains("link")) return;
      else {
        var t = c.tagName === "DETAILS" && packed(c) ? own(c.querySelector("summary")) : own(c);
        s += look.inline.test(c.tagName.toLowerCase()) ? t : "\n" + t + "\n";
      }
    });
    return s;
  }
  function searchOpen() {
    doc.querySelectorAll("details.node").forEach(function (d) {
      if (d.parentElement.closest("details.filled")) return;
      var s = packed(d) ? own(d.querySelector("summary")) : own(d);
      var k = look.fold(s).indexOf(sought.text);
      if (k >= 0) add({ el: d, say: look.around(s, k, sought.text.length) });
    });
  }
  // The filter of a page; it is kept, so that the next search has it at once.
  function filter(el) {
    if (el.filter === undefined) {
      var k = el.dataset.k;
      el.filter = k ? unbase(k) : null;
    }
    return el.filter;
  }
  function clear() {
    turn++;
    found = []; now = -1; list.textContent = ""; out.textContent = ""; stop.hidden = true;
    delete out.dataset.done;
    if (window.CSS && CSS.highlights) CSS.highlights.delete("found");
  }
  async function search() {
    clear();
    var mine = turn, seen = performance.now(), done = 0, failed = 0, asked = q.value.trim();
    if (!asked) return;
    sought = look.query(asked);
    searchOpen();
    var packs = doc.querySelectorAll("script[id^='z']"), those = Array.prototype.filter.call(packs, function (el) { return look.may(filter(el), sought, !!el.dataset.a); });
    function pages(n) { return n + (n === 1 ? " page" : " pages"); }
    function say(how) {
      var s = found.length >= mostHits ? "over " + mostHits + " found; say more" : found.length + " found", left = those.length - done;
      if (found.length > shownHits) s += " (the first " + shownHits + " listed)";
      if (how === "going") s += ", " + pages(left) + " of " + packs.length + " left to search";
      else if (left && found.length < mostHits) s += "; stopped, " + pages(left) + " not searched";
      else if (packs.length) s += "; " + (those.length === packs.length ? "all " + pages(packs.length) + " searched" : pages(those.length) + " of " + packs.length + " could hold it");
      if (!sought.textGrams.length && packs.length) s += " (too short to choose pages by)";
      if (failed) s += "; " + pages(failed) + " could not be unpacked";
      out.textContent = s;
    }
    halt = function () { if (mine === turn && !stop.hidden) { turn++; stop.hidden = true; say("stopped"); out.dataset.done = asked; return true; } };
    stop.hidden = !those.length;
    say("going");
    async function one(el) {
      var z = +el.id.slice(1);
      try {
        var p = await bytes(z);
        if (mine !== turn) return;
        if (el.dataset.a) searchBytes(z, el, p); else searchText(z, p);
      } catch (e) { failed++; }
      if (mine === turn) done++;
    }
    for (var i = 0; i < those.length && mine === turn && found.length < mostHits; i += 8) {
      await Promise.all(those.slice(i, i + 8).map(one));
      if (mine === turn && performance.now() - seen > 60) { say("going"); seen = performance.now(); await new Promise(function (r) { setTimeout(r); }); }
    }
    if (mine === turn) { stop.hidden = true; say("end"); out.dataset.done = asked; }
  }
  var halt = function () { return false; };
  async function go(k) {
    if (!found.length) return;
    now = (k + found.length) % found.length;
    var hit = found[now], el = hit.el;
    Array.prototype.forEach.call(list.children, function (li, i) {
      li.classList.toggle("now", i === now);
      if (i === now) li.scrollIntoView({ block: "nearest" });
    });
    if (!el) {
      el = hit.at || (hit.at = await page(hit.z));
      if (hit.n !== null && $("n" + hit.n)) el = $("n" + hit.n);
    }
    if (el) show(el, sought.text, hit.which);
    out.textContent = (now + 1) + " of " + found.length;
  }
  var timer;
  if (q) {
    q.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(search, 250); });
    q.addEventListener("keydown", function (e) {
      if (e.key === "Escape") { if (halt()) e.preventDefault(); else { q.value = ""; search(); q.blur(); } }
      if (e.key !== "Enter") return;
      e.preventDefault();
      go(now + (e.shiftKey ? -1 : 1));
    });
    $("tools").addEventListener("submit", function (e) { e.preventDefault(); });
    $("u").addEventListener("change", function () { root.classList.toggle("only", $("u").checked); });
    $("theme").addEventListener("click", theme);
    stop.addEventListener("click", function () { halt(); });
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
