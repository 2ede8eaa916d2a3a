/** The console's start. */
import './styles/base.css';
import './styles/controls.css';
import './styles/marks.css';
import './styles/layout.css';
import './styles/send.css';
import './styles/devices.css';
import './styles/screen.css';
import './styles/live.css';
import './styles/operate.css';
import './styles/dead-letters.css';
import './styles/explain.css';
import './styles/tables.css';
import './styles/motion.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { ConsoleSession } from './session.ts';

const session = new ConsoleSession();
const root = document.querySelector('#app');
if (root !== null) render(<App session={session} />, root);
void session.start();
