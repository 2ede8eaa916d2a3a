/**
 * How the bell looks. A page changes it by the properties `--carillon-…`, which docs/bell.md lists, and by parts; light
 * and dark follow the page's `color-scheme`. A sheet and not a `<style>`, which strict content security policies forbid.
 * Rules stand in one line each: every page that has the bell loads them as they are here.
 */

const CSS = `
:host {
--_accent: var(--carillon-accent, light-dark(#8f530b, #e3a650));
--_surface: var(--carillon-surface, light-dark(#fffefc, #1d1b19));
--_text: var(--carillon-text, light-dark(#1d1b18, #f0ece5));
--_muted: var(--carillon-muted, light-dark(#6a645b, #aaa398));
--_line: var(--carillon-line, light-dark(#e7e2d9, #34302b));
--_info: var(--carillon-info, light-dark(#2a63a8, #86b6f2));
--_success: var(--carillon-success, light-dark(#1b7440, #6cd197));
--_warning: var(--carillon-warning, light-dark(#96600a, #f0b54d));
--_critical: var(--carillon-critical, light-dark(#b8251d, #ff8b84));
--_size: var(--carillon-size, 44px);
--_hover: color-mix(in srgb, currentColor 8%, transparent);
display: inline-block;
vertical-align: middle;
}
:host([hidden]), [hidden] { display: none !important }
* { box-sizing: border-box; margin: 0; padding: 0 }
button, a { font: inherit; color: inherit; text-align: inherit; text-decoration: none; background: none; border: 0; cursor: pointer }
svg { display: block; width: 100%; height: 100%; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round }
:focus-visible { outline: 2px solid var(--_accent); outline-offset: 2px }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap }
.button { display: block; position: relative; width: var(--_size); height: var(--_size); padding: calc(var(--_size) * .22); border-radius: 50% }
.button:hover, .button[aria-expanded=true] { background: var(--_hover) }
.button svg { transform-origin: 50% 12% }
.offline svg { opacity: .45 }
.ringing svg { animation: ring .9s ease-out }
.badge { position: absolute; top: 3%; left: 52%; min-width: 19px; padding: 0 5px; border-radius: 10px; background: var(--carillon-badge, #c4291f); color: var(--carillon-badge-text, #fff); box-shadow: 0 0 0 2px var(--_surface); font: 600 11px/19px system-ui, sans-serif; text-align: center; forced-color-adjust: none }
[popover] { position: fixed; inset: auto; border: 0; background: none; color: var(--_text); font: 400 14px/1.45 var(--carillon-font, system-ui, sans-serif); letter-spacing: normal; text-align: start; text-transform: none; white-space: normal; cursor: default }
.panel, .toast { background: var(--_surface); border: 1px solid var(--_line); border-radius: var(--carillon-radius, 14px); box-shadow: var(--carillon-shadow, 0 1px 2px #140f0514, 0 12px 40px -8px #140f0547); animation: enter .2s ease-out }
.panel { width: var(--carillon-width, 384px); overflow: hidden; outline: 0 }
.panel:popover-open { display: flex; flex-direction: column }
.header { display: flex; align-items: center; justify-content: space-between; gap: 12px; min-height: 52px; padding: 8px 10px 8px 18px }
.heading { font-size: 16px; font-weight: 650; letter-spacing: -.01em }
.action { padding: 6px 10px; border-radius: 8px; color: var(--_accent); font-size: 13px; font-weight: 550 }
.action:hover, .archive:hover, .dismiss:hover { background: var(--_hover) }
.connection { padding: 7px 18px; background: color-mix(in srgb, var(--_warning) 12%, transparent); font-size: 13px; font-variant-numeric: tabular-nums }
.scroller { overflow: auto; overscroll-behavior: contain; border-top: 1px solid var(--_line) }
.list { list-style: none }
.item, .toast { display: grid; grid-template-columns: 20px 1fr 32px; gap: 0 12px; padding: 13px 10px 13px 18px }
.item { position: relative }
.item + .item { border-top: 1px solid var(--_line) }
.item:hover { background: var(--_hover) }
.unread:not(:hover) { background: color-mix(in srgb, var(--_accent) 6%, transparent) }
.unread::before { content: ''; position: absolute; inset-block: -1px; inset-inline-start: 0; width: 3px; background: var(--_accent); forced-color-adjust: none }
.severity { height: 20px }
.info > .severity { color: var(--_info) }
.success > .severity { color: var(--_success) }
.warning > .severity { color: var(--_warning) }
.critical > .severity { color: var(--_critical) }
.text { min-width: 0; overflow-wrap: anywhere }
.text:has(> .image) { display: grid; grid-template-columns: 1fr 44px; column-gap: 12px }
.text > * { grid-column: 1 }
.text > .image { grid-area: 1 / 2 / span 3; width: 44px; height: 44px; margin-top: 2px; border-radius: 8px; object-fit: cover }
.title, .body { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden }
.title { width: 100%; font-weight: 500 }
.unread .title, .toast .title { font-weight: 620 }
.item .title::after { content: ''; position: absolute; inset: 0 }
.item .title:focus-visible { outline: 0 }
.item .title:focus-visible::after { outline: 2px solid var(--_accent); outline-offset: -4px; border-radius: 8px }
.link:hover { text-decoration: underline; text-underline-offset: 3px }
.body, .time { color: var(--_muted); font-size: 13px }
.time { display: block; margin-top: 2px }
.archive, .dismiss { position: relative; width: 32px; height: 32px; padding: 7px; margin-top: -6px; border-radius: 8px; color: var(--_muted) }
.empty { display: grid; justify-items: center; gap: 10px; padding: 48px 24px; color: var(--_muted); text-align: center }
.empty svg { width: 34px; opacity: .7 }
.more { display: block; width: 100%; padding: 14px; text-align: center }
.more:disabled { opacity: .5 }
.toasts { inset: auto 16px 16px auto; width: min(var(--carillon-width, 384px), 100vw - 32px); overflow: visible }
.toasts:popover-open { display: grid; gap: 10px }
:host([toasts^=top]) .toasts { inset-block: 16px auto }
:host([toasts$=left]) .toasts { inset-inline: 16px auto }
.toast.critical { border-color: var(--_critical) }
.dismiss { grid-column: 3 }
@keyframes enter { from { opacity: 0; transform: translateY(-6px) } }
@keyframes ring { 15% { rotate: 16deg } 35% { rotate: -13deg } 55% { rotate: 8deg } 75% { rotate: -5deg } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important } }
`;

let sheet: CSSStyleSheet | undefined;

/** The same for all bells of a page. */
export function styleSheet(): CSSStyleSheet {
  if (sheet === undefined) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
