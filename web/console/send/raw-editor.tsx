/** The event as text, with numbered lines. What is wrong is said with its line, and the line is marked. */
import { useRef } from 'preact/hooks';
import type { Composer } from './composer.ts';
import { lineOf, scanJson } from './json-text.ts';

interface Wrong {
  readonly line: number | undefined;
  readonly at: number;
  readonly words: string;
}

export function RawEditor({ composer }: { readonly composer: Composer }) {
  const text = composer.text.value;
  const wrong = wrongIn(composer, text);
  const editor = useRef<HTMLTextAreaElement>(null);
  const lines = text.split('\n').map((_, i) => i + 1);
  const goThere = () => {
    editor.current?.focus();
    editor.current?.setSelectionRange(wrong?.at ?? 0, wrong?.at ?? 0);
  };
  return (
    <div class="field raw">
      <label for="send-text">CloudEvent, as JSON</label>
      <div class="editor" data-wrong={wrong !== undefined}>
        <ol class="lines" aria-hidden="true">
          {lines.map((line) => (
            <li key={line} data-wrong={wrong?.line === line} />
          ))}
        </ol>
        <textarea
          id="send-text"
          ref={editor}
          class="mono"
          rows={Math.max(lines.length, 12)}
          wrap="off"
          spellcheck={false}
          autocapitalize="off"
          aria-invalid={wrong !== undefined}
          aria-describedby="send-text-fault"
          value={text}
          onInput={(event) => composer.edit(event.currentTarget.value)}
        />
      </div>
      <p class="fault" id="send-text-fault" role="status">
        {wrong?.words}
        {wrong?.line !== undefined && (
          <button type="button" class="plain" onClick={goThere}>
            Go there
          </button>
        )}
      </p>
    </div>
  );
}

/** The text's own fault first: before that is mended the service cannot say anything. */
function wrongIn({ fault, problem }: Composer, text: string): Wrong | undefined {
  if (fault.value !== undefined) {
    const { line, column, at, message } = fault.value;
    return { line, at, words: `Line ${line}, column ${column}: ${message}.` };
  }
  const found = problem.value;
  if (found === undefined) return undefined;
  const scan = scanJson(text);
  const at = scan.ok ? scan.places.get(found.path ?? '') : undefined;
  if (at === undefined || found.path === undefined) {
    return { line: undefined, at: 0, words: wordsOf(found.path, found.detail) };
  }
  const line = lineOf(text, at);
  return { line, at, words: `Line ${line}, ${wordsOf(found.path, found.detail)}` };
}

function wordsOf(path: string | undefined, detail: string): string {
  return path === undefined || path === '' ? detail : `${path}: ${detail}`;
}
