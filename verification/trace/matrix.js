"use strict";
(function () {
  var form = document.getElementById("filters"), box = document.getElementById("filter"), count = document.getElementById("count");
  var more = document.getElementById("more"), bar = document.querySelector(".bar"), selects = form.querySelectorAll("select");
  var rows = Array.prototype.slice.call(document.querySelectorAll("tr.row")), texts = null, shown = rows.map(function () { return true; }), timer = 0;

  function index() {
    texts = rows.map(function (row) {
      var band = row.parentNode.firstElementChild;
      return (row.textContent + (band && band.className === "band" ? " " + band.textContent : "")).toLowerCase();
    });
  }
  function wanted() {
    var found = { words: box.value.toLowerCase().split(/\s+/).filter(Boolean), open: form.open.checked, fields: [] };
    selects.forEach(function (select) { if (select.value) { found.fields.push(["data-" + select.name, "|" + select.value + "|"]); } });
    found.active = found.words.length > 0 || found.open || found.fields.length > 0;
    return found;
  }
  function fits(row, i, want) {
    var status = row.getAttribute("data-status");
    if (want.open && (!status || status === "|passed|" || status === "|shown|" || status === "|verified|")) { return false; }
    return want.fields.every(function (field) { return (row.getAttribute(field[0]) || "").indexOf(field[1]) >= 0; }) &&
      want.words.every(function (word) { return texts[i].indexOf(word) >= 0; });
  }
  function apply() {
    var want = wanted(), n = 0, part, i;
    if (want.words.length && !texts) { index(); }
    for (i = 0; i < rows.length; i += 1) {
      part = !want.active || fits(rows[i], i, want);
      if (part !== shown[i]) { rows[i].classList.toggle("hidden", !part); shown[i] = part; }
      n += part ? 1 : 0;
    }
    document.querySelectorAll("tbody, .chunk").forEach(function (each) {
      each.classList.toggle("hidden", want.active && !each.querySelector("tr.row:not(.hidden)"));
    });
    document.querySelectorAll(".group").forEach(function (group) {
      group.classList.toggle("hidden", want.active && !group.querySelector("tr.row:not(.hidden)"));
    });
    selects.forEach(function (select) { select.classList.toggle("set", Boolean(select.value)); });
    document.body.classList.toggle("filtered", want.active);
    document.body.classList.toggle("none", n === 0);
    document.getElementById("set").textContent = want.fields.length + want.open > 0 ? ": " + (want.fields.length + want.open) + " set" : "";
    count.textContent = n + " of " + rows.length + " rows";
  }
  function remember() {
    var held = new URLSearchParams();
    new FormData(form).forEach(function (value, name) { if (value) { held.append(name, value); } });
    var text = held.toString();
    try { history.replaceState(null, "", text ? "#?" + text : location.pathname + location.search); } catch (error) { /* a page opened from a file may not */ }
  }
  function changed() { apply(); remember(); }
  function choose(name, value) {
    selects.forEach(function (select) {
      if (select.name !== name) { return; }
      select.value = value;
      if (select.value !== value) { select.add(new Option(value, value, false, true)); } /* a kept address asks for what no longer occurs: no row, not every row */
    });
  }
  function follow() {
    var hash = location.hash, target;
    if (hash.slice(0, 2) === "#?") {
      form.reset();
      new URLSearchParams(hash.slice(2)).forEach(function (value, name) {
        if (name === "open") { form.open.checked = true; } else if (name === "q") { box.value = value; } else { choose(name, value); }
      });
      apply();
      return;
    }
    try { target = hash && document.getElementById(decodeURIComponent(hash.slice(1))); } catch (error) { target = null; }
    if (target && target.closest(".hidden")) { form.reset(); apply(); }
    if (target) { target.scrollIntoView(); }
  }
  function measure() { document.documentElement.style.setProperty("--bar", bar.offsetHeight + "px"); }

  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.addEventListener("reset", function () { setTimeout(changed, 0); });
  form.addEventListener("change", changed);
  box.addEventListener("input", function () { clearTimeout(timer); timer = setTimeout(changed, 150); });
  document.addEventListener("keydown", function (event) {
    var typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); box.focus(); box.select(); }
    if (event.key === "Escape" && wanted().active) { form.reset(); }
  });
  window.addEventListener("hashchange", follow);
  window.addEventListener("beforeprint", function () { document.querySelectorAll("main details").forEach(function (each) { each.open = true; }); });
  if (window.ResizeObserver) { new ResizeObserver(measure).observe(bar); }
  more.open = window.matchMedia("(min-width: 900px)").matches;
  measure();
  apply();
  follow();
}());
