/** Makes the bell's elements. Texts are set as text and attributes by name: no markup is ever read from a string. */

/** A class is the element's part as well, so that pages can style it. */
export function create<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  part: string,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  if (part !== '') {
    element.className = part;
    element.setAttribute('part', part);
  }
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

/** Of a text that others wrote: it runs as its own letters do, and is read out in its own language. */
export function written(language: string | undefined): Record<string, string> {
  return { dir: 'auto', ...(language === undefined ? {} : { lang: language }) };
}

/** Read by screen readers only. With its own direction it does not count for that of the text around it. */
export function hidden(text: string): HTMLSpanElement {
  const element = document.createElement('span');
  element.dir = 'auto';
  element.className = 'hidden';
  element.textContent = text;
  return element;
}

const ICONS = {
  bell: 'M6 17V11a6 6 0 0 1 12 0v6M4 17h16M10 20.5a2.2 2.2 0 0 0 4 0M12 3v2',
  archive: 'M4 5h16v4H4zM6 9v10h12V9M10 13h4',
  close: 'M6 6l12 12M18 6L6 18',
  // Shapes differ as well as colours, for those who do not see colours.
  info: 'M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17M12 11v5M12 7.6v.4',
  success: 'M12 3.5a8.5 8.5 0 1 0 0 17a8.5 8.5 0 1 0 0-17M8 12.3l2.8 2.8L16 9.5',
  warning: 'M12 4L21 19.5H3zM12 10v4.5M12 16.9v.2',
  critical: 'M8.4 3.5h7.2l4.9 4.9v7.2l-4.9 4.9H8.4l-4.9-4.9V8.4zM12 7.5v5.5M12 16.1v.2',
} as const;

export type IconName = keyof typeof ICONS;

const SVG = 'http://www.w3.org/2000/svg';

export function icon(name: IconName): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  path.setAttribute('d', ICONS[name]);
  svg.append(path);
  return svg;
}
