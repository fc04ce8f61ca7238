/** What the pages that show Converse.js have in common. */
import { escapeAttribute, escapeText } from '../../xml/element.ts';

/** A page that shows Converse.js. */
export interface ChatPage {
  readonly title: string;
  /** `#rrggbb`. */
  readonly colour: string;
  /** Where its files are, from the folder that the page is in, with a slash at the end. */
  readonly files: string;
  /** The name of its own style and script among them. */
  readonly styleSheet: string;
  readonly script: string;
  /** What its script reads. */
  readonly settings: object;
  /** What else is in its head, and its body, as HTML. */
  readonly head: string;
  readonly body: string;
}

/** The page, as HTML. */
export function chatHtml(page: ChatPage): string {
  const { title, colour, files, styleSheet, script, settings, head, body } = page;
  // The page's script imports Converse.js; by an element that names it, Converse.js finds its files.
  const at = (file: string) => quoted(`${files}${file}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeText(title)}</title>
${head}<link rel="stylesheet" href=${at('converse.min.css')}>
<link rel="stylesheet" href=${at(styleSheet)}>
<style>:root{--host-colour:${colour}}</style>
<script type="application/json" id="settings">${scriptData(settings)}</script>
<script type="module" src=${at('converse.min.js')}></script>
<script type="module" src=${at(script)}></script>
</head>
<body>
${body}
</body>
</html>
`;
}

/** The value of an attribute. */
export const quoted = (text: string) => `"${escapeAttribute(text)}"`;

/** Data in a `<script>` that is none: nothing in it ends the element. */
const scriptData = (data: object) => JSON.stringify(data).replaceAll('<', '\\u003c');
