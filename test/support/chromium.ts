/** Runs the machine's Chromium without a window. */
import { type Browser, type BrowserServer, chromium } from 'playwright-core';
import { findChromium } from './programs.ts';

/**
 * Chromium obeys the last list alone, so that those which playwright-core switches off are named again (its
 * chromiumSwitches.ts). The popups below the address bar are pages of their own, in each context; nobody sees them.
 */
const DISABLED_FEATURES = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
];

const args = [
  // Chromium's sandbox does not work as root, nor in most containers. Only the project's own pages are opened.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${DISABLED_FEATURES.join(',')}`,
];

/** Shared by this process, and ends with it. */
let shared: Promise<BrowserServer> | undefined;

/**
 * A browser whose contexts, pages and storage no other caller sees. The caller MUST close it. All test files of this
 * process share one Chromium, because starting one is slow.
 */
export async function launchChromium(): Promise<Browser> {
  shared ??= chromium.launchServer({ executablePath: executable(), args });
  return await chromium.connect((await shared).wsEndpoint());
}

/** A separate Chromium with `more` flags. The caller MUST close it. */
export async function launchOwnChromium(...more: readonly string[]): Promise<Browser> {
  return await chromium.launch({ executablePath: executable(), args: [...args, ...more] });
}

function executable(): string {
  const path = findChromium();
  if (path === undefined) throw new Error('No Chromium: install one, or name it in CHROMIUM_PATH.');
  return path;
}
