// Puts the participation code into a cookie that scripts cannot read, then loads the page under its plain address.

export default function ({ parentElement, data }) {
  const door = parentElement.querySelector(".door");
  if (!data || door.dataset.begun) return;
  door.dataset.begun = "true";
  const page = window.location.pathname.replace(/\/+$/, "");
  const failed = (problem) => {
    const code = data.code ? ` Your participation code is ${data.code}.` : "";
    door.textContent = `${problem} Reload this page to try again.${code}`;
  };
  fetch(`${page}/enter`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ code: data.code }),
  })
    .then(async (answer) => {
      if (answer.ok) window.location.replace(page);
      else failed((await answer.json()).problem);
    })
    .catch(() => failed("The server did not answer."));
}
