/** How a verdict looks: whether the user has the notification, does not, or nobody knows. */

type VerdictTone = 'good' | 'bad' | 'open';

const TONES: Readonly<Record<string, VerdictTone>> = {
  delivered: 'good',
  read: 'good',
  archived: 'good',
  kept: 'open',
  waiting: 'open',
  unknown: 'open',
};

export function toneOf(verdict: string): VerdictTone {
  return TONES[verdict] ?? 'bad';
}

export function verdictTitle(verdict: string): string {
  const words = verdict.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
