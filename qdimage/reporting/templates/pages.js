// Shows one page at a time, by the part of the address after "#"; "#all" shows them all.
(function () {
  var root = document.documentElement;
  var pages = Array.prototype.slice.call(document.querySelectorAll(".page"));
  var links = Array.prototype.slice.call(document.querySelectorAll("nav.tabs a"));
  var title = document.title;

  function pageOf(element) {
    return element ? element.closest(".page") : null;
  }

  function show() {
    var name = decodeURIComponent(window.location.hash.slice(1));
    var everything = name === "all";
    var target = everything ? null : document.getElementById(name);
    var page = pageOf(target) || window.qdimage.openDot(name) || pages[0];
    root.classList.toggle("everything", everything);
    pages.forEach(function (each) { each.classList.toggle("current", each === page); });
    var tab = page.getAttribute("data-tab") || page.id;
    links.forEach(function (link) {
      var current = link.getAttribute("href") === "#" + (everything ? "all" : tab);
      if (current) { link.setAttribute("aria-current", "page"); } else { link.removeAttribute("aria-current"); }
    });
    var heading = page.querySelector("h1");
    document.title = page === pages[0] || !heading ? title : heading.textContent.trim() + " \u00b7 " + title;
    if (target && target !== page) { target.scrollIntoView({ behavior: "instant" }); } else { window.scrollTo({ top: 0, behavior: "instant" }); }
  }

  root.classList.add("paged");
  window.qdimage.show = show;
  window.addEventListener("hashchange", show);
})();
