/** Runs the machine's Chromium without a window. */
import { type Browser, type BrowserServer, chromium } from 'playwright-core';
import { findChromium } from './programs.ts';

/**
 * Chromium obeys only the last such list, so this one repeats those that playwright-core disables (in its
 * chromiumSwitches.ts). The popups below the address bar would be pages of their own in every context, although nobody
 * sees them.
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
  // Chromium's sandbox works neither as root nor in most containers. The tests open only the project's own pages.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--disable-features=${DISABLED_FEATURES.join(',')}`,
];

/** All files in this process share it. It ends with the process. */
let shared: Promise<BrowserServer> | undefined;

/**
 * A browser whose contexts, pages and storage no other caller sees. The caller MUST close it. All test files of this
 * process share one Chromium, because a start is slow.
 */
export async function launchChromium(): Promise<Browser> {
  shared ??= chromium.launchServer({ executablePath: executable(), args });
  return await chromium.connect((await shared).wsEndpoint());
}

/** Starts a separate Chromium with the flags `more`. The caller MUST close it. */
export async function launchOwnChromium(...more: readonly string[]): Promise<Browser> {
  return await chromium.launch({ executablePath: executable(), args: [...args, ...more] });
}

function executable(): string {
  const path = findChromium();
  if (path === undefined) throw new Error('No Chromium: install one, or name it in CHROMIUM_PATH.');
  return path;
}
