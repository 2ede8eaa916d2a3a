/** The page: the shop's counter, the customer's phone and her mailbox. */
import '../support/story.css';
import './orders.css';
import { connectAs, find, NO_STORAGE, showState } from '../support/page.ts';
import { openCounter } from './counter.ts';
import { openMailbox } from './mailbox.ts';
import { Phone } from './phone.ts';

const carillon = await connectAs('clerk', { storage: NO_STORAGE });
showState(carillon, find('#state', HTMLElement));
openMailbox(carillon);
await Promise.all([openCounter(), new Phone().goOnline()]);
