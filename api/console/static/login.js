// Sends the form of a one-time link by itself; and goes on where this browser is signed in already
// (a strict cookie is not sent when the page was opened from elsewhere).
"use strict";
const link = document.getElementById("link-form");
if (link) {
  link.submit();
} else if (!document.querySelector("[role=alert]")) {
  fetch("/console/live", { credentials: "same-origin", redirect: "manual" }).then((answer) => {
    if (answer.ok) location.replace("/");
  });
}
