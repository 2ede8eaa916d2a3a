/** Starts the machine's Chromium without a window. */
import { type Browser, chromium } from 'playwright-core';
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

/** The caller MUST close the browser. */
export async function launchChromium(more: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('No Chromium: install one, or name it in CHROMIUM_PATH.');
  return await chromium.launch({ executablePath, args: [...args, ...more] });
}
