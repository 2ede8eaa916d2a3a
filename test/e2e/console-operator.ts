/** The console as an operator opens it: with a token of their own, at the view that a runbook links to. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { type CarillonProcess, tokenFor } from '../support/carillon.ts';
import { openConsole } from './console-page.ts';

interface Opening {
  /** With its parameters, as it stands behind the `#`. */
  readonly view: string;
  /** @default admin */
  readonly scope?: string;
  readonly options?: BrowserContextOptions;
}

interface Opened {
  readonly page: Page;
  /** Console errors and exceptions. */
  readonly faults: readonly string[];
}

export async function openView(
  browser: Browser,
  { opsUrl }: CarillonProcess,
  { view, scope = 'admin', options = {} }: Opening,
): Promise<Opened> {
  const { page, faults } = await openConsole(browser, `${opsUrl}/console/#${view}`, options);
  await page.getByRole('textbox', { name: 'Token' }).fill(await tokenFor('operator', { scope }));
  await page.getByRole('button', { name: 'Come in' }).click();
  return { page, faults };
}

/** Where the view says what it has read, and what it cannot know. */
export async function saysWhatItKnows(page: Page, path: string): Promise<void> {
  const provenance = page.locator('.provenance').filter({ hasText: path });
  await provenance.getByText(/Read at \d\d:\d\d:\d\d/).waitFor();
  expect(await provenance.getByRole('listitem').count()).toBeGreaterThan(0);
}
