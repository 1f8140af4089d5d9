(function () {
  "use strict";
  var q = document.getElementById("q"), u = document.getElementById("u"), out = document.getElementById("n");
  var nodes = Array.prototype.slice.call(document.querySelectorAll("details.node"));
  function own(d) {
    var s = d.firstElementChild.textContent, c = d.children;
    for (var i = 1; i < c.length; i++) if (!c[i].classList.contains("node")) s += "\n" + c[i].textContent;
    return s.toLowerCase();
  }
  function pages(d, want) {
    for (var i = 1; i < d.children.length; i++) {
      var p = d.children[i];
      if (p.classList.contains("page") && p.textContent.toLowerCase().indexOf(want) >= 0) { d.open = true; p.open = true; }
    }
  }
  function run() {
    var want = q.value.toLowerCase(), hits = 0;
    for (var i = nodes.length - 1; i >= 0; i--) {
      var d = nodes[i], hit = (!want || own(d).indexOf(want) >= 0) && (!u.checked || d.classList.contains("unexplained"));
      var below = d.querySelector("details.node:not(.hide)") !== null;
      if (hit) hits++;
      d.classList.toggle("hide", !(hit || below));
      if (want && below) d.open = true;
      if (want && hit) pages(d, want);
    }
    out.textContent = want || u.checked ? hits + " found" : "";
  }
  var timer;
  q.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(run, 150); });
  u.addEventListener("change", run);
})();
