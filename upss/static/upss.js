/* Adds comfort to pages that already work without it: focus on errors, autosave, character
   counter, no double sending. Words come from data attributes. Nothing disappears on a timer. */
(function () {
  "use strict";
  var status = document.getElementById("status");

  function say(text) { if (status) { status.textContent = text; } }

  // A button that is pressed must not move away from under the finger, or the press is lost: what
  // changes lines above it waits for the click, which after a touch comes some time later, or for
  // any sign that there will be none.
  var pressed = false;
  var later = [];
  var wait;
  function letGo() {
    clearTimeout(wait);
    pressed = false;
    later.splice(0).forEach(function (change) { change(); });
  }
  function whenLetGo(change) { if (pressed) { later.push(change); } else { change(); } }
  document.addEventListener("pointerdown", function (event) {
    if (!event.isPrimary) { return; }
    letGo();
    pressed = event.button === 0 && Boolean(event.target.closest("a, button, label, summary"));
  });
  ["pointerup", "pointercancel"].forEach(function (name) {
    document.addEventListener(name, function () { clearTimeout(wait); wait = setTimeout(letGo, 400); });
  });
  ["click", "keydown", "contextmenu", "dragend"].forEach(function (name) {
    document.addEventListener(name, letGo);
  });
  ["blur", "pageshow"].forEach(function (name) { window.addEventListener(name, letGo); });

  function focusOnErrors() {
    var box = document.querySelector("[data-focus]");
    if (box) { box.focus(); return; }
    // A live region speaks only when it changes after loading, so messages are said once more there.
    var words = Array.from(document.querySelectorAll("[data-flashes] .notice-words"), function (words) {
      return words.textContent.trim();
    });
    if (words.length) { setTimeout(function () { say(words.join(" ")); }, 500); }
  }

  function count(area) {
    var line = document.getElementById(area.id + "-count");
    var limit = Number(area.dataset.count);
    var first = line.textContent;
    var wait;
    area.addEventListener("input", function () {
      // Code points, as the server counts; line ends as one.
      var left = limit - Array.from(area.value).length;
      var words = left < 0 ? area.dataset.over.replace("{n}", -left)
        : left <= limit / 4 ? area.dataset.left.replace("{n}", left) : first;
      line.textContent = words;
      clearTimeout(wait);
      wait = setTimeout(function () { if (words !== first) { say(words); } }, 1000);
    });
  }

  function autosave(form) {
    var line = form.querySelector("[data-autosave-status]") || status;
    var saved = written();
    var busy = false;
    var again = false;
    var leaving = false;
    // A claim ends when nothing is saved for long: said some time before, as an hour, never counted down.
    var ending = form.querySelector("[data-warn-in]");
    var warnAt = ending ? Date.now() + ending.dataset.warnIn * 1000 : Infinity;

    function warn() {
      if (!ending || !ending.hidden || Date.now() < warnAt || pressed) { return; }
      ending.hidden = false;
      say(ending.textContent.trim());
    }
    function keep(reply) {
      if (!ending || !("warn_in" in reply)) { return; }
      warnAt = reply.warn_in === null ? Infinity : Date.now() + reply.warn_in * 1000;
      ending.hidden = reply.warn_in !== 0;
      ending.querySelector("[data-warning]").textContent = reply.ends_text;
    }
    function written() { return new URLSearchParams(new FormData(form)).toString(); }
    function show(text, trouble) {
      if (line.textContent !== text) { line.textContent = text; }
      line.classList.toggle("trouble", trouble);
    }
    function save() {
      var now = written();
      if (leaving || now === saved) { return; }
      // What was typed while a save is on its way is saved right after it.
      if (busy) { again = true; return; }
      busy = true;
      var body = new FormData(form);
      var token = form.querySelector("[name=csrf_token]");
      fetch(form.dataset.autosave, {
        method: "POST", body: body, keepalive: now.length < 50000, credentials: "same-origin",
        headers: { "X-CSRFToken": token ? token.value : "", "Accept": "application/json" }
      }).then(function (reply) {
        if (!reply.ok || reply.redirected) { throw new Error(String(reply.status)); }
        return reply.json();
      }).then(function (reply) {
        saved = now;
        whenLetGo(function () { show(reply.saved_at_text, false); keep(reply); });
      }).catch(function () {
        whenLetGo(function () { show(form.dataset.notSaved, true); });
      }).then(function () {
        busy = false;
        if (again) { again = false; save(); }
      });
    }
    setInterval(function () { save(); warn(); }, 20000);
    form.addEventListener("focusout", save);
    form.addEventListener("change", save);
    document.addEventListener("visibilitychange", function () { if (document.hidden) { save(); } });
    window.addEventListener("pagehide", save);
    window.addEventListener("online", save);
    // The form itself carries the text now: a save racing it could only bring back older words.
    form.addEventListener("submit", function () { leaving = true; });
    window.addEventListener("pageshow", function () { leaving = false; });
  }

  function sendOnce(form) {
    var sent = false;
    form.addEventListener("submit", function (event) {
      if (sent) { event.preventDefault(); return; }
      sent = true;
      form.querySelectorAll("button").forEach(function (button) { button.setAttribute("aria-disabled", "true"); });
    });
    // Back from the next page: the form may be sent again.
    window.addEventListener("pageshow", function () {
      sent = false;
      form.querySelectorAll("button").forEach(function (button) { button.removeAttribute("aria-disabled"); });
    });
  }

  focusOnErrors();
  document.querySelectorAll("textarea[data-count]").forEach(count);
  document.querySelectorAll("form[data-autosave]").forEach(autosave);
  document.querySelectorAll('form[method="post"]').forEach(sendOnce);
})();
