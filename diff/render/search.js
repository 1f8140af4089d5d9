// What the report's search needs and no browser: which pages may hold a text, and where in
// a page it stands. What is here has its counterpart in filter.go; both must agree.
var reportSearch = (function () {
  "use strict";

  // Folding: letters that differ in case only become one, by the table that the report was
  // written with, each as long as it was.
  var table = null;
  function unfold(s) {
    table = new Map();
    s.split(";").forEach(function (r) {
      var f = r.split(",").map(function (x) { return parseInt(x, 36); });
      for (var i = 0; i < f[1]; i++) {
        var c = f[0] + i * f[2];
        table.set(String.fromCodePoint(c), String.fromCodePoint(c + f[3]));
      }
    });
  }
  function fold(s) {
    if (!/[^\x00-\x7f]/.test(s)) return s.toLowerCase();
    return s.replace(/[^\x00-\x7f]/gu, function (c) { return table.get(c) || c; }).replace(/[A-Z]+/g, function (c) { return c.toLowerCase(); });
  }

  // The text of a page: a line for each block, and with it where each node begins.
  var inline = /^(?:b|i|em|strong|small|mark|span|code|a)$/;
  var entities = { "&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'", "&amp;": "&" };
  function decode(s) { return s.replace(/&(?:lt|gt|amp|#34|#39);/g, function (e) { return entities[e]; }); }
  function textOf(html) {
    html = html.replace(/<a class="link"[^>]*>#<\/a>|<p class="wait">[^<]*<\/p>/g, "");
    var out = [], n = 0, starts = [], ids = [], at = 0, m, tag = /<\/?([a-z0-9]+)([^>]*)>/g;
    function put(s) { out.push(s); n += s.length; }
    while ((m = tag.exec(html))) {
      if (m.index > at) put(decode(html.slice(at, m.index)));
      at = m.index + m[0].length;
      var id = / id="n(\d+)"/.exec(m[2]);
      if (!inline.test(m[1])) put("\n");
      if (id) { starts.push(n); ids.push(+id[1]); }
    }
    if (at < html.length) put(decode(html.slice(at)));
    return { text: out.join(""), starts: starts, ids: ids };
  }
  // The number of the node that begins last before a place; null when none does.
  function nodeAt(page, k) {
    var lo = 0, hi = page.starts.length;
    while (lo < hi) { var mid = (lo + hi) >> 1; if (page.starts[mid] <= k) lo = mid + 1; else hi = mid; }
    return lo ? page.ids[lo - 1] : null;
  }

  // A query, as text and, where it can be that, as bytes written in hex.
  function lower(p) { return p.map(function (c) { return c >= 65 && c <= 90 ? c + 32 : c; }); }
  function grams(p, printable) {
    var out = [];
    for (var i = 0; i + 2 < p.length; i++) {
      if (printable && !(shown(p[i]) && shown(p[i + 1]) && shown(p[i + 2]))) continue;
      out.push(Math.imul(p[i] << 16 | p[i + 1] << 8 | p[i + 2], 0x9e3779b1) >>> 0);
    }
    return out;
  }
  function shown(c) { return c >= 32 && c < 127; }
  function query(s) {
    var want = s.trim(), q = { text: fold(want), bytes: lower(new TextEncoder().encode(want)), hex: null };
    var h = want.replace(/\s/g, "").toLowerCase();
    if (/^(?:[0-9a-f]{2}){2,}$/.test(h)) q.hex = Uint8Array.from(h.match(/../g), function (x) { return parseInt(x, 16); });
    q.textGrams = grams(new TextEncoder().encode(q.text), false);
    q.bytesGrams = grams(q.bytes, true);
    q.hexGrams = q.hex && grams(lower(q.hex), true);
    return q;
  }

  // Whether a page may hold what is sought. A filter is a set of bits, one for each three bytes
  // that follow each other in the page; what the page has is in it, and by chance other things.
  function all(filter, grams) {
    var bits = filter.length * 8;
    return grams.every(function (h) {
      var k = Math.floor(h * bits / 4294967296);
      return filter[k >> 3] >> (k & 7) & 1;
    });
  }
  function may(filter, q, raw) {
    if (!filter || !filter.length) return true;
    if (!raw) return all(filter, q.textGrams);
    return all(filter, q.bytesGrams) || !!q.hex && all(filter, q.hexGrams);
  }

  // Places of a text in a page of text, and of bytes in a page of bytes; found returns false
  // when it has enough.
  function eachText(page, q, found) {
    var s = page.folded || (page.folded = fold(page.text));
    for (var k = s.indexOf(q.text); k >= 0; k = s.indexOf(q.text, k + q.text.length)) if (found(k) === false) return;
  }
  function eachBytes(p, q, found) {
    if (!places(lower(p), q.bytes, found) || !q.hex) return;
    places(p, q.hex, found);
  }
  function places(p, w, found) {
    outer: for (var k = p.indexOf(w[0]); k >= 0; k = p.indexOf(w[0], k + 1)) {
      for (var i = 1; i < w.length; i++) if (p[k + i] !== w[i]) continue outer;
      if (found(k) === false) return false;
      k += w.length - 1;
    }
    return true;
  }
  // The line around a place.
  function around(s, k, n) {
    var from = Math.max(s.lastIndexOf("\n", k) + 1, k - 60), to = s.indexOf("\n", k + n);
    return s.slice(from, Math.min(to < 0 ? s.length : to, k + n + 100)).trim();
  }
  return { inline: inline, unfold: unfold, fold: fold, textOf: textOf, nodeAt: nodeAt, query: query, may: may, eachText: eachText, eachBytes: eachBytes, around: around };
})();
