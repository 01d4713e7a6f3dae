(function () {
  "use strict";

  var filter = document.getElementById("filter");
  var shown = document.getElementById("shown");

  function narrow() {
    var wanted = filter.value.trim().toLowerCase();
    var n = 0;
    Array.prototype.forEach.call(document.getElementById("dot-table").tBodies[0].rows, function (row) {
      var match = row.textContent.toLowerCase().indexOf(wanted) >= 0;
      row.hidden = !match;
      n += match ? 1 : 0;
    });
    shown.textContent = n + (n === 1 ? " row" : " rows");
  }

  filter.addEventListener("input", narrow);
})();
