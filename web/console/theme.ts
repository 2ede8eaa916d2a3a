/** Light or dark: the system's, until somebody chooses. */
import { effect, signal } from '@preact/signals';

type Theme = 'light' | 'dark';

const KEY = 'carillon console theme';
const prefersDark = matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme | undefined {
  const theme = localStorage.getItem(KEY);
  return theme === 'light' || theme === 'dark' ? theme : undefined;
}

const chosen = signal(stored());
const system = signal<Theme>(prefersDark.matches ? 'dark' : 'light');
prefersDark.addEventListener('change', ({ matches }) => {
  system.value = matches ? 'dark' : 'light';
});

export function currentTheme(): Theme {
  return chosen.value ?? system.value;
}

/** A choice that the system makes too is none: the page follows the system again. */
export function toggleTheme(): void {
  const next = currentTheme() === 'dark' ? 'light' : 'dark';
  chosen.value = next === system.value ? undefined : next;
  if (chosen.value === undefined) localStorage.removeItem(KEY);
  else localStorage.setItem(KEY, next);
}

effect(() => {
  document.documentElement.dataset.theme = currentTheme();
});
