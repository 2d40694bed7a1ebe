// The pages that are Gantry's own: login and index.

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
const html = (text: string): string => text.replace(/[&<>"']/g, (c) => escapes[c] ?? c);

const style = `
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:34rem;margin:12vh auto;padding:0 1.5rem}
h1{font-size:1.5rem;margin-bottom:.25rem}
p.lead{margin-top:0;opacity:.75}
label{display:block;font-weight:600;margin:1.5rem 0 .4rem}
input{width:100%;box-sizing:border-box;font:inherit;padding:.55rem .7rem;border:1px solid #8888;border-radius:.4rem}
button{font:inherit;padding:.5rem 1.1rem;margin-top:1rem;border:0;border-radius:.4rem;background:#2456c9;color:#fff;cursor:pointer}
button.quiet{background:none;color:inherit;text-decoration:underline;padding:0}
.error{border-left:3px solid #c22;padding-left:.7rem}
ul{padding:0;list-style:none}
li{border:1px solid #8884;border-radius:.5rem;margin:.7rem 0}
li a{display:block;padding:.7rem 1rem;color:inherit;text-decoration:none}
li a:hover,li a:focus{background:#8882}
li strong{display:block}
`;

const page = (title: string, body: string): string =>
  `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${html(title)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;

/** `next` is where the login leads. */
export const loginPage = (next: string, error: string | null): string =>
  page(
    "Gantry: log in",
    `<main>
<h1>Gantry</h1>
<p class="lead">Queues, metrics and health of this installation.</p>
<form method="post" action="/ops/login">
${error === null ? "" : `<p class="error" role="alert">${html(error)}</p>`}
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<input name="next" type="hidden" value="${html(next)}">
<button type="submit">Log in</button>
</form>
</main>`,
  );

export const indexPage = (write: boolean): string =>
  page(
    "Gantry",
    `<main>
<h1>Gantry</h1>
<p class="lead">${write ? "Changes are allowed." : "Read-only: start with --ops-write to allow changes."}</p>
<ul>
<li><a href="/ops/queues/"><strong>Queues</strong>Pods that wait, run and have ended, and the work of the controllers</a></li>
<li><a href="/metrics"><strong>Metrics</strong>For Prometheus: this process, its requests, Jobs and CronJobs</a></li>
<li><a href="/healthz"><strong>Health</strong>Whether the store answers</a></li>
</ul>
<form method="post" action="/ops/logout"><button class="quiet" type="submit">Log out</button></form>
</main>`,
  );
